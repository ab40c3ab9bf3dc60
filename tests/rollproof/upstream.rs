//! What the tests of the engine's own updater say (swarmkit `manager/orchestrator/update`, `replicated`
//! and `restart`), as plans: each case is a stack file, perhaps the one that runs before it, and a
//! behaviour, all through `plan --format json`.

use assert_cmd::Command;
use serde_json::{Value, json};

/// A service of a stack file, and what is known of its versions.
struct Case {
    /// Lines of the service.
    service: &'static str,
    /// Lines of the service that runs before; empty if only its image differs.
    from: &'static str,
    behaviour: &'static str,
}

/// A program that is quick, so that only the rules take time.
const QUICK: &str = "old: {boot: 0s}\nnew: {boot: 0s}\n";

impl Case {
    fn new(service: &'static str, behaviour: &'static str) -> Self {
        Self { service, from: "", behaviour }
    }

    fn from(service: &'static str, from: &'static str) -> Self {
        Self { service, from, behaviour: QUICK }
    }

    /// The predicted update.
    fn plan(&self) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, service: &str, image: &str| {
            let lines =
                service.lines().fold(String::new(), |text, line| format!("{text}    {line}\n"));
            let image = if service.contains("image:") { "" } else { image };
            let text = format!("services:\n  app:\n{image}{lines}");
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("new.yml", self.service, "    image: v:2\n");
        let from = if self.from.is_empty() { self.service } else { self.from };
        write("old.yml", from, "    image: v:1\n");
        std::fs::write(folder.path().join("behaviour.yml"), self.behaviour).unwrap();
        let mut command = Command::cargo_bin("rollproof").unwrap();
        let args = ["plan", "-c", "new.yml", "--from", "old.yml", "--behaviour", "behaviour.yml"];
        let done =
            command.current_dir(folder.path()).args(args).args(["--format", "json"]).assert();
        let out = done.success().get_output().stdout.clone();
        let plan: Value = serde_json::from_slice(&out).unwrap();
        let courses = plan["services"][0]["courses"].as_array().unwrap();
        courses.iter().find(|course| course["name"] == "behaviour").unwrap().clone()
    }
}

fn states(course: &Value) -> Vec<&str> {
    course["states"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect()
}

fn touched(course: &Value) -> usize {
    course["touched_slots"].as_array().unwrap().len()
}

fn at(course: &Value, state: &str) -> f64 {
    let all = course["states"].as_array().unwrap();
    all.iter().find(|one| one["state"] == state).unwrap()["at_s"].as_f64().unwrap()
}

const GOOD: [&str; 2] = ["updating", "completed"];

/// `TestUpdater`: with the defaults, one at a time, with a delay, and start-first.
#[test]
fn every_slot_gets_the_new_image() {
    for (update, at_once) in [
        ("monitor: 50ms", 1),
        ("{parallelism: 1, monitor: 50ms}", 1),
        ("{parallelism: 0, monitor: 50ms}", 3),
        ("{parallelism: 1, delay: 10ms, monitor: 50ms}", 1),
        ("{parallelism: 1, delay: 10ms, order: start-first, monitor: 50ms}", 0),
    ] {
        let update =
            if update.starts_with('{') { update.to_owned() } else { format!("{{{update}}}") };
        let service = format!("deploy:\n  replicas: 3\n  update_config: {update}");
        let course = Case::new(service.leak(), QUICK).plan();
        assert_eq!(states(&course), GOOD, "{update}");
        assert_eq!(course["touched_slots"], json!([1, 2, 3]), "{update}");
        assert_eq!(course["capacity"]["lowest_serving"], json!(3 - at_once), "{update}");
    }
}

/// `controlapi` and `IsTaskDirty`: what no task is made of replaces none, and leaves no state.
#[test]
fn what_is_not_in_a_task_replaces_none() {
    const BEFORE: &str = "image: v:1\ndeploy: {replicas: 3}";
    for service in [
        "image: v:1\ndeploy: {replicas: 3, labels: {a: b}}",
        "image: v:1\ndeploy: {replicas: 5}",
        "image: v:1\ndeploy: {replicas: 2}",
        "image: v:1\ndeploy: {replicas: 3, update_config: {parallelism: 2}}",
        "image: v:1\ndeploy: {replicas: 3, rollback_config: {order: start-first}}",
    ] {
        let course = Case::from(service, BEFORE).plan();
        assert_eq!(states(&course), Vec::<&str>::new(), "{service}");
        assert_eq!(course["final_state"], "none", "{service}");
    }
    for service in [
        "image: v:1\ndeploy: {replicas: 3, restart_policy: {delay: 1s}}",
        "image: v:1\nports: ['80:80']\ndeploy: {replicas: 3}",
        "image: v:1\nstop_grace_period: 3s\ndeploy: {replicas: 3}",
        "image: v:1\nhealthcheck: {test: [CMD, a], interval: 1s}\ndeploy: {replicas: 3}",
        "image: v:1\nenvironment: {A: b}\ndeploy: {replicas: 3}",
    ] {
        let course = Case::from(service, BEFORE).plan();
        assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3), "{service}");
    }
}

