//! What the full log and the live area show of health checks and of what containers print.

use super::log_tests::lines;
use super::replay::{container, event, seen, task};
use super::slots::SlotTable;
use crate::Offset;
use crate::record::{CheckRules, CheckSeen, ContainerAction, Event, EventKind, LogLine};
use crate::swarm::TaskState::{Running, Shutdown, Starting};

fn check(millis: i64, exit_code: i64, streak: u64) -> Event {
    let check = CheckSeen {
        task: "n1".into(),
        after: Offset::from_millis(millis),
        took: Offset::from_millis(50),
        exit_code,
        streak: Some(streak),
        output: if exit_code == 0 { "fine".into() } else { "no\x1b answer".into() },
        rules: Some(CheckRules {
            interval: Offset::from_millis(1_000),
            timeout: Offset::from_millis(1_000),
            retries: 2,
            start_period: Offset::from_millis(500),
        }),
    };
    event(millis, EventKind::HealthCheck(check))
}

fn printed(millis: i64, text: &str, left_out: u64) -> Event {
    let line = LogLine { task: "n1".into(), text: text.into(), stderr: false, left_out };
    event(millis, EventKind::Log(line))
}

#[test]
fn every_failed_check_is_a_line_and_the_last_has_the_arithmetic() {
    let failed = EventKind::HealthCheckFailed {
        container: String::new(),
        task: "n1".into(),
        service: "demo_app".into(),
        failures: 2,
        exit_code: 1,
        output: "no answer".into(),
    };
    let lines = lines(vec![
        seen(0, task("n1", 1, 2, Starting, Running)),
        check(400, 1, 0),
        check(1_450, 1, 1),
        container(2_550, "n1", ContainerAction::Unhealthy),
        check(2_500, 1, 2),
        event(2_550, failed),
    ]);
    let of_slot: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("  app.1  #2 app:v2  ")).collect();
    assert_eq!(
        of_slot,
        [
            "starting",
            "health check 1 failed with code 1 after 50 ms, not counted in the start period: \"no  \
             answer\"",
            "health check 2 failed with code 1 after 50 ms, 1 of 2: \"no  answer\"",
            "health check 3 failed with code 1 after 50 ms, 2 of 2: \"no  answer\"",
            "unhealthy after 2 checks, each 1 s after the previous one ended: 2.55 s after start; \
             the start period of 0.5 s did not count the first",
            "became unhealthy: 2 checks failed: \"no answer\"",
        ]
    );
}

#[test]
fn checks_that_pass_again_and_again_are_no_news() {
    let lines = lines(vec![
        seen(0, task("n1", 1, 2, Starting, Running)),
        check(1_000, 0, 0),
        check(2_000, 0, 0),
        check(3_000, 0, 0),
    ]);
    let passed = lines.iter().filter(|line| line.contains("passed"));
    assert_eq!(
        passed.collect::<Vec<_>>(),
        ["  app.1  #2 app:v2  health check 1 passed after 50 ms"]
    );
}

#[test]
fn what_a_container_prints_stands_beside_the_events() {
    let lines = lines(vec![
        seen(0, task("n1", 1, 2, Running, Running)),
        printed(100, "listening\x1b[2J", 0),
        printed(200, "done", 12),
        event(
            300,
            EventKind::Log(LogLine {
                task: "unknown-task-of-another-time".into(),
                text: "x".into(),
                stderr: true,
                left_out: 0,
            }),
        ),
    ]);
    let printed: Vec<&String> = lines.iter().filter(|line| line.contains(" | ")).collect();
    assert_eq!(
        printed,
        [
            "  app.1  #2 | listening [2J",
            "  app.1  #2 | … 12 lines left out",
            "  app.1  #2 | done",
            "  unknown-task | x",
        ]
    );
}

#[test]
fn the_live_area_counts_failed_checks_against_retries() {
    let state = |events: &[Event], now: i64| {
        let mut table = SlotTable::default();
        for event in events {
            table.event(event);
        }
        table.task("n1").unwrap().state_for(Offset::from_millis(now), true)
    };
    let starting = seen(0, task("n1", 1, 2, Starting, Running));
    let running = seen(900, task("n1", 1, 2, Running, Running));
    let stopping = seen(3_000, task("n1", 1, 2, Running, Shutdown));
    let uncounted = [starting.clone(), check(400, 1, 0)];
    assert_eq!(state(&uncounted, 600), "starting (health: 0.6 s, 1 check failed, not counted)");
    let counted = [starting.clone(), check(600, 1, 1)];
    assert_eq!(state(&counted, 1_200), "starting (health: 1.2 s, 1 of 2 checks failed)");
    let sick = [starting.clone(), check(600, 0, 0), running.clone(), check(1_700, 1, 1)];
    assert_eq!(state(&sick, 2_000), "running, 1 of 2 checks failed");
    let well = [&sick[..], &[check(2_700, 0, 0)]].concat();
    assert_eq!(state(&well, 3_000), "running");
    let leaving = [&sick[..], &[stopping]].concat();
    assert_eq!(state(&leaving, 4_000), "running → shutting down (1 s)");
}
