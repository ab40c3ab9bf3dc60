//! Several processes behind one port.

use std::collections::BTreeSet;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::harness::{Answer, App, wait_until};

fn workers(app: &App) -> BTreeSet<String> {
    (0..100)
        .filter_map(|_| Some(app.ask("GET", "/status").header("x-rollproof-worker")?.to_owned()))
        .collect()
}

/// The processes whose parent is the application.
fn children(app: &App) -> Vec<Pid> {
    let id = app.child.id();
    let path = format!("/proc/{id}/task/{id}/children");
    let list = std::fs::read_to_string(path).unwrap();
    list.split_whitespace().map(|id| Pid::from_raw(id.parse().unwrap())).collect()
}

#[test]
fn a_worker_that_dies_is_replaced_and_takes_nothing_else_with_it() {
    let mut app = App::with_flags(&["--playground", "--workers", "3"], &[]);
    let all = BTreeSet::from(["1", "2", "3"].map(str::to_owned));
    wait_until("all workers serve", || workers(&app) == all);

    // Each has a state of its own: one poison makes one of them sick.
    app.ask("GET", "/poison");
    let mut statuses = BTreeSet::new();
    wait_until("both answers are seen", || {
        statuses.insert(app.ask("GET", "/").status);
        statuses == BTreeSet::from([200, 410])
    });

    let before = children(&app);
    assert!(Answer::read(app.connect(), "GET", "/die", &[]).is_none());
    wait_until("it is replaced", || {
        let now = children(&app);
        now.len() == 3 && now != before
    });
    assert_eq!(app.child.try_wait().unwrap(), None, "the parent is still there");
    wait_until("all workers serve again", || workers(&app) == all);

    app.signal(Signal::SIGTERM);
    assert_eq!(app.code(), Some(0));
}

#[test]
fn workers_that_cannot_start_end_the_parent() {
    let mut app = App::with_flags(&["--workers", "2"], &[("ROLLPROOF_CRASH_AFTER", "0s")]);
    assert_eq!(app.code(), Some(3));
}

#[test]
fn the_parent_ends_with_the_exit_code_of_its_workers() {
    let mut app = App::with_flags(&["--workers", "2"], &[("ROLLPROOF_STOP_EXIT_CODE", "7")]);
    wait_until("a worker serves", || app.ask("GET", "/").status == 200);
    app.signal(Signal::SIGTERM);
    assert_eq!(app.code(), Some(7));
}

#[test]
fn workers_end_with_their_parent() {
    let app = App::with_flags(&["--workers", "2"], &[]);
    wait_until("a worker serves", || app.ask("GET", "/").status == 200);
    let workers = children(&app);
    app.signal(Signal::SIGKILL);
    wait_until("the workers are gone", || {
        workers.iter().all(|worker| match std::fs::read_to_string(format!("/proc/{worker}/stat")) {
            // Ended, but not yet waited for by the process that inherited it.
            Ok(stat) => stat.contains(") Z "),
            Err(_) => kill(*worker, None).is_err(),
        })
    });
}
