//! What the two logs print of a run.

use super::mode::Mode;
use super::replay::{Kept, container, event, facts, seen, service, shot, task};
use super::screen::Screen;
use crate::Offset;
use crate::record::{
    ContainerAction, EndReason, Event, EventKind, Expects, Outcome, Sink as _, SpecMatch,
    StreamFacts,
};
use crate::swarm::TaskState::{
    self, Accepted, Failed, New, Pending, Preparing, Running, Shutdown, Starting,
};
use crate::swarm::UpdateState;

/// What is printed of these events, without the time.
pub(super) fn lines(events: Vec<Event>) -> Vec<String> {
    let kept = Kept::default();
    let mut screen = Screen::new(Mode::Plain, false, kept.terminal()).verbose(true);
    screen.facts(&facts());
    for event in events {
        screen.event(&event);
    }
    screen.tick(Offset::from_millis(9_000));
    let text = kept.text();
    let lines = text.lines().filter_map(|line| line.split_once("] "));
    lines.map(|(_, line)| line.to_owned()).collect()
}

#[test]
fn a_step_is_what_one_sees_change() {
    let mut failed = task("t", 2, 3, Failed, Shutdown);
    failed.exit_code = Some(1);
    let lines = lines(vec![
        seen(0, task("t", 2, 3, New, Running)),
        seen(100, task("t", 2, 3, Accepted, Running)),
        seen(200, task("t", 2, 3, Preparing, Running)),
        seen(300, task("t", 2, 3, Preparing, Running)),
        seen(400, task("t", 2, 3, Running, Running)),
        container(500, "t", ContainerAction::Healthy),
        container(600, "t", ContainerAction::Oom),
        container(600, "not of this stack", ContainerAction::Oom),
        seen(700, failed),
        event(800, EventKind::TaskGone { task: "t".into() }),
    ]);
    let steps: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("  app.2  #3 app:v3  ")).collect();
    assert_eq!(steps, ["preparing", "running", "ran out of memory", "failed: out of memory"]);
}

#[test]
fn slots_that_take_the_same_step_share_a_line() {
    let mut events: Vec<Event> = [3, 1, 2]
        .map(|slot| seen(10, task(&format!("t{slot}"), slot, 1, Preparing, Running)))
        .to_vec();
    events.push(seen(20, task("t1", 1, 1, Running, Running)));
    let lines = lines(events);
    assert_eq!(lines[0], "  app.1, app.2 and app.3  #1 app:v1  preparing");
    assert_eq!(lines[1], "  app.1  #1 app:v1  running");
}

#[test]
fn a_task_that_is_stuck_says_why() {
    let mut pending = task("t", 1, 2, Pending, Running);
    pending.error = "no suitable node".into();
    let mut preparing = task("t", 1, 2, Preparing, Running);
    preparing.error = "no such manifest".into();
    let lines = lines(vec![
        seen(0, task("t", 1, 2, Pending, Running)),
        seen(1, pending),
        seen(2, preparing),
    ]);
    assert_eq!(lines[0], "  app.1  #2 app:v2  pending: no suitable node");
    assert_eq!(lines[1], "  app.1  #2 app:v2  preparing: no such manifest");
}

#[test]
fn the_ends_of_a_scenario() {
    let end = |spec, reason| {
        lines(vec![event(0, EventKind::ScenarioEnded { name: "update".into(), spec, reason })])
    };
    let text = "slot 2 never became healthy".to_owned();
    assert_eq!(
        end(SpecMatch::Submitted, EndReason::Deadline { text }),
        ["  scenario update ended: timed out: slot 2 never became healthy; the service has \
          the new settings"]
    );
    assert_eq!(
        end(SpecMatch::Unknown, EndReason::EngineLost { text: "refused".into() }),
        ["  scenario update ended: lost the engine: refused; the service's settings could \
          not be read"]
    );
}

#[test]
fn service_states_and_notes() {
    let lines = lines(vec![
        service(0, UpdateState::None, ""),
        service(0, UpdateState::Updating, "update in progress"),
        service(0, UpdateState::Paused, ""),
        event(0, EventKind::ObserverLost { text: "refused\u{1b}[2J".into() }),
        event(0, EventKind::ObserverResumed),
        event(0, EventKind::Caveat { text: "no IPVS".into() }),
    ]);
    assert_eq!(
        lines,
        [
            "  app: update state updating (update in progress)",
            "  app: update state paused",
            "  the engine does not answer: refused [2J",
            "  the engine answers again",
            "  note: no IPVS",
        ]
    );
}

#[test]
fn failures_begin_and_end_once_and_requests_are_counted_every_ten_seconds() {
    let kept = Kept::default();
    let mut screen = Screen::new(Mode::Plain, false, kept.terminal()).verbose(true);
    for due in (0..12_000).step_by(5) {
        // One replica of six is broken for a second.
        let bad = (2_000..3_000).contains(&due) && due % 30 == 0;
        let outcome = if bad { Outcome::Refused } else { Outcome::Ok };
        screen.shot("proxy", &shot(due, due + 3, outcome));
        screen.tick(Offset::from_millis(due + 3));
    }
    assert_eq!(
        kept.text(),
        "[   2.01s]   proxy: failures begin: refused, due at 2.01s\n\
         [   3.97s]   proxy: no failure since 2.97s: 33 requests lost, the first one due at \
         2.01s; in all 33 refused; longest gap 5.0 ms\n\
         [  10.00s]   proxy: 2,001 sent, 33 failed (33 refused), longest gap 5.0 ms, p99 \
         3.0 ms\n"
    );
}

