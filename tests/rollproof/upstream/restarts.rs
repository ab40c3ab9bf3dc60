//! Restart policies, and tasks that fail before they run.

use assert_cmd::Command;
use serde_json::Value;

use super::{Case, GOOD, at, states, touched};

/// Tasks that end with 0 count as failures as well, and `on-failure` does not replace them.
#[test]
fn exit_code_0_is_a_failure_that_is_not_restarted() {
    const ONCE: &str = "new: {exceptions: [{first_tasks: 1, exit: {after: 50ms, code: 0}}]}\n";

    let service = |condition: &str| -> &'static str {
        format!("deploy:\n  replicas: 2\n  restart_policy: {{condition: {condition}, delay: 1s}}\n  update_config: {{monitor: 2s, delay: 1s}}").leak()
    };
    for (condition, comes_back) in [("any", true), ("on-failure", false), ("none", false)] {
        let course = Case::new(service(condition), ONCE).plan();
        assert_eq!((states(&course), touched(&course)), (vec!["updating", "paused"], 1));
        let spans = course["slots"][0]["spans"].as_array().unwrap();
        let last = spans.last().unwrap()["doing"].as_str().unwrap();
        assert_eq!(last == "new-serves", comes_back, "{condition}: {spans:?}");
    }
}

/// `TestOrchestratorRestartMaxAttempts`: after its attempts a slot stays empty.
#[test]
fn a_slot_stays_empty_after_its_attempts() {
    let course = |behaviour: &'static str| {
        Case::new(
            "deploy:\n  replicas: 1\n  restart_policy: {condition: any, delay: 100ms, max_attempts: 1}\n  update_config: {monitor: 1s, failure_action: continue}",
            behaviour,
        )
        .plan()
    };
    let last = |course: &Value| {
        let spans = course["slots"][0]["spans"].as_array().unwrap();
        spans.last().unwrap()["doing"].clone()
    };
    // The first task and its one replacement fail.
    let twice = course("new: {exceptions: [{first_tasks: 2, exit: {after: 50ms}}]}\n");
    assert_eq!(last(&twice), "nothing-serves");
    let once = course("new: {exceptions: [{first_tasks: 1, exit: {after: 50ms}}]}\n");
    assert_eq!(last(&once), "new-serves");
}

/// How often a slot of the new version began to serve.
fn starts(course: &Value, slot: usize) -> usize {
    let spans = course["slots"][slot]["spans"].as_array().unwrap();
    spans.iter().filter(|span| span["doing"] == "new-serves").count()
}

fn last(course: &Value, slot: usize) -> &str {
    let spans = course["slots"][slot]["spans"].as_array().unwrap();
    spans.last().unwrap()["doing"].as_str().unwrap()
}

/// `TestOrchestratorRestartWindow`: restarts before the window do not count, and what counts is when
/// the task failed, so that a slot which has used up its attempts stays empty when the update ends later.
#[test]
fn the_window_ends_when_the_task_failed() {
    let course = |exit: &str| {
        Case::new(
            "deploy:\n  replicas: 1\n  restart_policy: {condition: any, delay: 100ms, max_attempts: 1, window: 5s}\n  update_config: {monitor: 30s, failure_action: continue}",
            format!("old: {{boot: 0s}}\nnew: {{exit: {{after: {exit}}}}}\n").leak(),
        )
        .plan()
    };
    let quick = course("50ms");
    assert_eq!((starts(&quick, 0), last(&quick, 0)), (2, "nothing-serves"), "{quick:#}");
    assert!(starts(&course("8s"), 0) >= 4);
}

/// `TestOrchestratorRestartDelay`: the delay of the policy lies between the end of a task and the start
/// of its replacement.
#[test]
fn a_replacement_waits_its_delay() {
    let pause = |delay: &str| {
        let course = Case::new(
            format!("deploy:\n  replicas: 1\n  restart_policy: {{delay: {delay}}}\n  update_config: {{monitor: 30s, failure_action: continue}}").leak(),
            "new: {exceptions: [{first_tasks: 1, exit: {after: 2s}}]}\n",
        )
        .plan();
        let spans = course["slots"][0]["spans"].as_array().unwrap().clone();
        let back = spans.last().unwrap();
        assert_eq!(back["doing"], "new-serves");
        back["from_s"].as_f64().unwrap() - spans[spans.len() - 2]["from_s"].as_f64().unwrap()
    };
    let (short, long) = (pause("1s"), pause("9s"));
    assert!((long - short - 8.0).abs() < 0.1, "{short} {long}");
}

