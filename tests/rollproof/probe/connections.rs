//! Connections that are kept.

use super::*;

#[tokio::test]
async fn connections_are_kept_and_used_in_turn() {
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
    let mut plan = plan(address);
    (plan.connection, plan.kept) = (Connection::KeepAlive, 3);
    (plan.shots, plan.rate_hz) = (Some(9), 50.0);
    let shots = shots(plan).await;
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    let reused: Vec<bool> = shots.iter().map(|shot| shot.reused).collect();
    assert_eq!(reused, [false, false, false, true, true, true, true, true, true]);
    assert!(shots.iter().all(|shot| shot.reused == shot.connected.is_none()));
    assert_eq!(opened.load(Ordering::SeqCst), 3);
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
    (plan.shots, plan.rate_hz) = (Some(4), 20.0);
    let shots = shots(plan).await;
    let wanted = [Outcome::Ok, Outcome::Reset, Outcome::Ok, Outcome::Ok];
    assert_eq!(outcomes(&shots), wanted);
    assert_eq!(
        shots.iter().map(|shot| shot.reused).collect::<Vec<_>>(),
        [false, true, false, true]
    );
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
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok && !shot.reused), "{shots:?}");
    assert_eq!((shots.len(), totals[0].closed_idle), (3, 2));
}
