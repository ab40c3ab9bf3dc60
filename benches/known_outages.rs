//! Outages of known length, compared with what the prober measures.
//!
//! For each way to be down, a server goes down and up again and again, and notes both instants on the
//! prober's clock. Their distance is the truth; a prober that sends every millisecond can only know
//! it within two intervals. A single probe run covers all trials of a way, so that gaps without an
//! outage are found too.
//!
//! Arguments: `--trials N` of each length, `--ways Refuses,Resets,Hangs,Answers503`,
//! `--lengths 10,25,…` in milliseconds, `--at-once N` ways in parallel.

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use clap::{Parser, ValueEnum};
use futures_util::StreamExt;
use rollproof::Clock;
use rollproof::Offset;
use rollproof::probe::{Prober, StreamPlan};
use rollproof::record::{Outcome, Shot};
use rollproof::stats::{Gap, Gaps};
use rustix::net::{Shutdown, shutdown};
use thread_priority::{
    RealtimeThreadSchedulePolicy, ScheduleParams, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinHandle;

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
const BAD: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const RATE: f64 = 1000.0;
const BACKLOG: i32 = 4096;
/// The service is up for this long before and after each outage.
const UP: Duration = Duration::from_millis(300);
/// A gap this close to an outage belongs to it.
const NEAR: Offset = Offset::from_millis(50);

#[derive(Parser)]
struct Arguments {
    /// Outages of each length and way
    #[arg(long, default_value_t = 3)]
    trials: usize,
    /// How the service is down
    #[arg(long, value_enum, ignore_case = true, value_delimiter = ',', default_values_t = Way::value_variants().to_vec())]
    ways: Vec<Way>,
    /// Lengths of the outages, in milliseconds
    #[arg(long, value_delimiter = ',', default_value = "10,25,50,100,500,2000,5000")]
    lengths: Vec<u64>,
    /// Ways that are tried in parallel, each with a separate server and prober
    #[arg(long, default_value_t = 1)]
    at_once: usize,
    /// Added by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

/// How the server is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Way {
    Refuses,
    Resets,
    Hangs,
    Answers503,
}

/// An outage as it happened.
struct Outage {
    length_ms: u64,
    from: Offset,
    to: Offset,
}

/// An outage as it was measured.
struct Trial {
    length_ms: u64,
    error: Offset,
    is_good: bool,
    is_trusted: bool,
}

fn main() {
    let runtime =
        Builder::new_multi_thread().enable_all().on_thread_start(go_first).build().unwrap();
    runtime.block_on(all_ways());
}

/// A server that is not scheduled in time is down for longer than it notes; it gets priority where
/// that is allowed, as the prober does.
fn go_first() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let first = ThreadPriority::from_posix(ScheduleParams { sched_priority: 1 });
    let _ = set_thread_priority_and_policy(thread_native_id(), first, policy);
}

async fn all_ways() {
    let arguments = Arguments::parse();
    let Arguments { trials, ways, lengths, at_once, .. } = &arguments;
    println!("{RATE}/s, {trials} trials each; an error is good up to one interval + 1 ms\n");
    println!(
        "{:<11} {:>6}  {:>4}  {:>4}  {:>9}  {:>9}",
        "way", "length", "good", "of", "median", "worst"
    );
    let mut all = Vec::new();
    let mut false_gaps = 0;
    let runs = ways.iter().map(|way| {
        let (way, trials, lengths) = (*way, *trials, lengths.clone());
        async move { (way, tokio::spawn(run(way, trials, lengths)).await.unwrap()) }
    });
    let mut runs = futures_util::stream::iter(runs).buffered((*at_once).max(1));
    while let Some((way, (trials, false_ones))) = runs.next().await {
        for length in lengths {
            print_line(way, *length, trials.iter().filter(|trial| trial.length_ms == *length));
        }
        for gap in &false_ones {
            println!("{way:?}: a gap of {} at {} without an outage", gap.length(), gap.start);
        }
        false_gaps += false_ones.len();
        all.extend(trials);
    }
    let count = |which: fn(&Trial) -> bool| all.iter().filter(|trial| which(trial)).count();
    println!(
        "\n{} of {} outages good, {false_gaps} false gaps; {} could be trusted (nothing unsent, lag \
         p99 at most 1 ms), {} of those good",
        count(|trial| trial.is_good),
        all.len(),
        count(|trial| trial.is_trusted),
        count(|trial| trial.is_trusted && trial.is_good),
    );
}

fn print_line<'a>(way: Way, length: u64, trials: impl Iterator<Item = &'a Trial>) {
    let (mut errors, mut good) = (Vec::new(), 0);
    for trial in trials {
        errors.push(trial.error);
        good += usize::from(trial.is_good);
    }
    errors.sort();
    let Some(worst) = errors.last() else { return };
    let ms = |error: Offset| format!("{:.2} ms", error.as_secs_f64() * 1e3);
    println!(
        "{:<11} {length:>6}  {good:>4}  {:>4}  {:>9}  {:>9}",
        format!("{way:?}"),
        errors.len(),
        ms(errors[(errors.len() - 1) / 2]),
        ms(*worst),
    );
}