/// `TestUpdaterPlacement`, `TestIsTaskDirty`: a new constraint that the task's node has replaces
/// nothing; one that it lacks replaces the task, on a node that has it.
#[test]
fn a_new_constraint_moves_only_the_tasks_of_other_nodes() {
    const BEFORE: &str = "image: v:1\ndeploy: {replicas: 4}";
    const NODES: &str =
        "nodes:\n  - {hostname: a, labels: {zone: x}}\n  - {hostname: b, labels: {zone: y}}\n";
    let case = |constraint: &str| Case {
        service: format!(
            "image: v:1\ndeploy: {{replicas: 4, placement: {{constraints: ['{constraint}']}}}}"
        )
        .leak(),
        from: BEFORE,
        behaviour: NODES,
    };
    let course = case("node.hostname != c").plan();
    assert_eq!(states(&course), Vec::<&str>::new());
    // Two of the four tasks run on each node.
    let course = case("node.labels.zone == x").plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 2));
    // No node has it: the first task of its slot is stopped, and nothing takes its place.
    let course = case("node.labels.zone == z").plan();
    assert_eq!((states(&course), touched(&course)), (vec!["updating"], 1));
    assert!(course["hangs"].is_string(), "{course:#}");
    // With another image too, everything is replaced.
    let mut both = case("node.labels.zone == x");
    both.service =
        "image: v:2\ndeploy: {replicas: 4, placement: {constraints: ['node.labels.zone == x']}}";
    assert_eq!(touched(&both.plan()), 4);
}

const ALL_FAIL: &str = "old: {boot: 0s}\nnew: {exit: {after: 50ms}}\n";

/// `TestUpdaterFailureAction`: pause stops after the first failed slot, continue takes them all.
#[test]
fn a_failure_pauses_at_the_first_slot_or_is_not_looked_at() {
    let pause = Case::new(
        "deploy:\n  replicas: 3\n  update_config: {parallelism: 1, delay: 500ms, monitor: 500ms}",
        ALL_FAIL,
    );
    let course = pause.plan();
    assert_eq!((states(&course), touched(&course)), (vec!["updating", "paused"], 1));
    let go_on = Case::new(
        "deploy:\n  replicas: 3\n  update_config: {parallelism: 1, delay: 500ms, monitor: 500ms, failure_action: continue}",
        ALL_FAIL,
    );
    let course = go_on.plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3));
    assert_eq!(course["capacity"]["lowest_serving"], 0);
}

