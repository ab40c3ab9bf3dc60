//! The pages of the systems that the application stands for, request by request.

use super::harness::{Answer, App, GREETING};

#[test]
fn the_playground_counts_hits_and_can_be_poisoned_and_cured() {
    let app = App::with_flags(&["--playground"], &[]);
    let page = |hits| {
        format!(
            "<html><head><title>Status of c1</title></head>\
             <body><h1>This is c1</h1><p>Hits: {hits}</p></body></html>"
        )
    };
    let first = app.ask("GET", "/");
    assert_eq!((first.status, first.body), (200, page(1)));
    assert_eq!(app.ask("HEAD", "/").status, 200);
    assert_eq!(app.ask("GET", "/").body, page(3), "HEAD is a hit too");
    let status = app.ask("GET", "/status");
    assert_eq!(status.header("content-type"), Some("application/json"));
    assert_eq!(status.body, r#"{"node": "c1", "hits": 3, "healthy": true}"#);

    let poisoned = app.ask("GET", "/poison");
    assert_eq!((poisoned.status, poisoned.body.as_str()), (200, "I'm c1 and I don't feel well"));
    let sick = app.ask("GET", "/");
    assert_eq!(sick.status, 410);
    assert!(sick.body.contains("c1 is sick"), "{}", sick.body);
    assert_eq!(app.ask("GET", "/status").body, r#"{"node": "c1", "hits": 4, "healthy": false}"#);
    assert_eq!(app.ask("GET", "/health").status, 503);

    let metrics = app.ask("GET", "/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for line in [
        "# TYPE request_counter_total counter",
        r#"request_counter_total{node="c1",route="/"} 4"#,
        r#"request_counter_total{node="c1",route="/status"} 2"#,
        r#"request_counter_total{node="c1",route="/poison"} 1"#,
        "# TYPE node_health gauge",
        r#"node_health{node="c1"} 0"#,
    ] {
        assert!(metrics.body.lines().any(|it| it == line), "{line} in\n{}", metrics.body);
    }

    assert_eq!(app.ask("GET", "/antidote").status, 200);
    assert_eq!(app.ask("GET", "/").body, page(5));
    assert!(app.ask("GET", "/metrics").body.contains("node_health{node=\"c1\"} 1"));
    assert_eq!(app.ask("GET", "/nowhere").status, 404);
    assert_eq!(app.ask("POST", "/poison").status, 405);
    assert_eq!(app.ask("GET", "/slow").status, 404, "the greeting's pages are not there");
}

#[test]
fn die_gives_no_answer_and_ends_the_process_like_a_crash() {
    use std::os::unix::process::ExitStatusExt as _;
    let mut app = App::with_flags(&["--playground"], &[]);
    assert!(Answer::read(app.connect(), "GET", "/die", &[]).is_none());
    assert_eq!(app.child.wait().unwrap().signal(), Some(6), "SIGABRT: exit code 134 in a shell");
}

#[test]
fn nothing_can_be_poisoned_without_the_playground() {
    let app = App::start(&[]);
    for path in ["/poison", "/die", "/antidote", "/status"] {
        assert_eq!(app.ask("GET", path).status, 404, "{path}");
    }
    assert_eq!(app.ask("GET", "/").body, GREETING);
}

#[test]
fn the_health_pages_of_three_tiers_report_what_they_check() {
    // Nothing listens on port 1.
    let app = App::start(&[
        ("ROLLPROOF_DATABASE_URL", "postgres://app:secret@127.0.0.1:1/app"),
        ("ROLLPROOF_CACHE_URL", "redis://:secret@127.0.0.1:1/0"),
    ]);
    let live = app.ask("GET", "/_healthz/livez/?format=json");
    assert_eq!((live.status, live.body.as_str()), (200, "{}"));
    assert_eq!(live.header("vary"), Some("accept"));

    let ready = app.ask("GET", "/_healthz/readyz/?format=json");
    assert_eq!(ready.status, 500, "not 503");
    let checks: serde_json::Value = serde_json::from_str(&ready.body).unwrap();
    assert_eq!(
        checks,
        serde_json::json!({
            "Cache(alias='default')": "127.0.0.1:1: connection refused",
            "Database(alias='default')": "127.0.0.1:1: connection refused",
        })
    );
    let text = app.ask_with("GET", "/_healthz/readyz/", &["accept: text/plain"]);
    assert_eq!(text.status, 500);
    assert!(
        text.body.starts_with("Cache(alias='default'): 127.0.0.1:1: connection refused\n"),
        "{}",
        text.body
    );
    let page = app.ask("GET", "/_healthz/");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("Storage(alias=&#39;default&#39;)"), "{}", page.body);
    for answer in [&ready, &text, &page] {
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }

    let moved = app.ask("GET", "/_healthz/livez?format=json");
    assert_eq!(
        (moved.status, moved.header("location")),
        (301, Some("/_healthz/livez/?format=json"))
    );
    assert_eq!(app.ask_with("GET", "/_healthz/livez/", &["accept: image/png"]).status, 406);
    assert_eq!(app.ask("GET", "/_healthz/other/").status, 404);
}

#[test]
fn the_health_page_of_the_guide_has_two_forms() {
    let simple = App::start(&[]).ask("GET", "/health");
    assert_eq!(simple.status, 200);
    assert_eq!(simple.body, r#"{"message":"Application is healthy","status":"ok"}"#);
    let deep = App::start(&[("ROLLPROOF_DATABASE_URL", "postgres://127.0.0.1:1")]);
    let deep = deep.ask("GET", "/health");
    assert_eq!(deep.status, 503);
    assert_eq!(deep.body, r#"{"reason":"database connection failed","status":"error"}"#);
}

#[test]
fn held_connections_are_opened_only_as_their_protocols_say() {
    let app = App::start(&[]);
    let plain = app.ask("GET", "/ws");
    assert_eq!((plain.status, plain.header("upgrade")), (426, Some("websocket")));
    for path in ["/ws", "/events"] {
        let posted = app.ask("POST", path);
        assert_eq!((posted.status, posted.header("allow")), (405, Some("get")), "{path}");
    }
    let app = App::start(&[("ROLLPROOF_ANSWER_STATUS", "503")]);
    assert_eq!(app.ask("GET", "/ws").status, 503);
    assert_eq!(app.ask("GET", "/events").status, 503);
}
