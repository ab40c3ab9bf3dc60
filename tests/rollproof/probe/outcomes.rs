//! Each way in which a request can end.

use super::*;

#[tokio::test]
async fn a_good_response_is_recorded_with_its_times_and_replica() {
    let shot = one(plan(answering(GOOD).await)).await;
    assert_eq!(shot.outcome, Outcome::Ok);
    assert_eq!((shot.status, shot.slot, shot.reused), (Some(200), Some(3), false));
    assert_eq!((shot.replica.as_deref(), shot.version.as_deref()), (Some("abc"), Some("v1")));
    let times = [Some(shot.intended), shot.sent, shot.connected, shot.first_byte, shot.done];
    assert!(times.iter().all(Option::is_some), "{shot:?}");
    assert!(times.is_sorted(), "{shot:?}");
}

#[tokio::test]
async fn the_request_matches_the_plan() {
    let (heads, mut received) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |_, mut stream| {
        let heads = heads.clone();
        async move {
            let head = request(&mut stream).await.unwrap();
            let mut body = [0; 3];
            stream.read_exact(&mut body).await.unwrap();
            heads.send((head, body)).unwrap();
            stream.write_all(GOOD).await.unwrap();
        }
    })
    .await;
    let mut plan = StreamPlan::new("s", &format!("http://{address}/a?b=c"), 10.0).unwrap();
    plan.shots = Some(1);
    plan.method = Method::Post;
    plan.body = "xyz".into();
    plan.header("Host", "web.example").unwrap();
    plan.header("X-Mine", "1").unwrap();
    assert_eq!(one(plan).await.outcome, Outcome::Ok);
    let (head, body) = received.recv().await.unwrap();
    let head = head.to_ascii_lowercase();
    assert!(head.starts_with("post /a?b=c http/1.1\r\n"), "{head}");
    for line in ["host: web.example", "x-mine: 1", "connection: close", "content-length: 3"] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line} in {head}");
    }
    assert_eq!(&body, b"xyz");
}

#[tokio::test]
async fn head_and_post_are_answered_like_get() {
    let mut head = plan(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").await);
    head.method = Method::Head;
    assert_eq!(one(head).await.outcome, Outcome::Ok);
    let mut post = plan(answering(GOOD).await);
    post.method = Method::Post;
    assert_eq!(one(post).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn refused_connections() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let shot = one(plan(address)).await;
    assert_eq!(shot.outcome, Outcome::Refused);
    assert!(shot.sent.is_some() && shot.done.is_some());
    assert_eq!((shot.connected, shot.first_byte), (None, None));
}

#[tokio::test]
async fn no_route() {
    let shot = one(plan("255.255.255.255:80".parse().unwrap())).await;
    assert_eq!(shot.outcome, Outcome::NoRoute);
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let mut plan = StreamPlan::new("s", "http://name.invalid/", 10.0).unwrap();
    plan.shots = Some(1);
    assert_eq!(one(plan).await.outcome, Outcome::NameLookup);
}

#[tokio::test]
async fn a_name_is_resolved() {
    let port = answering(GOOD).await.port();
    let mut plan = StreamPlan::new("s", &format!("http://localhost:{port}/"), 10.0).unwrap();
    plan.shots = Some(1);
    assert_eq!(one(plan).await.outcome, Outcome::Ok);
}

#[tokio::test]
async fn a_full_backlog_is_a_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Nothing is accepted: the third and later connections get no response to their SYN.
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        fillers.push(filler);
    }
    let mut plan = plan(address);
    plan.connect_timeout = Duration::from_millis(200);
    let shot = one(plan).await;
    assert_eq!((shot.outcome, shot.connected), (Outcome::ConnectTimeout, None));
    drop(listener);
}