/// `TestUpdaterTaskTimeout`: an old task that does not stop is waited for a minute, in each slot.
#[test]
fn an_old_task_that_does_not_stop_is_waited_for_a_minute() {
    let course = Case::new(
        "stop_grace_period: 1h\ndeploy:\n  replicas: 3\n  update_config: {monitor: 50ms}",
        "old: {stop: {ignores_signal: true}}\nnew: {boot: 0s}\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3));
    let took = at(&course, "completed");
    assert!((180.0..185.0).contains(&took), "{took}");
}

/// `TestUpdaterOrder`: with start-first nobody waits for the old tasks, which all run at the end.
#[test]
fn start_first_does_not_wait_for_the_old_tasks() {
    let course = Case::new(
        "stop_grace_period: 1h\ndeploy:\n  replicas: 3\n  update_config: {order: start-first, delay: 10ms, monitor: 50ms}",
        "old: {stop: {ignores_signal: true}}\nnew: {boot: 0s}\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3));
    assert!(at(&course, "completed") < 10.0, "{course:#}");
    assert_eq!(course["most_tasks"], 6);
}

const ROLLBACK: &str = "deploy:
  replicas: 4
  restart_policy: {condition: none}
  update_config: {parallelism: 1, delay: 10ms, monitor: 500ms, max_failure_ratio: 0.4, failure_action: rollback}
  rollback_config: {parallelism: 1, delay: 10ms, monitor: 500ms, max_failure_ratio: 0.4}";

/// `TestUpdaterRollback`: of four slots two have to fail, a mix of failed and sound ones.
#[test]
fn two_of_four_are_more_than_0_4_and_three_slots_go_back() {
    const MIXED: &str =
        "old: {boot: 0s}\nnew: {exceptions: [{slots: [1, 3], exit: {after: 50ms}}]}\n";
    let course = Case::new(ROLLBACK, MIXED).plan();
    assert_eq!(states(&course), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(course["touched_slots"], json!([1, 2, 3]));
    assert!(course["rollback"]["restored_s"].is_number(), "{course:#}");
}

/// The same, and the tasks of the old version that the rollback makes fail too: it pauses, or goes on.
#[test]
fn a_rollback_whose_tasks_fail_pauses_or_goes_on() {
    const BOTH: &str =
        "old: {exit: {after: 50ms}}\nnew: {exceptions: [{slots: [1, 3], exit: {after: 50ms}}]}\n";
    let course = Case::new(ROLLBACK, BOTH).plan();
    assert_eq!(states(&course), ["updating", "rollback_started", "rollback_paused"]);
    let go_on = ROLLBACK.replace("0.4}", "0.4, failure_action: continue}");
    let course = Case::new(go_on.leak(), BOTH).plan();
    assert_eq!(states(&course), ["updating", "rollback_started", "rollback_completed"]);
}

/// The ratio is that of the slots which the update had to replace, and has to be exceeded.
#[test]
fn half_of_the_slots_may_fail_at_a_ratio_of_a_half() {
    let of = |ratio: &str, slots: &str| {
        Case::new(
            format!("deploy:\n  replicas: 4\n  update_config: {{monitor: 1s, delay: 2s, max_failure_ratio: {ratio}}}").leak(),
            format!("new: {{exceptions: [{{slots: {slots}, exit: {{after: 50ms}}}}]}}\n").leak(),
        )
        .plan()
    };
    assert_eq!(states(&of("0.5", "[1, 2]")), GOOD);
    assert_eq!(states(&of("0.5", "[1, 2, 3]")), ["updating", "paused"]);
    assert_eq!(touched(&of("0.5", "[1, 2, 3]")), 3);
    assert_eq!(states(&of("1", "[1, 2, 3, 4]")), GOOD);
    assert_eq!(touched(&of("0", "[3]")), 3);
}

/// A failure after `monitor` is none, one within it is; the watch after the last slot is longer than the
/// delay (swarmkit#3003).
#[test]
fn monitor_counts_from_the_start_of_each_task() {
    let of = |update: &str, exit: &str| {
        Case::new(
            format!("deploy:\n  replicas: 2\n  update_config: {{{update}}}").leak(),
            format!("new: {{exit: {{after: {exit}}}}}\n").leak(),
        )
        .plan()
    };
    assert_eq!(states(&of("monitor: 2s, delay: 1s", "1500ms")), ["updating", "paused"]);
    assert_eq!(states(&of("monitor: 2s, delay: 1s", "4s")), GOOD);
    // In the last watch the longer time counts.
    assert_eq!(states(&of("monitor: 2s, delay: 9s", "5s")), ["updating", "paused"]);
    let course = of("monitor: 2s, delay: 9s", "1h");
    let (first, all) = (course["first_new_serves_s"].as_f64(), course["finished_s"].as_f64());
    let after = all.unwrap() - first.unwrap();
    // The delay, the second slot, its delay, and one second more than the delay.
    assert!((9.0 + 4.0 + 9.0 + 10.0 - after).abs() < 1.0, "{after}");
}

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

/// An updater never waits for less than all its workers before it looks at late failures.
#[test]
fn a_failure_of_the_last_wave_is_looked_at_when_the_slowest_is_up() {
    let of = |monitor: &str| {
        Case::new(
            format!("healthcheck: {{test: [CMD, a], interval: 1s, retries: 60}}\ndeploy:\n  replicas: 2\n  update_config: {{parallelism: 0, monitor: {monitor}, failure_action: rollback}}").leak(),
            "new: {boot: 12s, exceptions: [{slots: [1], exit: {after: 50ms}}]}\n",
        )
        .plan()
    };
    assert_eq!(states(&of("5s")), GOOD);
    assert_eq!(states(&of("20s"))[..2], ["updating", "rollback_started"]);
}

/// Swarm pauses a rollback of a rollback, and then goes on and writes `completed`.
#[test]
fn a_rollback_that_is_to_roll_back_ends_as_completed() {
    let course = Case::new(
        "deploy:\n  replicas: 2\n  update_config: {parallelism: 2, monitor: 1s, failure_action: rollback}\n  rollback_config: {monitor: 1s, failure_action: rollback}",
        "old: {exit: {after: 50ms}}\nnew: {exit: {after: 50ms}}\n",
    )
    .plan();
    assert_eq!(course["final_state"], "completed");
    assert_eq!(course["rolled_back"], true);
    assert!(states(&course).contains(&"rollback_paused"), "{course:#}");
}

/// A global service has a slot a node, and its tasks stay on their nodes.
#[test]
fn a_global_service_is_updated_node_by_node() {
    let course = Case::new(
        "deploy:\n  mode: global\n  update_config: {parallelism: 1, monitor: 50ms}",
        "nodes: [{hostname: a}, {hostname: b}, {hostname: c}]\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (GOOD.to_vec(), 3));
    assert_eq!(course["capacity"]["lowest_serving"], 2);
    assert_eq!(course["most_tasks_on_a_node"], 2);
}

/// A task that never gets anywhere holds the update for ever: the updater has no deadline.
#[test]
fn an_update_waits_for_ever_for_a_task_that_neither_runs_nor_fails() {
    let course = Case::new(
        "healthcheck: {test: [CMD, a], interval: 1s, retries: 4294967295}\ndeploy:\n  replicas: 3\n  update_config: {order: start-first, failure_action: rollback}",
        "new: {exceptions: [{slots: [2], never_healthy: true}]}\n",
    )
    .plan();
    assert_eq!((states(&course), touched(&course)), (vec!["updating"], 2));
    assert!(course["hangs"].is_string(), "{course:#}");
}
