//! `rollproof status`: one answer for many pages.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use super::app::harness::{Answer, wait_until};

/// A page with a status that changes; 0 hangs.
fn page() -> (String, Arc<AtomicU16>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let status = Arc::new(AtomicU16::new(200));
    let now = Arc::clone(&status);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
            match now.load(Ordering::Relaxed) {
                0 => kept.push(stream),
                status => {
                    // A redirect to nowhere: who follows it fails.
                    let head = format!(
                        "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/\r\n\
                         content-length: 0\r\nconnection: close\r\n\r\n"
                    );
                    let _ = stream.write_all(head.as_bytes());
                }
            }
        }
    });
    (url, status)
}

struct Status {
    child: Child,
    address: String,
}

impl Status {
    fn start(args: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollproof"))
            .args(["status", "--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("answering on http://").unwrap();
        Self { child, address: address.trim_end_matches('/').to_owned() }
    }

    fn ask(&self, path: &str) -> (u16, String) {
        let stream = TcpStream::connect(&self.address).unwrap();
        let answer = Answer::read(stream, "GET", path, &[]).unwrap();
        (answer.status, answer.body)
    }
}

impl Drop for Status {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn fails() -> (u16, String) {
    (500, "Fail".to_owned())
}

fn well() -> (u16, String) {
    (200, "OK".to_owned())
}

#[test]
fn one_bad_page_fails_all_and_redirects_are_not_followed() {
    let (first, first_status) = page();
    let (second, _) = page();
    let named = format!("web={first}");
    let status = Status::start(&[&named, &second, "--interval", "100ms"]);
    wait_until("all answer", || status.ask("/") == well());
    for (code, expected) in
        [(503, fails()), (301, well()), (404, fails()), (302, well()), (307, fails())]
    {
        first_status.store(code, Ordering::Relaxed);
        wait_until("it is noticed", || status.ask("/") == expected);
    }
    let (code, body) = status.ask("/status.json");
    let page: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &page["status"]), (500, &"Fail".into()));
    let web = page["targets"].as_array().unwrap().iter().find(|it| it["name"] == "web").unwrap();
    assert_eq!((&web["answer"], &web["ok"]), (&"307".into(), &false.into()));
    assert_eq!(status.ask("/other").0, 404);
}

#[test]
fn an_answer_that_grows_stale_counts_as_a_failure() {
    let (url, answer) = page();
    // A question that hangs for a minute gives no new answer, neither a good nor a bad one.
    let status = Status::start(&[&url, "--interval", "200ms", "--timeout", "60s"]);
    wait_until("it answers", || status.ask("/") == well());
    answer.store(0, Ordering::Relaxed);
    wait_until("the answer is stale", || status.ask("/") == fails());
    assert!(status.ask("/status.json").1.contains("\"stale\":true"));
}

#[test]
fn a_page_that_hangs_delays_no_other() {
    let (hangs, answer) = page();
    answer.store(0, Ordering::Relaxed);
    let (other, other_status) = page();
    let other = format!("other={other}");
    let status = Status::start(&[&hangs, &other, "--interval", "100ms", "--timeout", "60s"]);
    let said = |text: &str| status.ask("/status.json").1.contains(text);
    wait_until("the other answers", || said("\"answer\":\"200\""));
    other_status.store(418, Ordering::Relaxed);
    wait_until("it is asked again", || said("\"answer\":\"418\""));
}

#[test]
fn nothing_to_watch_is_well_and_one_round_has_an_exit_code() {
    assert_eq!(Status::start(&[]).ask("/"), well());
    let (url, answer) = page();
    let once = |url: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_rollproof"))
            .args(["status", "--once", url])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(once(&format!("web={url}")), (Some(0), "OK    web  200\n".into()));
    answer.store(500, Ordering::Relaxed);
    assert_eq!(once(&format!("web={url}")), (Some(1), "Fail  web  500\n".into()));
    assert_eq!(once("ftp://x/").0, Some(2));
}
