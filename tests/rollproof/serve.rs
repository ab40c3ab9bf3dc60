//! `rollproof serve`: the runs of a folder in a browser.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::records::HOSTILE;
use crate::report_page::save;
use crate::runs::with_runs;
use crate::workplace::Workplace;

struct Serve {
    child: Child,
    address: String,
}

impl Serve {
    fn start(place: &Workplace, args: &[&str]) -> Self {
        let mut command = place.command(&[&["serve", "--listen", "127.0.0.1:0"], args].concat());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("answering on http://").unwrap();
        Self { child, address: address.trim_end_matches('/').to_owned() }
    }

    /// The status and the rest of the answer to a request as it is.
    fn send(&self, request: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.unwrap_or(0), answer)
    }

    fn ask(&self, path: &str) -> (u16, String) {
        self.send(&format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.address
        ))
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RUNS: [&str; 3] = ["scaled-down", "new-version-404", "host-port-start-first"];

#[test]
fn it_lists_the_runs_and_makes_their_pages() {
    let place = with_runs(&RUNS);
    place.run(&["report", "new-version-404"]).expect(1);
    let serve = Serve::start(&place, &[]);
    let (code, page) = serve.ask("/");
    assert_eq!(code, 200);
    for run in RUNS {
        assert!(page.contains(&format!("href=\"/runs/{run}\"")), "{run}");
        let (code, page) = serve.ask(&format!("/runs/{run}"));
        assert_eq!(code, 200, "{run}");
        assert!(page.contains("<h2 id=\"timeline-title\">"), "{run}");
    }
    save("runs", page.split_once("\r\n\r\n").unwrap().1);
    assert!(page.contains("0 of 1 run passed") && page.contains("not judged"), "{page}");
    assert!(page.contains("564 of 695 requests lost"), "{page}");
    let (code, page) = serve.ask("/compare/scaled-down/new-version-404");
    assert_eq!(code, 200);
    assert!(page.contains("rollback_config.monitor") || page.contains("healthcheck.test"));
    let (code, list) = serve.ask("/runs.json");
    let list: Value = serde_json::from_str(list.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((code, list.as_array().unwrap().len()), (200, 3));
    // A run that is made meanwhile is there.
    place.run(&["runs", "rm", "scaled-down"]).expect(0);
    assert_eq!(serve.ask("/runs/scaled-down").0, 404);
    assert!(!serve.ask("/").1.contains("scaled-down"));
}

#[test]
fn a_name_never_leads_out_of_the_folder() {
    let place = with_runs(&RUNS);
    let outside = place.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    for file in std::fs::read_dir(place.state().join("runs/scaled-down")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), outside.join(file.file_name())).unwrap();
    }
    let serve = Serve::start(&place, &[]);
    for path in [
        "/runs/..",
        "/runs/../..",
        "/runs/../../../outside",
        "/runs/..%2f..%2f..%2foutside",
        "/runs/%2e%2e",
        "/runs/latest",
        "/runs/",
        "/runs",
        "//runs/scaled-down/..",
        "/runs/scaled-down/meta.json",
        "/runs/scaled-down%00",
        "/etc/passwd",
        "/runs//etc/passwd",
        "/compare/scaled-down/..",
        "/compare/../scaled-down",
        "/compare/scaled-down",
    ] {
        assert_eq!(serve.ask(path).0, 404, "{path}");
    }
    assert_eq!(serve.ask("/runs/scaled-down").0, 200);
}

#[test]
fn only_this_machine_asks_and_nothing_is_changed() {
    let place = with_runs(&["scaled-down"]);
    let before: Vec<_> =
        std::fs::read_dir(place.state().join("runs/scaled-down")).unwrap().collect();
    let serve = Serve::start(&place, &[]);
    let host = |host: &str| {
        serve.send(&format!("GET / HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")).0
    };
    for good in ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]:80"] {
        assert_eq!(host(good), 200, "{good}");
    }
    for other in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80", "a@b@c", ""]
    {
        assert_eq!(host(other), 403, "{other}");
    }
    let post =
        "POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    let (code, answer) = serve.send(post);
    assert!(code == 405 && answer.to_lowercase().contains("allow: get, head"), "{answer}");
    let head = "HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert!(serve.send(head).1.ends_with("\r\n\r\n"));
    serve.ask("/runs/scaled-down");
    let after: Vec<_> =
        std::fs::read_dir(place.state().join("runs/scaled-down")).unwrap().collect();
    assert_eq!(before.len(), after.len());
}

