use super::*;

fn pages(faults: Faults) -> Arc<Pages> {
    let identity = Identity::read(|name| match name {
        "HOSTNAME" => Some("c1".to_owned()),
        "ROLLPROOF_VERSION" => Some("v2".to_owned()),
        _ => None,
    });
    Pages::new(identity.unwrap(), faults, Services::default(), super::Routes::Plain)
}

fn ask(pages: &Pages, method: &str, target: &str) -> (Response<Full<Bytes>>, String) {
    let request =
        Request::builder().method(method).uri(target).body(Full::<Bytes>::from("x")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (parts, body) = pages.answer(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        (Response::from_parts(parts, Full::default()), text)
    })
}

#[test]
fn each_path_accepts_only_its_methods() {
    let pages = pages(Faults::default());
    let greeting = "Hello, I'm a response from this container => c1";
    for (method, target, status, body) in [
        ("GET", "/", 200, greeting),
        ("POST", "/?delay=1ms", 200, greeting),
        ("GET", "/slow?ms=1", 200, greeting),
        ("GET", "/health", 200, r#"{"message":"Application is healthy","status":"ok"}"#),
        ("DELETE", "/", 405, "method not allowed\n"),
        ("POST", "/health", 405, "method not allowed\n"),
        ("GET", "/healthz", 404, "not found\n"),
        ("GET", "/?delay=soon", 400, "delay=soon: expected a delay of at most 1m\n"),
        ("GET", "/?ms=60001", 400, "ms=60001: expected a delay of at most 1m\n"),
    ] {
        let (response, text) = ask(&pages, method, target);
        assert_eq!((response.status().as_u16(), text.as_str()), (status, body), "{target}");
        assert_eq!(response.headers()["x-rollproof-instance"], "c1", "{target}");
        assert_eq!(response.headers()["x-rollproof-version"], "v2", "{target}");
        assert!(!response.headers().contains_key("x-rollproof-slot"), "{target}");
    }
}

#[test]
fn a_delayed_answer_is_not_early() {
    let begun = std::time::Instant::now();
    ask(&pages(Faults::default()), "GET", "/?delay=30ms");
    assert!(begun.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_stopping_replica_asks_for_the_connection_to_be_closed() {
    let pages = pages(Faults::default());
    assert!(!ask(&pages, "GET", "/").0.headers().contains_key(CONNECTION));
    pages.stop();
    assert_eq!(ask(&pages, "GET", "/").0.headers()[CONNECTION], "close");
}

#[test]
fn an_unhealthy_replica_says_so_and_still_serves() {
    let faults = Faults { unhealthy_after: Some(Duration::ZERO), ..Faults::default() };
    let pages = pages(faults);
    assert_eq!(ask(&pages, "GET", "/health").0.status(), 503);
    assert_eq!(ask(&pages, "GET", "/").0.status(), 200);
}
