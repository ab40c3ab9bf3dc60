//! Services that speak something else than HTTP.

use super::*;

fn tcp(address: SocketAddr, words: &'static str, expect: BodyExpect) -> StreamPlan {
    let mut plan = StreamPlan::new("s", &format!("tcp://{address}"), 10.0).unwrap();
    (plan.shots, plan.timeout) = (Some(1), Duration::from_secs(3));
    (plan.body, plan.expect.body) = (words.into(), expect);
    plan
}

/// A server that answers a line `PING` with `+PONG`, in two pieces, and anything else not at all.
async fn redis() -> SocketAddr {
    server(|_, mut stream| async move {
        let mut line = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            line.push(byte);
            if line.ends_with(b"PING\r\n") {
                line.clear();
                stream.write_all(b"+PO").await.unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
                stream.write_all(b"NG\r\n").await.unwrap();
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_connection_alone_is_good_and_a_refused_one_is_not() {
    let address = redis().await;
    let shot = one(tcp(address, "", BodyExpect::Any)).await;
    assert_eq!((shot.outcome, shot.first_byte), (Outcome::Ok, None));
    assert!(shot.connected.is_some());
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(one(tcp(gone, "", BodyExpect::Any)).await.outcome, Outcome::Refused);
}

#[tokio::test]
async fn what_is_said_is_answered_as_expected() {
    let address = redis().await;
    let pong = |text: &str| BodyExpect::Exact(text.into());
    for (expect, wanted) in [
        (pong("+PONG\r\n"), Outcome::Ok),
        (BodyExpect::Prefix("+PONG".into()), Outcome::Ok),
        (BodyExpect::Regex("^.P.NG".into()), Outcome::Ok),
        (BodyExpect::Any, Outcome::Ok),
        (pong("-ERR"), Outcome::WrongBody),
        (BodyExpect::Regex("never".into()), Outcome::Timeout),
    ] {
        let shot = one(tcp(address, "PING\r\n", expect.clone())).await;
        assert_eq!(shot.outcome, wanted, "{expect:?}");
    }
    let mut kept = tcp(address, "PING\r\n", pong("+PONG\r\n"));
    (kept.connection, kept.kept) = (Connection::KeepAlive, 1);
    (kept.shots, kept.rate_hz) = (Some(3), 5.0);
    let shots = shots(kept).await;
    assert!(shots.iter().all(|shot| shot.outcome == Outcome::Ok), "{shots:?}");
    assert!(shots.iter().all(|shot| shot.reused), "{shots:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off() {
    for (answer, wanted) in [(&b""[..], Outcome::Reset), (b"+PO", Outcome::Cut)] {
        let address = server(move |_, mut stream| async move {
            let mut words = [0; 6];
            let _ = stream.read_exact(&mut words).await;
            let _ = stream.write_all(answer).await;
        })
        .await;
        let plan = tcp(address, "PING\r\n", BodyExpect::Exact("+PONG\r\n".into()));
        assert_eq!(one(plan).await.outcome, wanted);
    }
}
