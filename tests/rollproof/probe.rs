//! The prober against servers that misbehave in exactly one way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod command;
mod connections;
mod held;
mod http2;
mod outcomes;
mod raw;
mod schedule;
mod tls;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rollproof::probe::{BodyExpect, Method, ProbeTotals, Prober, StreamPlan};
use rollproof::record::{Connection, Outcome, Shot, Unsent};
use rollproof::{Clock, ErrorKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Rollproof-Instance: abc\r\n\
    X-Rollproof-Slot: 3\r\nX-Rollproof-Version: v1\r\n\r\nhello";

/// Serves each connection, numbered from 0, with `serve`.
async fn server<F, S>(serve: S) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
    S: Fn(usize, TcpStream) -> F + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(number, stream));
        }
    });
    address
}

/// A server that reads requests and answers each with `answer`.
async fn answering(answer: &'static [u8]) -> SocketAddr {
    server(move |_, mut stream| async move {
        while request(&mut stream).await.is_some() {
            stream.write_all(answer).await.unwrap();
        }
    })
    .await
}

/// The head of the next request; `None` when the connection has ended.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

fn plan(address: SocketAddr) -> StreamPlan {
    let mut plan = StreamPlan::new("s", &format!("http://{address}/"), 200.0).unwrap();
    plan.shots = Some(1);
    plan
}

async fn run(plans: Vec<StreamPlan>) -> (Vec<(usize, Shot)>, Vec<ProbeTotals>) {
    let (sender, shots) = mpsc::channel();
    let sink = move |stream, shot| sender.send((stream, shot)).unwrap();
    let mut prober = Prober::start(plans, Clock::start(), sink).unwrap();
    prober.finished().await;
    let totals = prober.stop().await.unwrap();
    (shots.into_iter().collect(), totals)
}

/// The shots of one stream, in the order in which they ended.
async fn shots(plan: StreamPlan) -> Vec<Shot> {
    run(vec![plan]).await.0.into_iter().map(|(_, shot)| shot).collect()
}

async fn one(plan: StreamPlan) -> Shot {
    let mut shots = shots(plan).await;
    assert_eq!(shots.len(), 1);
    shots.remove(0)
}

async fn outcome_of(answer: &'static [u8]) -> Outcome {
    one(plan(answering(answer).await)).await.outcome
}

fn outcomes(shots: &[Shot]) -> Vec<Outcome> {
    shots.iter().map(|shot| shot.outcome).collect()
}