/// A probe run with all outages of a way: the measured outages, and the gaps without an outage.
async fn run(way: Way, trials: usize, lengths: Vec<u64>) -> (Vec<Trial>, Vec<Gap>) {
    let clock = Clock::start();
    let down = Arc::new(AtomicBool::new(false));
    let listener = listen();
    let address = listener.local_addr().unwrap();
    let mut plan = StreamPlan::new("s", &format!("http://{address}/"), RATE).unwrap();
    plan.timeout = Duration::from_millis(1500);
    let (sender, shots) = mpsc::channel();
    let prober = Prober::start(vec![plan], clock, move |_, shot: Shot| {
        let _ = sender.send((shot.intended, shot.lag(), shot.outcome));
    })
    .unwrap();

    let mut serving = serve_on(&listener, &down, way);
    let mut outages = Vec::new();
    for length_ms in (0..trials).flat_map(|_| &lengths) {
        let length = Duration::from_millis(*length_ms);
        tokio::time::sleep(UP).await;
        let (from, to);
        if way == Way::Refuses {
            from = clock.now();
            // The server's next `accept` fails, and it ends.
            shutdown(&listener, Shutdown::Both).unwrap();
            precise_sleep(length).await;
            rustix::net::listen(&listener, BACKLOG).unwrap();
            to = clock.now();
            serving = serve_on(&listener, &down, way);
        } else {
            from = clock.now();
            down.store(true, Ordering::SeqCst);
            precise_sleep(length).await;
            down.store(false, Ordering::SeqCst);
            to = clock.now();
        }
        outages.push(Outage { length_ms: *length_ms, from, to });
    }
    tokio::time::sleep(UP).await;
    prober.stop().await.unwrap();
    let end = clock.now();
    serving.abort();
    let mut shots: Vec<_> = shots.try_iter().collect();
    shots.sort_unstable_by_key(|(intended, ..)| *intended);
    compare(&outages, &shots, end)
}

type Seen = (Offset, Option<Offset>, Outcome);

fn compare(outages: &[Outage], shots: &[Seen], end: Offset) -> (Vec<Trial>, Vec<Gap>) {
    let sent = shots.iter().filter(|(.., outcome)| *outcome != Outcome::Unsent);
    let mut gaps = Gaps::of(sent.map(|(at, _, outcome)| (*at, *outcome == Outcome::Ok)), end).list;
    let mut trials = Vec::new();
    for Outage { length_ms, from, to } in outages {
        let (first, last) = (*from - NEAR, *to + NEAR);
        let found: Vec<Gap> =
            gaps.extract_if(.., |gap| gap.start <= last && gap.end >= first).collect();
        let longest = found.iter().map(Gap::length).max().unwrap_or_default();
        let error = (longest - (*to - *from)).abs();
        let limit = Offset::from_secs_f64(1.0 / RATE) + Offset::from_millis(1);
        trials.push(Trial {
            length_ms: *length_ms,
            error,
            is_good: error <= limit && found.len() == 1,
            is_trusted: is_trusted(shots, *from - UP.into(), *to + UP.into()),
        });
    }
    (trials, gaps)
}

/// Whether all shots in a period were sent, and in time.
fn is_trusted(shots: &[Seen], from: Offset, to: Offset) -> bool {
    let first = shots.partition_point(|(at, ..)| *at < from);
    let last = shots.partition_point(|(at, ..)| *at <= to);
    let shots = &shots[first..last];
    let late = |lag: &Option<Offset>| lag.is_none_or(|lag| lag > Offset::from_millis(1));
    shots.iter().all(|(.., outcome)| *outcome != Outcome::Unsent)
        && shots.iter().filter(|(_, lag, _)| late(lag)).count() * 100 <= shots.len()
}

/// Tokio's sleep is up to 2 ms late.
async fn precise_sleep(length: Duration) {
    tokio::task::spawn_blocking(move || std::thread::sleep(length)).await.unwrap();
}

/// A socket keeps its port after `shutdown` only if it was bound to that port explicitly.
fn listen() -> std::net::TcpListener {
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(BACKLOG.cast_unsigned()).unwrap().into_std().unwrap()
}

fn serve_on(listener: &std::net::TcpListener, down: &Arc<AtomicBool>, way: Way) -> JoinHandle<()> {
    let listener = TcpListener::from_std(listener.try_clone().unwrap()).unwrap();
    tokio::spawn(serve(listener, Arc::clone(down), way))
}

async fn serve(listener: TcpListener, down: Arc<AtomicBool>, way: Way) {
    while let Ok((stream, _)) = listener.accept().await {
        // The instant of accepting decides; requests in flight are answered.
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