/// A run on a screen of its own.
struct Run {
    kept: Kept,
    screen: Screen,
}

impl Run {
    fn new() -> Self {
        let kept = Kept::default();
        let mut screen = Screen::new(Mode::Plain, false, kept.terminal());
        screen.facts(&facts());
        Self { kept, screen }
    }

    /// Two replicas at rest, and a change that was submitted after a second.
    fn updating() -> Self {
        let mut run = Self::new();
        for slot in 1..=2 {
            run.task(0, &format!("o{slot}"), slot, 1, Running);
        }
        let (name, service) = ("update".to_owned(), "demo_app".to_owned());
        let text = "rolling out a change".to_owned();
        run.add(1_000, EventKind::Phase { name: name.clone(), text });
        let (expects, change) = (Expects::Update, "--force".to_owned());
        let (replicas, generation) = (2, 1);
        run.add(
            1_000,
            EventKind::ScenarioStarted { name, expects, service, replicas, generation, change },
        );
        let service = "demo_app".to_owned();
        run.add(
            1_000,
            EventKind::Submitted { service, generation: 2, replicas: None, specs: None },
        );
        run
    }

    fn add(&mut self, at: i64, kind: EventKind) {
        self.screen.event(&event(at, kind));
    }

    fn task(&mut self, at: i64, id: &str, slot: u64, version: u32, state: TaskState) {
        let desired = if state.is_terminal() { Shutdown } else { Running };
        self.screen.event(&seen(at, task(id, slot, version, state, desired)));
    }

    fn text(mut self) -> String {
        self.screen.tick(Offset::from_millis(50_000));
        self.kept.text()
    }
}

#[test]
fn an_update_is_a_line_for_each_batch() {
    let mut run = Run::updating();
    run.screen.event(&service(1_100, UpdateState::Updating, "update in progress"));
    run.task(1_100, "n1", 1, 2, Starting);
    run.task(2_000, "n1", 1, 2, Running);
    run.task(3_000, "n2", 2, 2, Running);
    run.screen.event(&service(10_100, UpdateState::Completed, "update completed"));
    assert_eq!(
        run.text(),
        "[  1s] update: app:v1 → app:v2, 2 replicas\n\
         [  3s]   2 of 2 replaced; waiting for delay (2 s) and monitor (5 s)\n\
         [ 10s]   completed after 9.10 s\n"
    );
}

#[test]
fn a_rollback_names_the_health_check_that_failed() {
    let mut run = Run::updating();
    run.task(1_100, "n1", 1, 2, Starting);
    run.task(1_100, "n2", 2, 2, Starting);
    for (at, id) in [(8_000, "n1"), (8_050, "n2")] {
        run.screen.event(&container(at, id, ContainerAction::Unhealthy));
        let (container, service) = (String::new(), "demo_app".to_owned());
        let (task, output) = (id.to_owned(), "connection refused".to_owned());
        let (failures, exit_code) = (3, 1);
        run.add(
            at + 20,
            EventKind::HealthCheckFailed { container, task, service, failures, exit_code, output },
        );
    }
    run.task(9_000, "n1", 1, 2, Failed);
    let message = "update rolled back due to failure or early termination of task n1";
    run.screen.event(&service(9_100, UpdateState::RollbackStarted, message));
    run.task(12_000, "b1", 1, 1, Running);
    run.task(12_000, "b2", 2, 1, Running);
    run.screen.event(&service(20_000, UpdateState::RollbackCompleted, "rollback completed"));
    let text = run.text();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "[  8s]   slots 1 and 2 became unhealthy: 3 checks failed: \"connection refused\"",
            "[  9s]   rolling back after 8.10 s: slot 1 became unhealthy",
            "[  9s]   2 of 2 run the previous version; waiting for delay (2 s) and monitor (5 s)",
            "[ 20s]   rollback completed after 19.0 s",
        ]
    );
}

#[test]
fn a_problem_is_reported_once_for_all_slots_that_have_it() {
    let mut run = Run::updating();
    for slot in 1..=2 {
        let mut pending = task(&format!("n{slot}"), slot, 2, Pending, Running);
        pending.error = "no suitable node".into();
        run.screen.event(&seen(1_200, pending.clone()));
        run.screen.event(&seen(1_500, pending));
    }
    for crash in 0..5_i64 {
        let mut failed = task(&format!("p{crash}"), 1, 1, Failed, Shutdown);
        (failed.service, failed.exit_code) = ("demo_proxy".into(), Some(1));
        run.screen.event(&seen(3_000 + 2_000 * crash, failed));
    }
    let text = run.text();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(
        lines,
        [
            "[  1s]   slots 1 and 2 could not be placed: no suitable node",
            "[  3s]   proxy.1 exited with code 1"
        ]
    );
}