#[tokio::test]
async fn a_lost_syn_is_a_late_response_of_the_network() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) =
        tokio::time::timeout(Duration::from_millis(300), TcpStream::connect(address)).await
    {
        fillers.push(filler);
    }
    // The kernel drops the first SYN, and has room for the second, one second later.
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                if request(&mut stream).await.is_some() {
                    stream.write_all(GOOD).await.unwrap();
                }
            });
        }
    });
    let shot = one(plan(address)).await;
    assert_eq!((shot.outcome, shot.syn_resent), (Outcome::Late, Some(1)), "{shot:?}");
    assert!(shot.latency().unwrap() >= Duration::from_secs(1).into(), "{shot:?}");
}

#[tokio::test]
async fn closed_or_reset_before_the_first_byte() {
    let closes = server(|_, stream| async move { drop(stream) }).await;
    let closes_after_reading = server(|_, mut stream| async move {
        request(&mut stream).await;
    })
    .await;
    let resets = server(|_, mut stream| async move {
        request(&mut stream).await;
        stream.set_zero_linger().unwrap();
    })
    .await;
    for address in [closes, closes_after_reading, resets] {
        let shot = one(plan(address)).await;
        assert_eq!((shot.outcome, shot.first_byte), (Outcome::Reset, None), "{shot:?}");
    }
}

#[tokio::test]
async fn cut_in_the_head_or_the_body() {
    let answers: [&[u8]; 4] = [
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"this is not HTTP\r\n\r\n",
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        for reset in [false, true] {
            let address = server(move |_, mut stream| async move {
                request(&mut stream).await;
                stream.write_all(answer).await.unwrap();
                if reset {
                    // A reset discards what the peer has not read yet.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    stream.set_zero_linger().unwrap();
                }
            })
            .await;
            let shot = one(plan(address)).await;
            assert_eq!(shot.outcome, Outcome::Cut, "{number} {reset} {shot:?}");
            assert!(shot.first_byte.is_some());
        }
    }
}

#[tokio::test]
async fn a_response_that_never_comes_or_never_ends() {
    let answers: [&[u8]; 3] =
        [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"];
    for answer in answers {
        let address = server(move |_, mut stream| async move {
            request(&mut stream).await;
            stream.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        })
        .await;
        let mut plan = plan(address);
        plan.deadline = Duration::from_millis(200);
        plan.timeout = Duration::from_millis(800);
        let shot = one(plan).await;
        assert_eq!(shot.outcome, Outcome::Timeout);
        assert_eq!(shot.first_byte.is_some(), !answer.is_empty());
        assert!(shot.latency().unwrap() >= Duration::from_millis(800).into());
    }
}

#[tokio::test]
async fn a_good_response_after_the_deadline_is_late() {
    let address = server(|_, mut stream| async move {
        request(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(GOOD).await.unwrap();
    })
    .await;
    let mut plan = plan(address);
    plan.deadline = Duration::from_millis(200);
    let shot = one(plan.clone()).await;
    assert_eq!((shot.outcome, shot.status), (Outcome::Late, Some(200)));
    assert_eq!(shot.replica.as_deref(), Some("abc"));
    // A wrong response stays wrong, however late it is.
    plan.expect.status = Some(204);
    assert_eq!(one(plan).await.outcome, Outcome::WrongStatus);
}

#[tokio::test]
async fn server_errors_are_distinguished() {
    for (status, from_app, wanted) in [
        (502, false, Outcome::Proxy502),
        (503, false, Outcome::Proxy503),
        (504, false, Outcome::Proxy504),
        (500, false, Outcome::AppError),
        (502, true, Outcome::AppError),
        (503, true, Outcome::AppError),
    ] {
        let mark = if from_app { "X-Rollproof-Instance: abc\r\n" } else { "" };
        let answer = format!("HTTP/1.1 {status} No\r\nContent-Length: 0\r\n{mark}\r\n");
        let shot = one(plan(answering(answer.leak().as_bytes()).await)).await;
        assert_eq!((shot.outcome, shot.status), (wanted, Some(status)), "{from_app}");
    }
}

#[tokio::test]
async fn an_unmarked_500_is_not_the_applications_after_a_marked_response() {
    let address = server(|number, mut stream| async move {
        request(&mut stream).await;
        let unmarked = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(if number == 1 { GOOD } else { unmarked }).await.unwrap();
    })
    .await;
    let mut plan = plan(address);
    (plan.shots, plan.rate_hz) = (Some(3), 20.0);
    let wanted = [Outcome::AppError, Outcome::Ok, Outcome::WrongStatus];
    assert_eq!(outcomes(&shots(plan).await), wanted);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let followed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&followed);
    let elsewhere = server(move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        async {}
    })
    .await;
    let answer =
        format!("HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n");
    let shot = one(plan(answering(answer.leak().as_bytes()).await)).await;
    assert_eq!((shot.outcome, shot.status), (Outcome::WrongStatus, Some(302)));
    assert_eq!(followed.load(Ordering::SeqCst), 0);
}

