//! `rollproof probe` as users run it.

use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use assert_cmd::cargo::cargo_bin;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::*;

fn start(words: &[&str]) -> Child {
    Command::new(cargo_bin("rollproof"))
        .arg("probe")
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn ended(child: Child) -> Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

/// The exit code, standard output and standard error.
async fn run_probe(words: &[&str]) -> (i32, String, String) {
    let output = ended(start(words)).await;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal).unwrap();
}

/// A good server that counts its requests.
async fn counting() -> (SocketAddr, Arc<AtomicUsize>) {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let address = server(move |_, mut stream| {
        let count = Arc::clone(&count);
        async move {
            while request(&mut stream).await.is_some() {
                count.fetch_add(1, Ordering::SeqCst);
                stream.write_all(GOOD).await.unwrap();
            }
        }
    })
    .await;
    (address, served)
}

async fn until_served(served: &AtomicUsize, wanted: usize) {
    let patience = Instant::now() + Duration::from_secs(20);
    while served.load(Ordering::SeqCst) < wanted {
        assert!(Instant::now() < patience, "only {served:?} of {wanted} requests came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_good_service_passes() {
    let (address, served) = counting().await;
    let url = format!("http://{address}/");
    // The lag limit is not tested here, and this machine may be busy.
    let words = [&url, "--rate", "100", "--for", "200ms", "--max-lag", "10s"];
    let (code, out, err) = run_probe(&words).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("PASS  none of 20 requests failed ("), "{out}");
    assert!(out.contains("  outages      no gap of 10 ms or more\n"), "{out}");
    assert!(out.contains("  replicas     1: abc\n"), "{out}");
    assert!(out.contains("  send lag     p50 "), "{out}");
    assert!(out.lines().count() <= 12, "{out}");
    assert_eq!(served.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn the_json_summary_says_the_same() {
    let (good, _) = counting().await;
    let bad = answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
    let (good, bad) = (format!("http://{good}/"), format!("http://{bad}/"));
    let words = [&good, &bad, "--rate", "100", "--for", "100ms", "--keepalive", "--json"];
    let (code, out, err) = run_probe(&words).await;
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["verdict"], "fail");
    let [good, bad] = json["streams"].as_array().unwrap().as_slice() else { panic!("{json}") };
    assert_eq!((&good["sent"], &good["failed"]), (&10.into(), &0.into()));
    assert_eq!(good["gaps"].as_array().unwrap().len(), 0);
    assert_eq!(good["connection"], "keep-alive");
    assert_eq!(good["connections"]["kept"], 16);
    assert_eq!(bad["failed_by_class"]["proxy503"], 10);
    assert_eq!(bad["gaps"][0]["open"], true);
    assert!(bad["longest_gap_s"].as_f64().unwrap() >= 0.09);
    let times = &bad["failed_times"]["proxy503"];
    let span = times["last"].as_f64().unwrap() - times["first"].as_f64().unwrap();
    assert!((span - 0.09).abs() < 1e-4, "{times}");
}

#[tokio::test]
async fn failures_are_listed_and_fail() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{address}/");
    let (code, out, _) = run_probe(&[&url, "--rate", "100", "--for", "100ms"]).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.starts_with("FAIL  10 of 10 requests failed, longest outage "), "{out}");
    assert!(out.contains("  failed       10 refused\n"), "{out}");
    assert!(out.contains(" to the end\n"), "{out}");
}

#[tokio::test]
async fn a_measurement_that_cannot_be_trusted_is_inconclusive() {
    let (address, _) = counting().await;
    let url = format!("http://{address}/");
    let words = [&url, "--rate", "100", "--for", "100ms", "--max-lag", "0s"];
    let (code, out, _) = run_probe(&words).await;
    assert_eq!(code, 3, "{out}");
    assert!(out.starts_with("INCONCLUSIVE  none of 10 requests failed, but "), "{out}");
    assert!(out.contains("\n  why          this machine is too busy: "), "{out}");
}

#[tokio::test]
async fn a_suspended_prober_does_not_blame_the_service() {
    let (address, served) = counting().await;
    let url = format!("http://{address}/");
    let child = start(&[&url, "--rate", "100", "--for", "3s", "--json"]);
    until_served(&served, 20).await;
    signal(&child, Signal::SIGSTOP);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    signal(&child, Signal::SIGCONT);
    let output = ended(child).await;
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["streams"][0]["failed"], 0, "{json}");
    assert!(json["streams"][0]["unsent"].as_u64().unwrap() > 0, "{json}");
    assert_eq!((output.status.code(), &json["verdict"]), (Some(3), &"inconclusive".into()));
}

#[tokio::test]
async fn an_interrupt_ends_the_run_with_its_summary() {
    let (address, served) = counting().await;
    let url = format!("http://{address}/");
    for stop in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let before = served.load(Ordering::SeqCst);
        let child = start(&[&url, "--rate", "100", "--max-lag", "10s"]);
        until_served(&served, before + 10).await;
        signal(&child, stop);
        let output = ended(child).await;
        let out = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0), "{out}");
        assert!(out.starts_with("PASS  none of "), "{out}");
    }
}

