//! Each way to fail and its words.

use TaskState::{
    Complete, Failed, Orphaned, Pending, Preparing, Rejected, Running, Shutdown, Starting,
};

use super::*;

fn task(state: TaskState, error: &str, exit_code: Option<i64>) -> TaskSeen {
    TaskSeen {
        task: "t1".to_owned(),
        service: "demo_app".to_owned(),
        slot: 1,
        node: "n1".to_owned(),
        generation: 2,
        image: "app:v2".to_owned(),
        state,
        desired: if state.is_terminal() { Shutdown } else { Running },
        message: "started".to_owned(),
        error: error.to_owned(),
        exit_code,
        container: "c1".to_owned(),
        addresses: vec![],
    }
}

fn words(state: TaskState, error: &str, exit_code: Option<i64>) -> Option<String> {
    let task = task(state, error, exit_code);
    TaskFailure::of(&task, &TaskSigns::default()).map(|failure| failure.to_string())
}

fn failed_check(failures: u64, exit_code: i64, output: &str) -> EventKind {
    EventKind::HealthCheckFailed {
        container: "c1".to_owned(),
        task: "t1".to_owned(),
        service: "demo_app".to_owned(),
        failures,
        exit_code,
        output: output.to_owned(),
    }
}

#[test]
fn each_way_to_fail_has_its_words() {
    let unhealthy = "task: non-zero exit (137): dockerexec: unhealthy container";
    for (state, error, code, expected) in [
        (Failed, unhealthy, Some(137), "became unhealthy"),
        (Failed, "task: non-zero exit (3)", Some(3), "exited with code 3"),
        (Failed, "task: no such network", None, "failed: no such network"),
        (Complete, "", Some(0), "exited with code 0"),
        (Rejected, "No such image: app:v2", None, "was rejected: No such image: app:v2"),
        (Pending, "no suitable node", None, "could not be placed: no suitable node"),
        (Preparing, "failed to resolve", None, "could not start: failed to resolve"),
        (Orphaned, "", None, "was lost with its node"),
        (
            Failed,
            "starting container failed: exec: \"nope\": not found",
            Some(127),
            "could not be started: exec: \"nope\": not found",
        ),
    ] {
        assert_eq!(words(state, error, code).as_deref(), Some(expected));
    }
    for state in [Running, Starting, Shutdown, Pending] {
        assert_eq!(words(state, "", None), None, "{state}");
    }
}

#[test]
fn one_and_several() {
    let rejected = TaskFailure::Rejected { error: String::new() };
    assert_eq!(rejected.of_whom("slot 1"), "slot 1 was rejected");
    assert_eq!(rejected.of_several("slots 1 and 4"), "slots 1 and 4 were rejected");
    assert_eq!(
        TaskFailure::Lost.of_several("slots 1 and 4"),
        "slots 1 and 4 were lost with their node"
    );
    let exited = TaskFailure::Exited { code: 3 };
    assert_eq!(exited.of_whom("slot 1"), "slot 1 exited with code 3");
}

#[test]
fn a_failed_health_check_is_the_cause_whatever_the_exit_code() {
    let signs = |kind: &EventKind| {
        let mut signs = TaskSigns::default();
        signs.event(kind);
        signs
    };
    let of = |signs: &TaskSigns| {
        TaskFailure::of(&task(Complete, "", Some(0)), signs).unwrap().to_string()
    };
    let refused = failed_check(3, 1, "wget: can't connect to remote host (127.0.0.1:1)\n");
    let expected = "became unhealthy: 3 checks failed: \"wget: can't connect to remote host \
                    (127.0.0.1:1)\"";
    assert_eq!(of(&signs(&refused)), expected);
    let timed_out = signs(&failed_check(1, -1, ""));
    assert_eq!(of(&timed_out), "became unhealthy: 1 check failed, the last one timed out");
    let unhealthy = EventKind::Container {
        container: "c1".to_owned(),
        task: "t1".to_owned(),
        service: "demo_app".to_owned(),
        action: ContainerAction::Unhealthy,
        exit_code: None,
        signal: None,
    };
    assert_eq!(of(&signs(&unhealthy)), "became unhealthy", "as in records of before");
}

#[test]
fn a_task_that_swarm_told_to_stop_did_not_fail() {
    let mut signs = TaskSigns::default();
    signs.seen(&TaskSeen { desired: Shutdown, ..task(Running, "", None) });
    signs.event(&failed_check(3, 1, "refused"));
    assert_eq!(TaskFailure::of(&task(Failed, "task: exit (143)", Some(143)), &signs), None);
    // Swarm wants a failed task gone only because it failed.
    let mut signs = TaskSigns::default();
    signs.seen(&task(Failed, "", Some(1)));
    assert!(TaskFailure::of(&task(Failed, "", Some(1)), &signs).is_some());
}

#[test]
fn the_engine_names_the_task() {
    let message = "update rolled back due to failure or early termination of task 5x8b1p0k";
    assert_eq!(named_task(message), Some("5x8b1p0k"));
    assert_eq!(named_task("rollback completed"), None);
    assert_eq!(named_task("manually requested rollback"), None);
}

#[test]
fn long_output_is_cut() {
    let report = HealthReport { output: "é".repeat(500), ..HealthReport::default() };
    let text = TaskFailure::Unhealthy(report).to_string();
    assert!(text.chars().count() < 200 && text.ends_with("…\""), "{text}");
}
