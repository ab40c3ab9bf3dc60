//! Faults, seen by a client and by whoever waits for the process.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::harness::{Answer, App, binary, check, receive, send, wait_until};

fn refused(variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output =
        Command::new(binary()).env_clear().envs(variables.iter().copied()).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn wrong_values_are_refused_before_anything_starts() {
    let (code, why) = refused(&[("ROLLPROOF_ON_STOP", "later")]);
    assert_eq!(code, Some(2));
    assert_eq!(
        why,
        "rollproof-app: ROLLPROOF_ON_STOP=later: expected drain, close, serve or exit\n"
    );
    let url = "postgres://app:secret@host:port/";
    let (code, why) = refused(&[("ROLLPROOF_DATABASE_URL", url)]);
    assert_eq!(code, Some(2));
    assert!(why.contains("ROLLPROOF_DATABASE_URL: expected") && !why.contains("secret"), "{why}");
}

#[test]
fn a_variable_that_does_not_exist_is_named() {
    let mut child = Command::new(binary())
        .env_clear()
        .env("ROLLPROOF_CRASH_AFTR", "1s")
        .env("ROLLPROOF_CRASH_AFTER", "0s")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut why = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut why).unwrap();
    assert!(why.contains("ROLLPROOF_CRASH_AFTR is ignored: there is no such variable"), "{why}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn health_changes_when_it_is_told_to() {
    let app =
        App::start(&[("ROLLPROOF_READY_AFTER", "300ms"), ("ROLLPROOF_UNHEALTHY_AFTER", "2s")]);
    assert_eq!(app.ask("GET", "/health").status, 503);
    assert_eq!(app.ask("GET", "/").status, 200, "requests are answered all the time");
    for path in ["/health", "/_healthz/livez/"] {
        wait_until("it is ready", || app.ask("GET", path).status == 200);
    }
    wait_until("it is unhealthy", || app.ask("GET", "/health").status == 503);
    assert_eq!(app.ask("GET", "/_healthz/livez/").status, 500);
    assert_eq!(app.ask("GET", "/").status, 200);
    assert_eq!(
        App::start(&[("ROLLPROOF_UNHEALTHY_AFTER", "0s")]).ask("GET", "/health").status,
        503
    );
}

#[test]
fn a_slow_health_check_is_cut_by_the_time_limit_of_who_asks() {
    let app = App::start(&[("ROLLPROOF_HEALTH_DELAY", "30s")]);
    let url = format!("http://{}/health", app.address);
    assert_eq!(check(&["http", &url, "--timeout", "200ms"], &[]), (1, "DOWN (ReadTimeout)".into()));
    assert_eq!(app.ask("GET", "/").status, 200);
}

#[test]
fn wrong_answers_leave_the_health_checks_alone() {
    for status in ["500", "404"] {
        let app = App::start(&[("ROLLPROOF_ANSWER_STATUS", status)]);
        assert_eq!(app.ask("GET", "/").status.to_string(), status);
        assert_eq!(app.ask("GET", "/health").status, 200);
    }
}

#[test]
fn a_seed_decides_which_requests_are_answered_wrongly() {
    let answers = |seed| -> Vec<u16> {
        let app = App::start(&[
            ("ROLLPROOF_ANSWER_STATUS", "500"),
            ("ROLLPROOF_ANSWER_PROBABILITY", "0.3"),
            ("ROLLPROOF_FAULT_SEED", seed),
        ]);
        (0..200).map(|_| app.ask("GET", "/").status).collect()
    };
    let first = answers("1");
    let wrong = first.iter().filter(|status| **status == 500).count();
    // 60 are expected; 6.5 is the standard deviation.
    assert!((30..=90).contains(&wrong), "{wrong} of 200");
    assert_eq!(first, answers("1"));
    assert_ne!(first, answers("2"));
}

#[test]
fn slow_answers_take_at_least_their_time() {
    let app = App::start(&[("ROLLPROOF_ANSWER_DELAY", "200ms")]);
    let begun = Instant::now();
    assert_eq!(app.ask("GET", "/").status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(200));
}

#[test]
fn crashes_have_their_time_their_request_and_their_code() {
    let (code, why) =
        refused(&[("ROLLPROOF_CRASH_AFTER", "0s"), ("ROLLPROOF_CRASH_EXIT_CODE", "42")]);
    assert_eq!(code, Some(42));
    assert!(why.contains("ROLLPROOF_CRASH_AFTER"), "{why}");

    let mut app =
        App::start(&[("ROLLPROOF_CRASH_AFTER", "50ms"), ("ROLLPROOF_CRASH_EXIT_CODE", "0")]);
    assert_eq!(app.code(), Some(0));

    let mut app = App::start(&[("ROLLPROOF_CRASH_ON_REQUEST", "3")]);
    for _ in 0..2 {
        assert_eq!(app.ask("GET", "/").status, 200);
        assert_eq!(app.ask("GET", "/health").status, 200, "health checks are not counted");
    }
    assert!(Answer::read(app.connect(), "GET", "/", &[]).is_none());
    assert_eq!(app.code(), Some(1));
}

#[test]
fn only_the_chosen_slots_are_faulty() {
    for (slot, status) in [("1", 200), ("2", 500)] {
        let app = App::start(&[
            ("ROLLPROOF_ANSWER_STATUS", "500"),
            ("ROLLPROOF_FAULT_SLOTS", "2,4-6"),
            ("ROLLPROOF_SLOT", slot),
        ]);
        assert_eq!(app.ask("GET", "/").status, status, "slot {slot}");
    }
}

#[test]
fn memory_runs_out_where_it_is_limited() {
    // The limit of address space stands for a container's memory limit, which needs an engine.
    let limited = "ulimit -v 300000 && exec \"$0\" serve --listen 127.0.0.1 --port 0";
    let output = Command::new("sh")
        .args(["-c", limited])
        .arg(binary())
        .env_clear()
        .env("ROLLPROOF_LEAK_MIB_PER_SECOND", "2000")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), None, "ended by a signal: {output:?}");
    assert!(String::from_utf8(output.stderr).unwrap().contains("memory allocation"));
}

