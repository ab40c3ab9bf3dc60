//! Connections that are held open: who ended them, how, and when the next one was open.

use std::sync::Mutex;

use futures_util::{SinkExt as _, StreamExt as _};
use nix::sys::signal::Signal;
use rollproof::stats::{HeldEnds, HeldStats};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::*;
use crate::app::harness::App;

const EVENTS: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\
    Transfer-Encoding: chunked\r\nX-Rollproof-Instance: abc\r\n\r\n";
const EVENT: &[u8] = b"9\r\ndata: 1\n\n\r\n";

/// A stream that holds `held` connections, each looked after ten times a second.
fn holding(url: &str, held: usize, seconds: f64) -> StreamPlan {
    let rate_hz = 10.0 * f64::from(u32::try_from(held).unwrap());
    let mut plan = StreamPlan::new("s", url, rate_hz).unwrap();
    (plan.connection, plan.kept) = (Connection::Held, held);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
    let shots = (rate_hz * seconds) as u64;
    plan.shots = Some(shots);
    plan
}

fn held(shots: &[Shot]) -> HeldStats {
    let mut ends = HeldEnds::default();
    for shot in shots {
        ends.note_back(shot);
        ends.note_end(shot);
    }
    ends.stats(0)
}

fn failed(shots: &[Shot]) -> Vec<Outcome> {
    shots.iter().filter(|shot| shot.outcome != Outcome::Ok).map(|shot| shot.outcome).collect()
}

/// Answers pings until so many have come.
async fn pings(socket: &mut WebSocketStream<TcpStream>, number: usize) {
    let mut left = number;
    while left > 0 {
        match socket.next().await {
            Some(Ok(Message::Ping(_))) => left -= 1,
            Some(Ok(_)) => {}
            _ => return,
        }
    }
    let _ = socket.flush().await;
}

