//! Services that are there to end: jobs, and services whose tasks are not restarted.

use super::workplace::{Workplace, docker};

/// A stack with a service that serves and one that runs this command, in this form.
fn stack(place: &Workplace, command: &str, form: &str) -> String {
    let text = format!(
        r#"
services:
  migrate:
    image: rollproof/app:v1
    entrypoint: ["/bin/sh", "-c", "{command}"]
    healthcheck: {{disable: true}}
    deploy: {form}
  app:
    image: rollproof/app:v1
    deploy: {{replicas: 1, endpoint_mode: dnsrr}}
"#
    );
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
    let place = Workplace::shared();
    let forms = [JOB, GLOBAL_JOB, ONE_SHOT, ON_FAILURE, NONE_WANTED];
    for (form, number) in forms.iter().zip(1..) {
        let name = format!("ends{number}");
        let file = stack(&place, "sleep 1; exit 0", form);
        place.run(&["deploy", "-c", &file, &name]).expect(0);
        let ended = docker(
            &place.docker_host(),
            &["service", "ps", "--format", "{{.CurrentState}}", &format!("{name}_migrate")],
        )
        .expect(0);
        let job = *form == JOB || *form == GLOBAL_JOB;
        assert!(!job || ended.out.starts_with("Complete"), "{form}: {}", ended.out);
        place.run(&["down", &name]).expect(0);
        let of_stack = format!("label=com.docker.stack.namespace={name}");
        let left = docker(&place.docker_host(), &["ps", "-aq", "--filter", &of_stack]).expect(0);
        assert_eq!(left.out, "", "{form}");
    }
}

#[test]
fn what_ends_badly_and_stays_so_fails_the_deployment_at_once() {
    let place = Workplace::shared();
    for (form, name) in [(JOB, "fails1"), (ONE_SHOT, "fails2")] {
        let file = stack(&place, "exit 3", form);
        let ended = place.run(&["deploy", "-c", &file, name]).expect(1);
        assert!(ended.err.contains("non-zero exit (3)"), "{form}: {}", ended.err);
        assert!(ended.err.contains("`restart_policy.condition` is `none`"), "{}", ended.err);
        place.run(&["down", name]).expect(0);
    }
}