#[test]
fn requests_are_mentioned_when_failures_begin_and_end_and_else_every_minute() {
    let mut run = Run::new();
    for due in (0..130_000).step_by(10) {
        let bad = (20_000..20_400).contains(&due) || due == 24_000;
        let outcome = if bad { Outcome::Refused } else { Outcome::Ok };
        run.screen.shot("proxy", &shot(due, due + 3, outcome));
        run.screen.tick(Offset::from_millis(due + 3));
    }
    assert_eq!(
        run.kept.text(),
        "[ 20s]   requests fail: refused (proxy)\n\
         [ 23s]   requests succeed again: 40 lost within 390 ms (40 refused)\n\
         [ 24s]   requests fail: refused (proxy)\n\
         [ 27s]   requests succeed again: 1 lost (1 refused)\n\
         [ 87s]   41 of 8,701 requests lost\n"
    );
}

#[test]
fn the_self_test_says_whether_losses_are_detected() {
    for (outcome, words) in [
        (Outcome::Refused, "2 of 2 requests lost, as intended"),
        (Outcome::Ok, "0 of 2 requests lost: losses are not detected"),
    ] {
        let mut run = Run::new();
        let stream = r#"{"name":"lossy","url":"http://a/","rate_hz":1.0,"deadline":1.0,
            "connection":"fresh","purpose":"negative-control"}"#;
        let stream: StreamFacts = serde_json::from_str(stream).unwrap();
        run.screen.streams(&[stream]).unwrap();
        let (name, text) = ("negative-control".to_owned(), "an update".to_owned());
        run.add(0, EventKind::Phase { name, text });
        let service = "demo_rollproof-negative".to_owned();
        run.add(1_000, EventKind::NegativeControlStarted { service });
        for due in [1_500, 1_600] {
            run.screen.shot("lossy", &shot(due, due + 1, outcome));
        }
        run.add(9_000, EventKind::NegativeControlEnded { gave_up: None });
        assert_eq!(run.text(), format!("[  0s] self-test: an update\n[  9s]   {words}\n"));
    }
}

#[test]
fn a_change_that_replaces_nothing_says_so() {
    let mut run = Run::updating();
    let (name, spec, reason) = ("update".into(), SpecMatch::Other, EndReason::Settled);
    run.add(9_000, EventKind::ScenarioEnded { name, spec, reason });
    assert_eq!(
        run.text(),
        "[  1s] update: --force, 2 replicas\n\
         [  9s]   nothing was replaced\n\
         [  9s]   the service was changed again meanwhile\n"
    );
}

#[test]
fn both_logs_tell_what_happens_to_nodes() {
    let news = |at, state: &str, availability: &str| {
        event(at, EventKind::Node(super::nodes::node(state, availability)))
    };
    let events = || {
        vec![
            news(0, "ready", "active"),
            news(1_000, "down", "active"),
            news(2_000, "ready", "active"),
            news(3_000, "ready", "drain"),
        ]
    };
    let words = ["went down (heartbeat failure)", "is ready again", "is drained"];
    let expected = words.map(|words| format!("  node n2 {words}"));
    assert_eq!(lines(events()), expected);
    let mut run = Run::new();
    for event in events() {
        run.screen.event(&event);
    }
    let text = run.text();
    let short: Vec<&str> =
        text.lines().filter_map(|line| line.split_once("] ")).map(|l| l.1).collect();
    assert_eq!(short, expected);
}

#[test]
fn an_old_task_that_stops_is_not_called_unhealthy() {
    let old = task("o1", 1, 1, Running, Shutdown);
    let mut history = task("h", 2, 1, Failed, Shutdown);
    history.error = "task: non-zero exit (137): dockerexec: unhealthy container".into();
    let mut before = seen(100, history);
    before.at = Offset::from_millis(-1_500);
    let events = || {
        let (container_id, service) = (String::new(), "demo_app".to_owned());
        let (failures, exit_code, output) = (3, 1, "Connection refused".to_owned());
        vec![
            before.clone(),
            seen(100, task("h2", 2, 1, Running, Running)),
            seen(100, task("o1", 1, 1, Running, Running)),
            // The order to stop is polled just after the health check failed.
            container(4_000, "o1", ContainerAction::Unhealthy),
            event(
                4_010,
                EventKind::HealthCheckFailed {
                    container: container_id,
                    task: "o1".into(),
                    service,
                    failures,
                    exit_code,
                    output,
                },
            ),
            event(4_020, EventKind::ObserverResumed),
            seen(4_100, old.clone()),
        ]
    };
    let mut run = Run::new();
    for event in events() {
        run.screen.event(&event);
    }
    let text = run.text();
    assert!(!text.contains("unhealthy"), "{text}");
    let mut without_a_line_between = events();
    without_a_line_between.remove(5);
    let text = lines(without_a_line_between).join("\n");
    assert!(!text.contains("became unhealthy"), "{text}");
}
