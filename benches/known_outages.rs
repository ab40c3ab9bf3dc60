//! Outages of a known length against what the prober measures of them.
//!
//! The server of this program is down from one instant to another, in one of four ways, and
//! notes both instants on the prober's clock. The truth is their distance; a prober that sends
//! every millisecond cannot know better than within two intervals.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rollproof::Clock;
use rollproof::probe::{Prober, StreamPlan, Tally};
use rollproof::record::{Offset, Shot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
const BAD: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const RATE: f64 = 1000.0;
const WAYS: [Way; 4] = [Way::Refuses, Way::Resets, Way::Hangs, Way::Answers503];
const LENGTHS_MS: [u64; 7] = [10, 25, 50, 100, 500, 2_000, 5_000];

/// How the server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Refuses,
    Resets,
    Hangs,
    Answers503,
}

struct Trial {
    truth: Offset,
    measured: Offset,
    gaps: usize,
    trusted: bool,
}

#[tokio::main]
async fn main() {
    let trials: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(3);
    println!("{RATE}/s, {trials} trials each; an error is good up to one interval + 1 ms\n");
    println!(
        "{:<11} {:>6}  {:>4}  {:>4}  {:>9}  {:>9}",
        "way", "length", "good", "of", "median", "worst"
    );
    let (mut good, mut trusted, mut all) = (0, 0, 0);
    for way in WAYS {
        for length in LENGTHS_MS {
            let mut errors = Vec::new();
            let mut line = 0;
            for _ in 0..trials {
                let trial = trial(way, Duration::from_millis(length)).await;
                let error = (trial.measured - trial.truth).abs();
                let limit = Offset::from_secs_f64(1.0 / RATE) + Offset::from_millis(1);
                let is_good = error <= limit && trial.gaps == 1;
                all += 1;
                line += usize::from(is_good);
                trusted += usize::from(trial.trusted);
                good += usize::from(is_good && trial.trusted);
                errors.push(error);
            }
            errors.sort();
            let ms = |error: Offset| format!("{:.2} ms", error.as_secs_f64() * 1e3);
            println!(
                "{:<11} {:>6}  {:>4}  {:>4}  {:>9}  {:>9}",
                format!("{way:?}"),
                length,
                line,
                trials,
                ms(errors[(errors.len() - 1) / 2]),
                ms(errors[errors.len() - 1]),
            );
        }
    }
    println!(
        "\n{trusted} of {all} measurements could be trusted (nothing unsent, lag p99 at most 1 ms); {good} of those were good"
    );
}

/// One outage, and what was measured of it.
async fn trial(way: Way, length: Duration) -> Trial {
    let clock = Clock::start();
    let down = Arc::new(AtomicBool::new(false));
    let listener = listen(0);
    let address = listener.local_addr().unwrap();
    let mut plan = StreamPlan::new("s", &format!("http://{address}/"), RATE).unwrap();
    plan.timeout = Duration::from_millis(1500);
    let (sender, shots) = mpsc::channel();
    let prober = Prober::start(vec![plan], clock, move |_, shot: Shot| {
        let _ = sender.send(shot);
    })
    .unwrap();

    let mut serving = Some(tokio::spawn(serve(listener, Arc::clone(&down), way)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let from;
    if way == Way::Refuses {
        // Closing the socket is the beginning, binding it again the end.
        serving.take().unwrap().abort_and_wait().await;
        from = clock.now();
    } else {
        from = clock.now();
        down.store(true, Ordering::SeqCst);
    }
    precise_sleep(length).await;
    let to;
    if way == Way::Refuses {
        let again = listen(address.port());
        to = clock.now();
        serving = Some(tokio::spawn(serve(again, Arc::clone(&down), way)));
    } else {
        down.store(false, Ordering::SeqCst);
        to = clock.now();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let totals = prober.stop().await.unwrap().remove(0);
    if let Some(serving) = serving {
        serving.abort_and_wait().await;
    }
    let mut tally = Tally::new(Duration::from_secs(10));
    for shot in shots.try_iter() {
        tally.add(&shot);
    }
    let gaps = tally.gaps();
    Trial {
        truth: to - from,
        measured: gaps.longest(),
        gaps: gaps.list.len(),
        trusted: totals.unsent.total() == 0 && totals.lag_at(0.99) <= Offset::from_millis(1),
    }
}

trait AbortAndWait {
    async fn abort_and_wait(self);
}

impl AbortAndWait for tokio::task::JoinHandle<()> {
    async fn abort_and_wait(self) {
        self.abort();
        let _ = self.await;
    }
}

/// Tokio's own sleep is up to 2 ms late.
async fn precise_sleep(length: Duration) {
    tokio::task::spawn_blocking(move || std::thread::sleep(length)).await.unwrap();
}

fn listen(port: u16) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], port).into()).unwrap();
    socket.listen(4096).unwrap()
}

async fn serve(listener: TcpListener, down: Arc<AtomicBool>, way: Way) {
    while let Ok((stream, _)) = listener.accept().await {
        // The instant a connection is taken decides; what is in flight is answered.
        let way = down.load(Ordering::SeqCst).then_some(way);
        tokio::spawn(async move {
            let _ = answer(stream, way).await;
        });
    }
}

async fn answer(mut stream: TcpStream, way: Option<Way>) -> std::io::Result<()> {
    let mut head = [0; 1024];
    let _ = stream.read(&mut head).await?;
    match way {
        None | Some(Way::Refuses) => stream.write_all(GOOD).await,
        Some(Way::Answers503) => stream.write_all(BAD).await,
        Some(Way::Resets) => stream.set_zero_linger(),
        Some(Way::Hangs) => {
            tokio::time::sleep(Duration::from_secs(3)).await;
            Ok(())
        }
    }
}
