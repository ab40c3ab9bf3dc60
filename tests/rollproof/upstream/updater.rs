//! Updates and rollbacks: slots, delays, failures, ratios.

use serde_json::json;

use super::{ALL_FAIL, Case, GOOD, QUICK, at, states, touched};

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

/// `TestUpdaterRollback`: of four slots two have to fail, a mix of failed and sound ones. Its tasks fail before
/// they run.
#[test]
fn two_of_four_are_more_than_0_4_and_three_slots_go_back() {
    const MIXED: &str =
        "old: {boot: 0s}\nnew: {exceptions: [{slots: [1, 3], start: command-missing}]}\n";
    let course = Case::new(ROLLBACK, MIXED).plan();
    assert_eq!(states(&course), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(course["touched_slots"], json!([1, 2, 3]));
    assert!(course["rollback"]["restored_s"].is_number(), "{course:#}");
}

/// The same, and the tasks of the old version that the rollback makes fail too: it pauses, or goes on.
#[test]
fn a_rollback_whose_tasks_fail_pauses_or_goes_on() {
    const BOTH: &str = "old: {start: command-missing}\nnew: {exceptions: [{slots: [1, 3], start: command-missing}]}\n";
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
        "old: {start: command-missing}\nnew: {start: command-missing}\n",
    )
    .plan();
    assert_eq!(course["final_state"], "completed");
    assert_eq!(course["rolled_back"], true);
    assert!(states(&course).contains(&"rollback_paused"), "{course:#}");
}

/// The same with more slots than `parallelism`: the rollback hands out no more of them, and what is left
/// is replaced after it, by `update_config`.
#[test]
fn a_rollback_that_is_to_roll_back_hands_out_no_more_slots() {
    let course = Case::new(
        "deploy:\n  replicas: 4\n  restart_policy: {condition: none}\n  update_config: {parallelism: 4, monitor: 2s, failure_action: rollback}\n  rollback_config: {delay: 2s, monitor: 3s, failure_action: rollback}",
        "old: {boot: 0s, exceptions: [{slots: [1], exit: {after: 50ms}}]}\nnew: {boot: 0s, exceptions: [{slots: [2], exit: {after: 500ms}}]}\n",
    )
    .plan();
    assert_eq!(states(&course), ["updating", "rollback_started", "rollback_paused", "completed"]);
    let took = at(&course, "completed") - at(&course, "rollback_paused");
    // The delay of the worker, which begins when the task runs, and the monitor of the rollback.
    assert!((4.7..5.1).contains(&took), "{took}");
    let restored = course["slots"][3]["spans"].as_array().unwrap().last().unwrap();
    assert_eq!(restored["doing"], "old-serves");
    assert!(restored["from_s"].as_f64().unwrap() > at(&course, "completed"), "{course:#}");
}

/// Without a health check a task runs once its process has started, also if that ends right away: Swarm sees
/// it run, and start-first stops the old task (seen on 20.10.24).
#[test]
fn a_task_that_ends_at_once_has_been_seen_running() {
    let course = |health: &str| {
        Case::new(
            format!("{health}deploy:\n  replicas: 2\n  update_config: {{order: start-first, delay: 1s, monitor: 2s}}").leak(),
            ALL_FAIL,
        )
        .plan()
    };
    let bare = course("");
    assert_eq!((states(&bare), touched(&bare)), (vec!["updating", "paused"], 1));
    assert_eq!(bare["capacity"]["lowest_serving"], 1);
    let checked = course("healthcheck: {test: [CMD, a], interval: 1s}\n");
    assert_eq!((states(&checked), touched(&checked)), (vec!["updating", "paused"], 1));
    assert_eq!(checked["capacity"]["lowest_serving"], 2);
}

/// With a failure that the update tolerates, one slot is left for the update after it, of which it is the whole.
#[test]
fn a_tolerated_failure_rolls_back_after_the_update_has_ended() {
    let course = Case::new(
        "deploy:\n  replicas: 3\n  restart_policy: {condition: none}\n  update_config: {order: start-first, monitor: 1s, max_failure_ratio: 0.34, failure_action: rollback}",
        "new: {boot: 0s, exceptions: [{slots: [2], start: command-missing}]}\n",
    )
    .plan();
    let all = ["updating", "completed", "rollback_started", "rollback_completed"];
    assert_eq!(states(&course), all);
    assert_eq!(course["rolled_back"], true);
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