async fn goodbye(mut socket: WebSocketStream<TcpStream>, code: u16) {
    let frame = CloseFrame { code: code.into(), reason: "".into() };
    socket.close(Some(frame)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

#[tokio::test]
async fn websockets_that_are_closed_move_and_those_that_are_cut_are_lost() {
    // What the server did: it closed the connection with a code, or cut it.
    let did = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&did);
    let address = server(move |number, stream| {
        let notes = Arc::clone(&notes);
        async move {
            let mut socket = accept_async(stream).await.unwrap();
            let codes = [Some(1001), None, Some(1011), Some(1000), Some(1012)];
            let Some(code) = codes.get(number).copied() else {
                return pings(&mut socket, usize::MAX).await;
            };
            pings(&mut socket, 3).await;
            notes.lock().unwrap().push(code);
            match code {
                Some(code) => goodbye(socket, code).await,
                None => drop(socket),
            }
        }
    })
    .await;
    let shots = shots(holding(&format!("ws://{address}/ws"), 3, 2.0)).await;
    let stats = held(&shots);
    let did = did.lock().unwrap();
    assert_eq!(did.len(), 5);
    assert_eq!((stats.cut, stats.moved, stats.closed, stats.not_back), (2, 3, 0, 0), "{shots:?}");
    assert_eq!(failed(&shots), [Outcome::Cut, Outcome::Cut]);
    let mut codes: Vec<Option<u16>> = stats.ends.iter().map(|end| end.code).collect();
    let mut done = did.clone();
    codes.sort_unstable();
    done.sort_unstable();
    assert_eq!(codes, done);
    assert_eq!(shots.len(), 60);
    assert!(stats.ends.iter().all(|end| end.at <= shots.iter().map(Shot::ended).max().unwrap()));
}

#[tokio::test]
async fn a_goodbye_without_a_successor_is_a_loss_and_the_time_until_the_next_counts() {
    let address = server(|number, stream| async move {
        match number {
            0 => {
                let mut socket = accept_async(stream).await.unwrap();
                pings(&mut socket, 2).await;
                goodbye(socket, 1001).await;
            }
            // Nobody is there for more than the deadline of 300 ms.
            1..=6 => drop(stream),
            _ => pings(&mut accept_async(stream).await.unwrap(), usize::MAX).await,
        }
    })
    .await;
    let mut plan = holding(&format!("ws://{address}/ws"), 1, 2.5);
    plan.deadline = Duration::from_millis(300);
    let shots = shots(plan).await;
    let stats = held(&shots);
    assert_eq!((stats.cut, stats.moved, stats.closed, stats.not_back), (0, 0, 1, 0), "{shots:?}");
    let back = stats.longest_back_s.unwrap();
    assert!(back.as_secs_f64() >= 0.5, "{back}");
    let failed = failed(&shots);
    assert!(failed.contains(&Outcome::Closed) && failed.contains(&Outcome::Reset), "{failed:?}");
    assert_eq!(shots.last().unwrap().outcome, Outcome::Ok);
}

#[tokio::test]
async fn silence_is_noticed() {
    let address = server(|_, stream| async move {
        let socket = accept_async(stream).await.unwrap();
        // Open, and never read again.
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let mut plan = holding(&format!("ws://{address}/ws"), 1, 0.5);
    (plan.deadline, plan.timeout) = (Duration::from_millis(200), Duration::from_millis(400));
    let all = shots(plan).await;
    assert_eq!(all[0].outcome, Outcome::Ok, "it was opened");
    let silent = |shot: &Shot| shot.outcome == Outcome::Timeout;
    assert!(all[1..].iter().filter(|shot| silent(shot)).count() >= 2, "{all:?}");
    // Of events only a promise makes silence a failure.
    let address = server(|_, mut stream| async move {
        request(&mut stream).await;
        stream.write_all(EVENTS).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let mut plan = holding(&format!("http://{address}/events"), 1, 1.0);
    assert_eq!(failed(&shots(plan.clone()).await), []);
    (plan.event_every, plan.deadline) =
        (Some(Duration::from_millis(100)), Duration::from_millis(100));
    assert!(failed(&shots(plan).await).contains(&Outcome::Timeout));
}

#[tokio::test]
async fn events_that_end_move_and_those_that_break_off_are_lost() {
    let address = server(|number, mut stream| async move {
        let head = request(&mut stream).await.unwrap().to_lowercase();
        assert!(head.contains("accept: text/event-stream"), "{head}");
        stream.write_all(EVENTS).await.unwrap();
        stream.write_all(EVENT).await.unwrap();
        tokio::time::sleep(Duration::from_millis(250)).await;
        match number {
            0 => stream.write_all(b"0\r\n\r\n").await.unwrap(),
            1 => stream.write_all(b"9\r\nda").await.unwrap(),
            2 => stream.set_zero_linger().unwrap(),
            _ => loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                if stream.write_all(EVENT).await.is_err() {
                    return;
                }
            },
        }
    })
    .await;
    let mut plan = holding(&format!("http://{address}/events"), 1, 2.0);
    plan.event_every = Some(Duration::from_secs(1));
    let shots = shots(plan).await;
    let stats = held(&shots);
    assert_eq!((stats.cut, stats.moved, stats.closed), (2, 1, 0), "{shots:?}");
    assert_eq!(failed(&shots), [Outcome::Cut, Outcome::Cut]);
    assert!(shots.iter().all(|shot| shot.replica.as_deref() == Some("abc")));
}

#[tokio::test]
async fn what_is_not_opened_says_why() {
    for (scheme, answer, wanted) in [
        ("ws", &b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"[..], Outcome::Proxy503),
        ("ws", GOOD, Outcome::WrongStatus),
        ("ws", b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", Outcome::WrongStatus),
        ("ws", b"SSH-2.0-OpenSSH_9.2\r\n", Outcome::Cut),
        ("http", GOOD, Outcome::WrongHeader),
        ("http", b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n", Outcome::Proxy502),
    ] {
        let address = server(move |_, mut stream| async move {
            if request(&mut stream).await.is_some() {
                stream.write_all(answer).await.unwrap();
            }
        })
        .await;
        let mut plan = holding(&format!("{scheme}://{address}/"), 1, 0.5);
        plan.deadline = Duration::from_millis(200);
        let shots = shots(plan).await;
        assert_eq!(outcomes(&shots), vec![wanted; 5], "{scheme} {}", answer.escape_ascii());
    }
    let mut plan = holding("ws://127.0.0.1:1/", 1, 0.5);
    plan.deadline = Duration::from_millis(200);
    assert_eq!(outcomes(&shots(plan).await), [Outcome::Refused; 5]);
}

#[tokio::test]
async fn the_app_says_goodbye_unless_a_fault_cuts() {
    for (variables, cut) in [
        (&[][..], false),
        (&[("ROLLPROOF_ON_STOP", "exit")][..], true),
        (&[("ROLLPROOF_DROP_ON_STOP", "true")][..], true),
    ] {
        let mut app = App::start(variables);
        let mut plans = vec![
            holding(&format!("ws://{}/ws", app.address), 4, 2.0),
            holding(&format!("http://{}/events", app.address), 3, 2.0),
        ];
        for plan in &mut plans {
            plan.deadline = Duration::from_millis(300);
        }
        plans[1].event_every = Some(Duration::from_millis(500));
        let (sender, shots) = mpsc::channel();
        let sink = move |stream, shot| sender.send((stream, shot)).unwrap();
        let mut prober = Prober::start(plans, Clock::start(), sink).unwrap();
        tokio::time::sleep(Duration::from_millis(800)).await;
        let before: Vec<(usize, Shot)> = shots.try_iter().collect();
        assert!(!before.is_empty());
        assert!(before.iter().all(|(_, shot)| shot.outcome == Outcome::Ok), "{before:?}");
        assert!(before.iter().all(|(_, shot)| shot.replica.as_deref() == Some("c1")));
        app.signal(Signal::SIGTERM);
        let mut said = app.line();
        if !said.contains("held") {
            said = app.line();
        }
        let verb = if cut { "cutting 7" } else { "closing 7" };
        assert!(said.starts_with(verb), "the server counts them, too: {said}");
        prober.finished().await;
        prober.stop().await.unwrap();
        let after: Vec<(usize, Shot)> = shots.into_iter().collect();
        for (stream, number) in [(0, 4), (1, 3)] {
            let shots: Vec<Shot> = after
                .iter()
                .filter(|(of, _)| *of == stream)
                .map(|(_, shot)| shot.clone())
                .collect();
            let stats = held(&shots);
            let wanted = if cut { (number, 0) } else { (0, number) };
            assert_eq!((stats.cut, stats.closed), wanted, "{variables:?}: {shots:?}");
            assert_eq!(stats.not_back, number);
        }
    }
}