#[tokio::test]
async fn a_second_interrupt_does_not_wait_for_hanging_requests() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let address = server(move |_, mut stream| {
        let count = Arc::clone(&count);
        async move {
            request(&mut stream).await;
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
    })
    .await;
    let url = format!("http://{address}/");
    let child = start(&[&url, "--rate", "100", "--timeout", "10m"]);
    until_served(&served, 5).await;
    signal(&child, Signal::SIGINT);
    // The first one has been handled when no more requests come.
    let mut seen = 0;
    while seen != served.load(Ordering::SeqCst) {
        seen = served.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    signal(&child, Signal::SIGINT);
    let output = ended(child).await;
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!(output.stdout, b"", "{output:?}");
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.starts_with("waiting up to 600 s for requests in flight; press Ctrl-C"), "{err}");
    assert!(err.ends_with("\nstopped without a summary\n"), "{err}");
}

#[tokio::test]
async fn a_closed_pipe_does_not_change_the_exit_code() {
    let (good, _) = counting().await;
    let bad = answering(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n").await;
    for (address, code) in [(good, 0), (bad, 1)] {
        let url = format!("http://{address}/");
        let words = [&url, "--rate", "100", "--for", "100ms", "--max-lag", "10s"];
        let mut child = start(&words);
        drop(child.stdout.take());
        let output = ended(child).await;
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(output.stderr, b"", "{output:?}");
    }
}

#[tokio::test]
async fn quiet_and_verbose_are_understood() {
    let (address, _) = counting().await;
    let url = format!("http://{address}/");
    let words = [&url, "--rate", "100", "--for", "100ms", "--max-lag", "10s"];
    for option in ["-q", "-v"] {
        let (code, out, err) = run_probe(&[&words[..], &[option]].concat()).await;
        assert_eq!(code, 0, "{err}");
        assert!(out.starts_with("PASS  none of 10 requests failed"), "{out}");
        assert!(option == "-v" || err.is_empty(), "{err}");
    }
}

#[tokio::test]
async fn wrong_usage_says_what_to_do() {
    let http = "http://127.0.0.1/";
    let https = "https://127.0.0.1/";
    for (words, part) in [
        (&["ftp://127.0.0.1/"][..], "only http, https, ws, wss and tcp"),
        (&["127.0.0.1:80"], "http://127.0.0.1:80"),
        (&[http, "--cacert", "/dev/null"], "no certificate in PEM format"),
        (&[http, "--insecure"], "--insecure needs an https:// URL"),
        (&[https, "--cacert", "/nonexistent"], "/nonexistent"),
        (&[https, "--key", "/nonexistent"], "--cert"),
        (&[https, "--resolve", "shop.example"], "HOST:PORT:ADDR"),
        (&[https, "--resolve", "shop.example:443:nowhere"], "not an IP address"),
        (&[http, "--path", "health"], "must start with /"),
        (&[http, "--path", "0:/health"], "from 1 to 1000"),
        (&[http, "--user", "me"], "NAME:PASSWORD"),
        (&[http, "--method", "FETCH"], "use one of GET"),
        (&[http, "--body", "@/nonexistent"], "/nonexistent"),
        (&[http, "--content-type", "a/b"], "--body"),
        (&[http, "--expect-body-regex", "("], "not a regular expression"),
        (&[http, "--expect-status", "200,999"], "from 200 to 599"),
        (&[http, "--body", "@/dev/zero"], "larger than 16 MiB"),
        (&[http, "--resolve", "shop.example:127.0.0.1"], "no URL asks that"),
        (&[http, "--cookies"], "connections that are kept"),
        (&[http, "-H", "Host: a", "-H", "Host: b"], "contradict each other"),
        (&[http, "-H", "Host: a b"], "is not a host"),
        (&[http, "--connect-timeout", "9s", "--timeout", "3s"], "it has no effect"),
        (&["htp://127.0.0.1/"], "did you mean `http`?"),
        (&["tcp://127.0.0.1:1", "--insecure"], "https://"),
        (&["tcp://127.0.0.1:1", "--user", "a:b"], "--user has no effect on a tcp:// URL"),
        (&["tcp://127.0.0.1:1", "--expect-status", "301"], "has no effect on a tcp:// URL"),
        (&["tcp://127.0.0.1:1?x"], "TCP does not know"),
        (&["ws://127.0.0.1/", "--expect-status", "301"], "no effect on a WebSocket"),
        (&["ws://127.0.0.1/", "--sse"], "exclude each other"),
    ] {
        let (code, _, err) = run_probe(words).await;
        assert!(code == 2 && err.contains(part), "{words:?} {code} {err}");
    }
    let words = ["http://127.0.0.1/", "--timeout", "1s", "--deadline", "2s"];
    let (code, _, err) = run_probe(&words).await;
    assert!(code == 2 && err.contains("longer than the deadline (2 s)"), "{code} {err}");
    let (code, _, err) = run_probe(&["http://127.0.0.1/", "--rate", "-1"]).await;
    assert!(code == 2 && err.contains("between 0.001 and 50,000"), "{code} {err}");
    assert_eq!(run_probe(&[]).await.0, 2);
}

#[tokio::test]
async fn the_short_help_is_short_and_the_long_one_has_examples() {
    let (code, short, _) = run_probe(&["-h"]).await;
    assert!(code == 0 && short.contains("--rate") && !short.contains("--max-lag"), "{short}");
    let (code, long, _) = run_probe(&["--help"]).await;
    assert!(code == 0 && long.contains("--max-lag"), "{long}");
    assert!(long.contains("\nExamples:\n") && long.contains("Exit codes:"), "{long}");
}