/// Only what is not as expected is kept: a record of good requests does not grow.
#[tokio::test]
async fn the_beginning_of_a_wrong_body_is_kept() {
    let good = one(plan(answering(GOOD).await)).await;
    assert_eq!(good.body, None);
    assert!(!serde_json::to_string(&good).unwrap().contains("body"));
    let mut strict = plan(answering(GOOD).await);
    strict.expect.body = BodyExpect::Exact("hell".into());
    let shot = one(strict).await;
    assert_eq!((shot.outcome, shot.body.as_deref()), (Outcome::WrongBody, Some("hello")));
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 14\r\n\r\nno such\n  page";
    let shot = one(plan(answering(missing).await)).await;
    assert_eq!((shot.outcome, shot.body.as_deref()), (Outcome::WrongStatus, Some("no such page")));
    let line = serde_json::to_string(&shot).unwrap();
    assert_eq!(serde_json::from_str::<Shot>(&line).unwrap().body, shot.body);
    let empty = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(one(plan(answering(empty).await)).await.body, None);
}

#[tokio::test]
async fn body_and_version_are_compared() {
    let address = answering(GOOD).await;
    let of = |change: fn(&mut StreamPlan)| {
        let mut plan = plan(address);
        change(&mut plan);
        async { one(plan).await.outcome }
    };
    assert_eq!(of(|p| p.expect.body = BodyExpect::Exact("hello".into())).await, Outcome::Ok);
    assert_eq!(of(|p| p.expect.body = BodyExpect::Prefix("he".into())).await, Outcome::Ok);
    let wrong = of(|p| p.expect.body = BodyExpect::Exact("hell".into())).await;
    assert_eq!(wrong, Outcome::WrongBody);
    let wrong = of(|p| p.expect.body = BodyExpect::Prefix("hi".into())).await;
    assert_eq!(wrong, Outcome::WrongBody);
    assert_eq!(of(|p| p.expect.versions = vec!["v1".into()]).await, Outcome::Ok);
    let header = |value: &str| vec![("x-ROLLPROOF-version".to_owned(), value.to_owned())];
    let mut marked = plan(address);
    marked.expect.headers = header("v1");
    assert_eq!(one(marked).await.outcome, Outcome::Ok);
    let mut marked = plan(address);
    marked.expect.headers = header("v2");
    assert_eq!(one(marked).await.outcome, Outcome::WrongHeader);
    let wrong = of(|p| p.expect.versions = vec!["v2".into()]).await;
    assert_eq!(wrong, Outcome::WrongVersion);
    // A response without a version does not have the expected one.
    let mut unmarked = plan(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await);
    unmarked.expect.versions = vec!["v1".into()];
    assert_eq!(one(unmarked).await.outcome, Outcome::WrongVersion);
}

#[tokio::test]
async fn bodies_of_all_kinds_are_read_to_their_end() {
    let chunked =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
    assert_eq!(outcome_of(chunked).await, Outcome::Ok);
    let until_close = server(|_, mut stream| async move {
        request(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nhello").await.unwrap();
    })
    .await;
    let mut plan = plan(until_close);
    plan.expect.body = BodyExpect::Exact("hello".into());
    assert_eq!(one(plan).await.outcome, Outcome::Ok);
    let interim = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(outcome_of(interim).await, Outcome::Ok);
}
