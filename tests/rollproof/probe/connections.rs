//! Connections that are kept.

use super::*;

/// A server that answers over kept connections, and how many it has.
async fn keeping() -> (SocketAddr, Arc<AtomicUsize>) {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let address = server(move |_, mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            while request(&mut stream).await.is_some() {
                stream.write_all(GOOD).await.unwrap();
            }
        }
    })
    .await;
    (address, opened)
}

fn kept(address: SocketAddr, kept: usize, rate_hz: f64, shots: u64) -> StreamPlan {
    let mut plan = plan(address);
    (plan.connection, plan.kept) = (Connection::KeepAlive, kept);
    (plan.shots, plan.rate_hz) = (Some(shots), rate_hz);
    plan
}

#[tokio::test]
async fn connections_are_kept_and_used_in_turn() {
    // So slow that the third would wait for a request for more than a second.
    let (address, opened) = keeping().await;
    let shots = shots(kept(address, 3, 2.5, 6)).await;
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    let reused: Vec<bool> = shots.iter().map(|shot| shot.reused).collect();
    assert_eq!(reused, [false, false, false, true, true, true]);
    assert!(shots.iter().all(|shot| shot.reused == shot.connected.is_none()));
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn connections_are_open_before_the_first_request_is_due() {
    let (address, opened) = keeping().await;
    let (shots, totals) = run(vec![kept(address, 20, 100.0, 60)]).await;
    let shots: Vec<&Shot> = shots.iter().map(|(_, shot)| shot).collect();
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    assert!(shots.iter().all(|shot| shot.reused && shot.connected.is_none()), "{shots:?}");
    assert_eq!((opened.load(Ordering::SeqCst), totals[0].opened), (20, 20));
    let mut intended: Vec<i64> = shots.iter().map(|shot| shot.intended.as_nanos()).collect();
    intended.sort_unstable();
    assert!(intended.windows(2).all(|pair| pair[1] - pair[0] == 10_000_000), "{intended:?}");
}

#[tokio::test]
async fn a_target_that_is_not_there_yet_is_asked_on_schedule() {
    let reserved = TcpSocket::new_v4().unwrap();
    reserved.set_reuseaddr(true).unwrap();
    reserved.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = reserved.local_addr().unwrap();
    let (sender, ended) = mpsc::channel();
    let sink = move |_, shot: Shot| sender.send(shot).unwrap();
    let plan = kept(address, 5, 50.0, 50);
    let mut prober = Prober::start(vec![plan], Clock::start(), sink).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let listener = reserved.listen(64).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                while request(&mut stream).await.is_some() {
                    stream.write_all(GOOD).await.unwrap();
                }
            });
        }
    });
    prober.finished().await;
    let totals = prober.stop().await.unwrap();
    let shots: Vec<Shot> = ended.into_iter().collect();
    let up = shots.iter().position(|shot| shot.outcome == Outcome::Ok).unwrap();
    assert!(up > 0 && shots[..up].iter().all(|shot| shot.outcome == Outcome::Refused), "{shots:?}");
    assert!(shots[up..].iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    assert_eq!((totals[0].sent, totals[0].unsent.total()), (50, 0));
    assert_eq!(shots.iter().filter(|shot| shot.connected.is_some()).count(), 5);
}

/// A server that shakes no hands holds all schedules up, but not for ever. What another server closes
/// meanwhile is known before it is used.
#[tokio::test]
async fn a_connection_that_was_closed_before_its_first_request_is_replaced() {
    let hangs = server(|_, stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let closes = server(|number, mut stream| async move {
        if number < 3 {
            return tokio::time::sleep(Duration::from_millis(50)).await;
        }
        while request(&mut stream).await.is_some() {
            stream.write_all(GOOD).await.unwrap();
        }
    })
    .await;
    let mut hanging = StreamPlan::new("hanging", &format!("https://{hangs}/"), 5.0).unwrap();
    (hanging.connection, hanging.kept, hanging.shots) = (Connection::KeepAlive, 2, Some(2));
    (hanging.deadline, hanging.timeout) = (Duration::from_millis(100), Duration::from_millis(500));
    let (shots, totals) = run(vec![hanging, kept(closes, 3, 20.0, 12)]).await;
    let of = |stream| shots.iter().filter(move |(of, _)| *of == stream).map(|(_, shot)| shot);
    assert!(of(0).all(|shot| shot.outcome == Outcome::Timeout && !shot.reused), "{shots:?}");
    assert!(of(1).all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    assert_eq!((of(0).count(), of(1).count()), (2, 12));
    assert_eq!((totals[1].opened, totals[1].closed_idle), (6, 3));
}

#[tokio::test]
async fn a_reset_on_a_kept_connection_is_a_failure_and_not_retried() {
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    let address = server(move |number, mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            request(&mut stream).await;
            stream.write_all(GOOD).await.unwrap();
            // The next request is read, and then the connection dies.
            if request(&mut stream).await.is_some() && number == 0 {
                stream.set_zero_linger().unwrap();
            } else {
                stream.write_all(GOOD).await.unwrap();
            }
        }
    })
    .await;
    let mut plan = plan(address);
    (plan.connection, plan.kept) = (Connection::KeepAlive, 1);
    // Slow enough that each request is over before the next, on a busy machine too.
    (plan.shots, plan.rate_hz) = (Some(4), 5.0);
    let shots = shots(plan).await;
    let wanted = [Outcome::Ok, Outcome::Reset, Outcome::Ok, Outcome::Ok];
    assert_eq!(outcomes(&shots), wanted);
    assert_eq!(shots.iter().map(|shot| shot.reused).collect::<Vec<_>>(), [true, true, false, true]);
    assert_eq!(opened.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_replaced() {
    let ended = Arc::new(tokio::sync::Notify::new());
    let may_close = Arc::clone(&ended);
    let address = server(move |_, mut stream| {
        let may_close = Arc::clone(&may_close);
        async move {
            request(&mut stream).await;
            stream.write_all(GOOD).await.unwrap();
            may_close.notified().await;
        }
    })
    .await;
    let mut plan = plan(address);
    (plan.connection, plan.kept) = (Connection::KeepAlive, 1);
    (plan.shots, plan.rate_hz) = (Some(3), 5.0);
    let (sender, shots) = mpsc::channel();
    let sink = move |_, shot: Shot| {
        sender.send(shot).unwrap();
        ended.notify_one();
    };
    let mut prober = Prober::start(vec![plan], Clock::start(), sink).unwrap();
    prober.finished().await;
    let totals = prober.stop().await.unwrap();
    let shots: Vec<Shot> = shots.into_iter().collect();
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    let reused: Vec<bool> = shots.iter().map(|shot| shot.reused).collect();
    assert_eq!(reused, [true, false, false]);
    assert_eq!((totals[0].opened, totals[0].closed_idle), (3, 2));
}
