//! Services that are there to end: jobs, and services whose tasks are not restarted.

use std::fmt::Write as _;

use super::workplace::{Workplace, docker};

/// A stack with a service that serves and one of each of these forms, `ends1` and so on, that run
/// this command.
fn stack(place: &Workplace, command: &str, forms: &[&str]) -> String {
    let mut text = "services:
  app:
    image: rollproof/app:v1
    deploy: {replicas: 1, endpoint_mode: dnsrr}
"
    .to_owned();
    for (form, number) in forms.iter().zip(1..) {
        let service = format!(
            r#"  ends{number}:
    image: rollproof/app:v1
    entrypoint: ["/bin/sh", "-c", "{command}"]
    healthcheck: {{disable: true}}
    deploy: {form}
"#
        );
        text.write_str(&service).unwrap();
    }
    place.file("stack.yml", &text)
}

const JOB: &str = "{mode: replicated-job, replicas: 2, restart_policy: {condition: none}}";
const GLOBAL_JOB: &str = "{mode: global-job}";
const ONE_SHOT: &str = "{replicas: 1, restart_policy: {condition: none}, endpoint_mode: dnsrr}";
const ON_FAILURE: &str =
    "{replicas: 1, restart_policy: {condition: on-failure}, endpoint_mode: dnsrr}";
const NONE_WANTED: &str = "{replicas: 0, endpoint_mode: dnsrr}";

#[test]
fn what_ends_well_is_done_and_leaves_nothing() {
    let place = Workplace::small_shared();
    let forms = [JOB, GLOBAL_JOB, ONE_SHOT, ON_FAILURE, NONE_WANTED];
    let file = stack(&place, "sleep 1; exit 0", &forms);
    place.run(&["deploy", "-c", &file, "ending"]).expect(0);
    let host = place.docker_host();
    for (form, number) in forms.iter().zip(1..) {
        let service = format!("ending_ends{number}");
        let list = ["service", "ps", "--format", "{{.CurrentState}}", &service];
        let ended = docker(&host, &list).expect(0);
        let job = *form == JOB || *form == GLOBAL_JOB;
        assert!(!job || ended.out.starts_with("Complete"), "{form}: {}", ended.out);
    }
    place.run(&["down", "ending"]).expect(0);
    let of_stack = "label=com.docker.stack.namespace=ending";
    let left = ["ps", "-a", "--format", "{{.Names}}", "--filter", of_stack];
    assert_eq!(docker(&host, &left).expect(0).out, "");
}

#[test]
fn what_ends_badly_and_stays_so_fails_the_deployment_at_once() {
    let place = Workplace::small_shared();
    for (form, name) in [(JOB, "fails1"), (ONE_SHOT, "fails2")] {
        let file = stack(&place, "exit 3", &[form]);
        let ended = place.run(&["deploy", "-c", &file, name]).expect(1);
        assert!(ended.err.contains("non-zero exit (3)"), "{form}: {}", ended.err);
        assert!(ended.err.contains("`restart_policy.condition` is `none`"), "{}", ended.err);
        place.run(&["down", name]).expect(0);
    }
}
