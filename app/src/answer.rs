//! From a request to a response: routes, methods, delays, and the headers that name the replica.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::Instant;

use crate::faults::Faults;
use crate::identity::Identity;

/// The longest delay a request can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// What the requests of this replica share.
#[derive(Debug)]
pub struct Answers {
    identity: Identity,
    faults: Faults,
    started: Instant,
    stopping: AtomicBool,
}

impl Answers {
    /// The responses of a replica that starts now.
    pub fn new(identity: Identity, faults: Faults) -> Arc<Self> {
        Arc::new(Self {
            identity,
            faults,
            started: Instant::now(),
            stopping: AtomicBool::new(false),
        })
    }

    /// From now on, each response asks the client to close the connection.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether requests get no response any more.
    pub fn drops(&self) -> bool {
        self.faults.drop_on_stop && self.stopping.load(Ordering::Relaxed)
    }

    /// Answers a request, after its body has arrived and after the delay that it asks for.
    pub async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body + Unpin,
    {
        let (parts, mut body) = request.into_parts();
        // If the body is not read, the client loses its connection.
        while let Some(Ok(_)) = body.frame().await {}
        let mut response = match Route::of(parts.uri.path()) {
            None => text(StatusCode::NOT_FOUND, "not found\n".to_owned()),
            Some(route) if !route.methods().contains(&parts.method) => {
                let mut response =
                    text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n".to_owned());
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(route.allow()));
                response
            }
            Some(Route::Health) => self.health(),
            Some(Route::Greeting) => match delay(parts.uri.query().unwrap_or_default()) {
                Err(why) => text(StatusCode::BAD_REQUEST, format!("{why}\n")),
                Ok(delay) => {
                    if delay > Duration::ZERO {
                        tokio::time::sleep(delay).await;
                    }
                    text(StatusCode::OK, self.identity.greeting.clone())
                }
            },
        };
        self.sign(&mut response);
        response
    }

    fn health(&self) -> Response<Full<Bytes>> {
        let unhealthy =
            self.faults.unhealthy_after.is_some_and(|after| self.started.elapsed() >= after);
        let (status, body) = if unhealthy {
            (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unhealthy"}"#)
        } else {
            (StatusCode::OK, r#"{"status":"ok"}"#)
        };
        respond(status, "application/json", body.into())
    }

    fn sign(&self, response: &mut Response<Full<Bytes>>) {
        let headers = response.headers_mut();
        headers.insert("x-rollproof-instance", self.identity.instance.clone());
        if let Some(slot) = &self.identity.slot {
            headers.insert("x-rollproof-slot", slot.clone());
        }
        if let Some(version) = &self.identity.version {
            headers.insert("x-rollproof-version", version.clone());
        }
        // A cached response would say nothing about the replicas.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.stopping.load(Ordering::Relaxed) {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Route {
    Greeting,
    Health,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/" | "/slow" => Some(Self::Greeting),
            "/health" => Some(Self::Health),
            _ => None,
        }
    }

    fn methods(self) -> &'static [Method] {
        match self {
            Self::Greeting => &[Method::GET, Method::HEAD, Method::POST],
            Self::Health => &[Method::GET, Method::HEAD],
        }
    }

    fn allow(self) -> &'static str {
        match self {
            Self::Greeting => "GET, HEAD, POST",
            Self::Health => "GET, HEAD",
        }
    }
}

/// The delay a query asks for: `delay=250ms` (any duration) or `ms=250`.
fn delay(query: &str) -> Result<Duration, String> {
    let mut delay = Duration::ZERO;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        delay = match key {
            "delay" => humantime::parse_duration(value).ok(),
            "ms" => value.parse().ok().map(Duration::from_millis),
            _ => continue,
        }
        .filter(|delay| *delay <= LONGEST_DELAY)
        .ok_or_else(|| {
            format!(
                "{key}={value}: expected a delay of at most {}",
                humantime::format_duration(LONGEST_DELAY)
            )
        })?;
    }
    Ok(delay)
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body.into())
}

fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(faults: Faults) -> Arc<Answers> {
        let identity = Identity::read(|name| match name {
            "HOSTNAME" => Some("c1".to_owned()),
            "ROLLPROOF_VERSION" => Some("v2".to_owned()),
            _ => None,
        });
        Answers::new(identity.unwrap(), faults)
    }

    fn ask(answers: &Answers, method: &str, target: &str) -> (Response<Full<Bytes>>, String) {
        let request =
            Request::builder().method(method).uri(target).body(Full::<Bytes>::from("x")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (parts, body) = answers.answer(request).await.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            let text = String::from_utf8(body.to_vec()).unwrap();
            (Response::from_parts(parts, Full::default()), text)
        })
    }

    #[test]
    fn each_path_accepts_only_its_methods() {
        let answers = answers(Faults::default());
        let greeting = "Hello, I'm a response from this container => c1";
        for (method, target, status, body) in [
            ("GET", "/", 200, greeting),
            ("POST", "/?delay=1ms", 200, greeting),
            ("GET", "/slow?ms=1", 200, greeting),
            ("GET", "/health", 200, r#"{"status":"ok"}"#),
            ("DELETE", "/", 405, "method not allowed\n"),
            ("POST", "/health", 405, "method not allowed\n"),
            ("GET", "/healthz", 404, "not found\n"),
            ("GET", "/?delay=soon", 400, "delay=soon: expected a delay of at most 1m\n"),
            ("GET", "/?ms=60001", 400, "ms=60001: expected a delay of at most 1m\n"),
        ] {
            let (response, text) = ask(&answers, method, target);
            assert_eq!((response.status().as_u16(), text.as_str()), (status, body), "{target}");
            assert_eq!(response.headers()["x-rollproof-instance"], "c1", "{target}");
            assert_eq!(response.headers()["x-rollproof-version"], "v2", "{target}");
            assert!(!response.headers().contains_key("x-rollproof-slot"), "{target}");
        }
    }

    #[test]
    fn a_delayed_answer_is_not_early() {
        let begun = std::time::Instant::now();
        ask(&answers(Faults::default()), "GET", "/?delay=30ms");
        assert!(begun.elapsed() >= Duration::from_millis(30));
    }

    #[test]
    fn a_stopping_replica_asks_for_the_connection_to_be_closed() {
        let answers = answers(Faults::default());
        assert!(!ask(&answers, "GET", "/").0.headers().contains_key(CONNECTION));
        answers.stop();
        assert_eq!(ask(&answers, "GET", "/").0.headers()[CONNECTION], "close");
    }

    #[test]
    fn an_unhealthy_replica_says_so_and_still_serves() {
        let faults = Faults { unhealthy_after: Some(Duration::ZERO), ..Faults::default() };
        let answers = answers(faults);
        assert_eq!(ask(&answers, "GET", "/health").0.status(), 503);
        assert_eq!(ask(&answers, "GET", "/").0.status(), 200);
    }
}
