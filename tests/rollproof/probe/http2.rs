//! HTTP/2: shared connections, GOAWAY and reset streams.

use hyper::Response;

use super::*;

/// What a server does with a request.
#[derive(Clone, Copy)]
enum Does {
    Answer,
    Reset,
    GoAway,
    /// Answers, and takes no more over this connection.
    AnswerThenLeave,
}

/// A server that speaks HTTP/2 without TLS and does this with the request of this number; it
/// counts its connections.
async fn speaking(does: fn(usize) -> Does) -> (SocketAddr, Arc<AtomicUsize>) {
    let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&connections);
    let address = server(move |_, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let requests = Arc::clone(&requests);
        async move {
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((request, mut answer))) = connection.accept().await {
                assert!(request.uri().to_string().starts_with("http://127.0.0.1:"));
                assert!(!request.headers().contains_key("host"));
                match does(requests.fetch_add(1, Ordering::SeqCst)) {
                    does @ (Does::Answer | Does::AnswerThenLeave) => {
                        let head = Response::builder().header("x-rollproof-instance", "abc");
                        let head = head.body(()).unwrap();
                        let mut body = answer.send_response(head, false).unwrap();
                        body.send_data("hello".into(), true).unwrap();
                        if matches!(does, Does::AnswerThenLeave) {
                            connection.graceful_shutdown();
                        }
                    }
                    Does::Reset => answer.send_reset(h2::Reason::INTERNAL_ERROR),
                    Does::GoAway => connection.abrupt_shutdown(h2::Reason::ENHANCE_YOUR_CALM),
                }
            }
        }
    })
    .await;
    (address, connections)
}

fn http2(address: SocketAddr, kept: usize, shots: u64) -> StreamPlan {
    let mut plan = plan(address);
    plan.http2 = true;
    // Slow enough that each request is over before the next, on a busy machine too.
    (plan.shots, plan.rate_hz) = (Some(shots), 5.0);
    if kept > 0 {
        (plan.connection, plan.kept) = (Connection::KeepAlive, kept);
    }
    plan.expect.body = BodyExpect::Exact("hello".into());
    plan
}

#[tokio::test]
async fn new_connections_and_kept_ones() {
    for (kept, opened) in [(0, 6), (2, 2)] {
        let (address, connections) = speaking(|_| Does::Answer).await;
        let shots = shots(http2(address, kept, 6)).await;
        assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
        assert!(shots.iter().all(|shot| shot.replica.as_deref() == Some("abc")));
        assert_eq!(connections.load(Ordering::SeqCst), opened);
        assert!(shots.iter().all(|shot| shot.reused == (kept > 0)), "{shots:?}");
    }
}

#[tokio::test]
async fn requests_that_overlap_share_the_connections_there_are() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let address = server(move |number, stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            // The first connection is used again and again before the others are there.
            if number > 0 {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            let Ok(mut connection) = h2::server::handshake(stream).await else { return };
            while let Some(Ok((_, mut answer))) = connection.accept().await {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    let mut body = answer.send_response(Response::new(()), false).unwrap();
                    let _ = body.send_data("hello".into(), true);
                });
            }
        }
    })
    .await;
    let mut plan = http2(address, 3, 200);
    plan.rate_hz = 100.0;
    let shots = shots(plan).await;
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    assert!(shots.iter().all(|shot| shot.reused), "{shots:?}");
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_reset_stream_leaves_the_connection() {
    let (address, connections) =
        speaking(|number| if number == 2 { Does::Reset } else { Does::Answer }).await;
    let shots = shots(http2(address, 1, 5)).await;
    let (ok, reset) = (Outcome::Ok, Outcome::StreamReset);
    assert_eq!(outcomes(&shots), [ok, ok, reset, ok, ok]);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn goaway_fails_the_request_and_the_connection_is_replaced() {
    let (address, connections) =
        speaking(|number| if number == 2 { Does::GoAway } else { Does::Answer }).await;
    let shots = shots(http2(address, 1, 5)).await;
    let (ok, gone) = (Outcome::Ok, Outcome::GoAway);
    assert_eq!(outcomes(&shots), [ok, ok, gone, ok, ok]);
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_takes_its_leave_loses_nothing() {
    let (address, connections) =
        speaking(|number| if number == 1 { Does::AnswerThenLeave } else { Does::Answer }).await;
    let (shots, totals) = run(vec![http2(address, 1, 5)]).await;
    assert!(shots.iter().all(|(_, shot)| shot.outcome == Outcome::Ok), "{shots:?}");
    assert_eq!((connections.load(Ordering::SeqCst), totals[0].closed_idle), (2, 1));
}

#[tokio::test]
async fn a_server_that_speaks_http1_only() {
    let shot = one(http2(answering(GOOD).await, 0, 1)).await;
    assert!(matches!(shot.outcome, Outcome::Cut | Outcome::Reset | Outcome::GoAway), "{shot:?}");
}