#[test]
fn a_client_that_says_nothing_is_hung_up_on_and_keeps_nobody_waiting() {
    let place = with_runs(&["scaled-down"]);
    let serve = Serve::start(&place, &[]);
    let mut silent: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&serve.address).unwrap()).collect();
    silent[1].write_all(b"GET / HTTP/1.1\r\nhost: ").unwrap();
    silent[2].shutdown(Shutdown::Write).unwrap();
    assert_eq!(serve.ask("/").0, 200, "the others are answered");
    let began = Instant::now();
    for stream in &mut silent {
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut rest = Vec::new();
        // A reset ends it too.
        let ended = stream.read_to_end(&mut rest);
        assert!(!ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn text_from_a_run_stays_text_and_a_broken_run_is_one_page_only() {
    let place = with_runs(&["scaled-down", "new-version-404"]);
    let runs = place.state().join("runs");
    let meta = runs.join("scaled-down/meta.json");
    let mut read: Value = serde_json::from_str(&std::fs::read_to_string(&meta).unwrap()).unwrap();
    read["stack"]["service"] = HOSTILE.into();
    read["command"] = HOSTILE.into();
    read["started_at"] = HOSTILE.into();
    std::fs::write(&meta, read.to_string()).unwrap();
    let report = serde_json::json!({"verdict": HOSTILE, "headline": HOSTILE});
    std::fs::write(runs.join("scaled-down/report.json"), report.to_string()).unwrap();
    std::fs::write(runs.join("new-version-404/events.jsonl"), "secret line\n").unwrap();
    let named = runs.join("a\"><script>x");
    std::fs::create_dir(&named).unwrap();
    std::fs::copy(runs.join("new-version-404/meta.json"), named.join("meta.json")).unwrap();

    let serve = Serve::start(&place, &[]);
    let (code, page) = serve.ask("/");
    assert_eq!(code, 200);
    assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
    save("hostile-runs", page.split_once("\r\n\r\n").unwrap().1);
    assert!(!page.contains(['\x1b', '\u{202e}', '\x07', '\0']), "{page:?}");
    let (code, text) = serve.ask("/runs/new-version-404");
    assert_eq!(code, 500);
    assert!(text.contains("is not a valid rollproof record") && !text.contains("secret"), "{text}");
    let (code, page) = serve.ask("/runs/scaled-down");
    assert_eq!(code, 200);
    assert!(!page.contains("<script>alert"), "{page}");
    // The terminal's list too.
    let out = place.run(&["runs"]).expect(0).out;
    assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{out:?}");
    assert_eq!(out.lines().count(), 4, "{out}");
}

#[test]
fn what_cannot_be_served_is_refused() {
    let place = Workplace::without_engine();
    place.run(&["serve", "nowhere"]).expect(2);
    for wrong in ["localhost", "8098", ":8098", "127.0.0.1", "127.0.0.1:65536", "shop.example:80"] {
        let ended = place.run(&["serve", "--listen", wrong]).expect(2);
        assert!(ended.err.contains("as in 127.0.0.1:8098"), "{}", ended.err);
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = place.run(&["serve", "--listen", &address]).expect(4);
    assert!(ended.err.contains("cannot listen on") && ended.err.contains("hint"), "{}", ended.err);
    let named = address.replace("127.0.0.1", "localhost");
    let ended = place.run(&["serve", "--listen", &named]).expect(4);
    assert!(ended.err.contains(&format!("cannot listen on {address}")), "{}", ended.err);
    // Without a run, the page says how to make one.
    let serve = Serve::start(&place, &[]);
    assert!(serve.ask("/").1.contains("rollproof verify"));
}