#[test]
fn the_exit_code_after_the_signal_can_be_chosen() {
    let mut app = App::start(&[("ROLLPROOF_STOP_EXIT_CODE", "137")]);
    app.signal(Signal::SIGTERM);
    assert_eq!(app.code(), Some(137));
}

#[test]
fn after_the_signal_it_drains_closes_serves_on_or_ends() {
    // A request on an open connection, and a connection that is made while the process is stopped,
    // so that it waits in the queue when the signal arrives.
    let run = |on_stop: &str| {
        let mut app =
            App::start(&[("ROLLPROOF_ON_STOP", on_stop), ("ROLLPROOF_STOP_TIMEOUT", "2s")]);
        let mut open = app.connect();
        send(&mut open, "GET /?delay=300ms");
        let mut other = app.connect();
        send(&mut other, "GET /health");
        receive(&mut other, true);
        app.signal(Signal::SIGSTOP);
        let mut waiting = app.connect();
        send(&mut waiting, "GET /");
        app.signal(Signal::SIGTERM);
        app.signal(Signal::SIGCONT);
        assert!(app.line().starts_with("SIGTERM: "));
        let waiting = Answer::status_of(&mut waiting);
        let late = TcpStream::connect(&app.address)
            .ok()
            .and_then(|stream| Answer::read(stream, "GET", "/", &[]))
            .map(|answer| answer.status);
        let open = Answer::status_of(&mut open);
        (waiting, open, late, app.code())
    };
    assert_eq!(run("drain"), (Some(200), Some(200), None, Some(0)));
    // A connection that was taken from the queue just before the signal is seen is answered: try
    // until one was not.
    let reset = (0..20).any(|_| {
        let (waiting, open, late, code) = run("close");
        assert_eq!((open, late, code), (Some(200), None, Some(0)));
        waiting.is_none()
    });
    assert!(reset, "a connection in the queue is reset");
    assert_eq!(run("serve"), (Some(200), Some(200), Some(200), Some(0)));
    assert_eq!(run("exit"), (None, None, None, Some(0)));
}
