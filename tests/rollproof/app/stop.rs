//! Stopping without losing a request, and the default health check.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::harness::{App, GREETING, ended, health, receive, send};

#[test]
fn every_response_names_the_replica_and_keeps_the_connection() {
    let app = App::start(&[("ROLLPROOF_SLOT", "3"), ("ROLLPROOF_VERSION", "v1")]);
    let mut stream = app.connect();
    send(&mut stream, "GET /");
    let (head, body) = receive(&mut stream, true);
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    for header in [
        "content-type: text/plain; charset=utf-8",
        "x-rollproof-instance: c1",
        "x-rollproof-slot: 3",
        "x-rollproof-version: v1",
    ] {
        assert!(head.contains(header), "{head}");
    }
    assert_eq!(body, GREETING);
    send(&mut stream, "HEAD /");
    let (head, _) = receive(&mut stream, false);
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains(&format!("content-length: {}", GREETING.len())), "{head}");
    // If HEAD had sent a body, this response would start with it.
    send(&mut stream, "GET /nowhere");
    assert!(receive(&mut stream, true).0.starts_with("http/1.1 404 "));
}

#[test]
fn an_open_request_is_answered_after_the_signal_and_idle_connections_are_closed() {
    let mut app = App::start(&[]);
    let (mut busy, mut idle, mut silent) = (app.connect(), app.connect(), app.connect());
    send(&mut idle, "GET /");
    receive(&mut idle, true);
    send(&mut busy, "GET /?delay=1s");
    // Once a later request has a response, the delayed request has arrived.
    send(&mut idle, "GET /health");
    receive(&mut idle, true);
    app.terminate();
    assert!(ended(&mut idle));
    assert!(ended(&mut silent));
    let (head, body) = receive(&mut busy, true);
    assert!(head.starts_with("http/1.1 200 ") && head.contains("connection: close"), "{head}");
    assert_eq!(body, GREETING);
    assert!(ended(&mut busy));
    assert_eq!(app.code(), Some(0));
    assert!(TcpStream::connect(&app.address).is_err());
}

#[test]
fn requests_that_arrive_with_the_signal_are_answered() {
    let mut app = App::start(&[]);
    let mut open = app.connect();
    send(&mut open, "GET /health");
    receive(&mut open, true);
    // While the process is stopped, the kernel accepts a request on an open connection, new
    // connections and the signal. The application then finds all of them at once.
    app.signal(Signal::SIGSTOP);
    send(&mut open, "GET /");
    let mut streams: Vec<_> = (0..16).map(|_| app.connect()).collect();
    for stream in &mut streams {
        send(stream, "GET /");
    }
    streams.push(open);
    app.signal(Signal::SIGTERM);
    app.signal(Signal::SIGCONT);
    for stream in &mut streams {
        assert_eq!(receive(stream, true).1, GREETING);
    }
    assert_eq!(app.code(), Some(0));
}

#[test]
fn a_stop_does_not_exceed_its_timeout() {
    let mut app = App::start(&[("ROLLPROOF_STOP_TIMEOUT", "300ms")]);
    let mut stream = app.connect();
    send(&mut stream, "GET /slow?ms=60000");
    let mut other = app.connect();
    send(&mut other, "GET /");
    receive(&mut other, true);
    let begun = Instant::now();
    app.terminate();
    assert_eq!(app.code(), Some(1));
    assert!(begun.elapsed() < Duration::from_secs(30), "the stop waited for the request");
}

#[test]
fn only_2xx_is_healthy() {
    let app = App::start(&[]);
    assert_eq!(app.health("/health").0, Some(0));
    assert_eq!(app.health("/").0, Some(0));
    let (code, why) = app.health("/nowhere");
    assert_eq!((code, why.ends_with("answered 404 Not Found\n")), (Some(1), true), "{why}");
    let (code, why) = health("http://localhost:WRONG-PORT");
    assert_eq!((code, why.contains("is not valid")), (Some(1), true), "{why}");
    let (code, why) = app.health("/slow?ms=30000");
    assert_eq!((code, why.ends_with("no response within 2s\n")), (Some(1), true), "{why}");
}

#[test]
fn faults_can_be_switched_on() {
    let app = App::start(&[("ROLLPROOF_UNHEALTHY_AFTER", "0s")]);
    assert_eq!(app.health("/health").0, Some(1));
    assert_eq!(App::start(&[("ROLLPROOF_CRASH_AFTER", "50ms")]).code(), Some(1));

    let mut deaf = App::start(&[("ROLLPROOF_IGNORE_STOP", "true")]);
    deaf.terminate();
    assert_eq!(deaf.health("/health").0, Some(0), "it still serves");

    let begun = Instant::now();
    let late = App::start(&[("ROLLPROOF_START_DELAY", "200ms")]);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(late.health("/health").0, Some(0));
}
