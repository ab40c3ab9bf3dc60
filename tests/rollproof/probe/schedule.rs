//! The schedule, its holes, and its end.

use super::*;

#[tokio::test]
async fn the_schedule_continues_whatever_happens_and_holes_are_counted() {
    let address = server(|_, mut stream| async move {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let mut plan = plan(address);
    (plan.shots, plan.rate_hz) = (Some(20), 200.0);
    plan.max_in_flight = Some(5);
    // Far apart, so that a stall of a busy machine cannot be mistaken for a silent server.
    plan.deadline = Duration::from_millis(500);
    plan.timeout = Duration::from_secs(2);
    let (shots, totals) = run(vec![plan]).await;
    let mut shots: Vec<Shot> = shots.into_iter().map(|(_, shot)| shot).collect();
    // The holes are known immediately, the others when their time is over.
    assert!(shots[..15].iter().all(|shot| shot.outcome == Outcome::Unsent));
    assert!(shots[15..].iter().all(|shot| shot.outcome == Outcome::Timeout));
    assert_eq!((totals[0].sent, totals[0].unsent.of(Unsent::NoSlot)), (5, 15));
    shots.sort_by_key(|shot| shot.intended);
    let steps: Vec<i64> =
        shots.windows(2).map(|pair| (pair[1].intended - pair[0].intended).as_nanos()).collect();
    assert_eq!(steps, [5_000_000; 19]);
    assert!(shots[..5].iter().all(|shot| shot.outcome == Outcome::Timeout));
}

#[tokio::test]
async fn streams_do_not_disturb_each_other() {
    let mut good = plan(answering(GOOD).await);
    (good.name, good.shots) = ("good".into(), Some(50));
    let hangs = server(|_, stream| async move {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let mut hangs = plan(hangs);
    (hangs.name, hangs.shots) = ("hangs".into(), Some(50));
    hangs.deadline = Duration::from_millis(500);
    hangs.timeout = Duration::from_secs(2);
    let (shots, totals) = run(vec![good, hangs]).await;
    assert_eq!(totals.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["good", "hangs"]);
    assert_eq!((totals[0].sent, totals[1].sent), (50, 50));
    for (stream, shot) in &shots {
        let wanted = [Outcome::Ok, Outcome::Timeout][*stream];
        assert_eq!(shot.outcome, wanted);
    }
    assert_eq!(totals[0].lag.len(), 50);
}

#[tokio::test]
async fn stopping_waits_for_requests_in_flight() {
    let address = server(|_, mut stream| async move {
        request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        stream.write_all(GOOD).await.unwrap();
    })
    .await;
    let mut plan = plan(address);
    plan.shots = None;
    let (sender, shots) = mpsc::channel();
    let prober = Prober::start(vec![plan], Clock::start(), move |_, shot: Shot| {
        sender.send(shot).unwrap();
    })
    .unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let totals = prober.stop().await.unwrap();
    let shots: Vec<Shot> = shots.into_iter().collect();
    assert!(totals[0].sent > 0);
    assert_eq!(shots.len() as u64, totals[0].sent);
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
}

#[tokio::test]
async fn a_panicking_sink_is_an_error() {
    let plan = plan(answering(GOOD).await);
    let prober = Prober::start(vec![plan], Clock::start(), |_, _| panic!("on purpose")).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(prober.stop().await.unwrap_err().kind(), ErrorKind::Environment);
}

#[tokio::test]
async fn impossible_plans_are_refused_at_the_start() {
    let start = |plan| Prober::start(vec![plan], Clock::start(), |_, _| {}).unwrap_err();
    let mut plan = plan("127.0.0.1:1".parse().unwrap());
    plan.rate_hz = -1.0;
    assert_eq!(start(plan.clone()).kind(), ErrorKind::Usage);
    plan.rate_hz = 1.0;
    // An address from the documentation range, which no machine has.
    plan.source = Some("192.0.2.77".parse().unwrap());
    assert_eq!(start(plan).kind(), ErrorKind::Environment);
}