/// `TestAPISwarmServicesFailedUpdate`: tasks whose image is missing are rejected. One of five is
/// tolerated, so two slots are touched.
#[test]
fn a_missing_image_pauses_at_the_second_of_five_slots() {
    let course = Case::new(
        "deploy:\n  replicas: 5\n  update_config: {parallelism: 1, delay: 4s, failure_action: pause, max_failure_ratio: 0.25}",
        "engine: '28.5.2'\nnew: {start: image-missing}\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (vec!["updating", "paused"], 2));
    assert_eq!(course["capacity"]["lowest_serving"], 3);
    // The worker waits for the old task before it looks at the rejected new one, and then its delay.
    assert!(at(&course, "paused") > 7.0, "{course:#}");
}

/// `updater.go` (`updateTask`), `restart.go` (`Restart`): while the old task stops, nobody replaces a new
/// one that was rejected, and its worker is not free.
#[test]
fn a_rejected_task_waits_for_the_old_one_to_stop() {
    let course = |parallelism: u8, action: &str| {
        Case::new(
            format!("stop_grace_period: 20s\ndeploy:\n  replicas: 3\n  update_config: {{parallelism: {parallelism}, delay: 1s, monitor: 3s, failure_action: {action}}}\n  rollback_config: {{monitor: 1s}}").leak(),
            "old: {boot: 0s, stop: {after: 8s}}\nnew: {start: rejected}\n",
        )
        .plan()
    };
    // All slots are handed out: failures are read when all workers are back.
    let all = at(&course(0, "pause"), "paused");
    assert!((12.0..13.5).contains(&all), "{all}");
    // Others are to be handed out: the failure is read at once, and the rollback replaces the task.
    let one = course(1, "rollback");
    assert_eq!(states(&one), ["updating", "rollback_started", "rollback_completed"]);
    assert!(at(&one, "rollback_started") < 1.0, "{one:#}");
    let took = at(&one, "rollback_completed") - at(&one, "rollback_started");
    assert!((1.0..3.0).contains(&took), "{took}");
    assert_eq!(one["alternatives"], serde_json::json!([]));
}

/// An update that has ended is followed by another one of each slot that is not right. Where that fails
/// each time, Swarm goes on for ever, and a plan does not.
#[test]
fn slots_that_cannot_be_repaired_are_not_followed_for_ever() {
    for (condition, code) in [("none", 1), ("on-failure", 0)] {
        for rule in ["failure_action: continue", "max_failure_ratio: 1"] {
            let course = Case::new(
                format!("deploy:\n  replicas: 2\n  restart_policy: {{condition: {condition}}}\n  update_config: {{order: start-first, monitor: 1s, {rule}}}").leak(),
                format!("new: {{start: rejected, exceptions: [{{slots: [1], start: starts, exit: {{after: 50ms, code: {code}}}}}]}}\n").leak(),
            )
            .plan();
            assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 2));
            // The rejected task of slot 2 is restarted on failure; the other one was seen to run.
            assert_eq!(course["churns"], condition == "none", "{condition}, {rule}");
        }
    }
}

/// What Swarm never stops doing is said in words: in a plan, and before a run.
#[test]
fn an_update_that_never_rests_is_called_that() {
    let folder = tempfile::tempdir().unwrap();
    let said = |order: &str, command: &[&str]| {
        let text = format!(
            "services:\n  app:\n    image: a:1\n    healthcheck: {{test: [CMD, a], interval: 2s}}\n    deploy:\n      endpoint_mode: dnsrr\n      \
             restart_policy: {{condition: none}}\n      \
             update_config: {{order: {order}, failure_action: continue}}\n"
        );
        std::fs::write(folder.path().join("stack.yml"), text).unwrap();
        let mut program = Command::cargo_bin("rollproof").unwrap();
        let program = program.current_dir(folder.path()).args(command).args(["-c", "stack.yml"]);
        let out =
            String::from_utf8(program.assert().success().get_output().stdout.clone()).unwrap();
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let (plan, dry_run) = (["plan"], ["verify", "--dry-run", "--engine", "lab"]);
    let planned = said("start-first", &["plan", "--service", "app"]);
    for words in [
        "but never at rest: Swarm goes on to replace failed tasks, without a limit",
        "NOT noticed: failure_action is continue: Swarm does not watch; Swarm goes on to replace",
    ] {
        assert!(planned.contains(words), "{planned}");
    }
    assert!(said("start-first", &dry_run).contains("never at rest"));
    for command in [&plan[..], &dry_run] {
        assert!(!said("stop-first", command).contains("never at rest"));
    }
}

/// Restarts that take no time are bounded too, also of tasks that never start.
#[test]
fn restarts_without_any_time_are_bounded() {
    const AT_ONCE: &str = "hops: {submit: 0s, schedule: 0s, deliver: 0s, create: 0s, start: 0s, \
                           report: 0s, teardown: 0s}\nnew: {start: rejected}\n";
    let course = Case::new(
        "deploy:\n  replicas: 2\n  restart_policy: {delay: 0s}\n  update_config: {monitor: 1s, failure_action: continue}",
        AT_ONCE,
    )
    .plan();
    assert_eq!(states(&course), GOOD);
}
