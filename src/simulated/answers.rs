//! What replicas answer: the example app's pages, those of a proxy's upstream, or anything at all.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use tokio::time::sleep;

use super::forward::forward;
use super::program::Kind;
use super::replica::{Body, Deed, Replica};
use super::upstream::HOST_NAME;

/// The exit code of the app when it is process 1 and aborts (`docs/app.md`).
const ABORTED: i32 = 139;
/// The longest delay that a request can ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(60);

/// No answer: the connection is closed.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated replica does not answer")
    }
}

impl std::error::Error for NoAnswer {}

/// Answers a request.
pub(super) async fn answer(
    replica: &Arc<Replica>,
    request: Request<Incoming>,
) -> Result<Response<Body>, NoAnswer> {
    if replica.drops() {
        return Err(NoAnswer);
    }
    if let Kind::Proxy(upstream) = &replica.manner.kind {
        let mut response = forward(replica, upstream, request).await;
        for (name, value) in &upstream.headers {
            let value = value.replace(HOST_NAME, &replica.identity.host);
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        return Ok(response);
    }
    let (parts, body) = request.into_parts();
    // If the body is not read, the client loses its connection.
    let _ = body.collect().await;
    let path = parts.uri.path();
    let mut response = match replica.manner.kind {
        Kind::App { playground, workers } => {
            app(
                replica,
                (playground, workers),
                &parts.method,
                path,
                parts.uri.query().unwrap_or_default(),
            )
            .await?
        }
        _ => text(StatusCode::OK, greeting(replica)),
    };
    sign(replica, &mut response);
    Ok(response)
}

async fn app(
    replica: &Replica,
    (playground, workers): (bool, bool),
    method: &Method,
    path: &str,
    query: &str,
) -> Result<Response<Body>, NoAnswer> {
    let faults = &replica.manner.faults;
    let traffic = if playground { path == "/" } else { matches!(path, "/" | "/slow" | "/tasks") };
    let posts = *method == Method::POST && traffic && !playground;
    if !posts && ![Method::GET, Method::HEAD].contains(method) {
        return Ok(text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n".into()));
    }
    if traffic {
        let number = replica.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if faults.crash_on_request == Some(number) {
            replica.act(Deed::Exit(faults.crash_exit_code.unwrap_or(1)));
            return Err(NoAnswer);
        }
        if is_hit(number, faults.answer_share) {
            sleep(faults.answer_delay).await;
            if let Some(status) = faults.answer_status {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
                return Ok(text(status, format!("{status} because of ROLLPROOF_ANSWER_STATUS\n")));
            }
        }
    }
    let host = &replica.identity.host;
    let poisoned = replica.poisoned.load(Ordering::Relaxed);
    Ok(match path {
        "/" if playground && poisoned => text(StatusCode::GONE, format!("{host} is sick\n")),
        "/" | "/slow" if path == "/" || !playground => {
            sleep(delay(query)).await;
            text(StatusCode::OK, greeting(replica))
        }
        "/health" => health(replica).await,
        "/_healthz/livez/" => text(StatusCode::OK, "ok\n".into()),
        "/_healthz/" | "/_healthz/readyz/" => {
            let well = health(replica).await.status().is_success();
            let status = if well { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
            text(status, format!("{status}\n"))
        }
        "/metrics" => {
            let well = u8::from(sick(replica).is_none());
            text(StatusCode::OK, format!("node_health{{node=\"{host}\"}} {well}\n"))
        }
        "/tasks" if !playground => text(StatusCode::OK, "0 waiting, 0 done\n".into()),
        "/status" if playground => {
            let hits = replica.requests.load(Ordering::Relaxed);
            page(StatusCode::OK, &json!({"node": host, "hits": hits, "healthy": !poisoned}))
        }
        "/poison" if playground => {
            if !replica.poisoned.swap(true, Ordering::Relaxed) {
                replica.act(Deed::Sick);
            }
            text(StatusCode::OK, format!("I'm {host} and I don't feel well\n"))
        }
        "/die" if playground => {
            if workers {
                return Err(NoAnswer);
            }
            replica.act(Deed::Exit(ABORTED));
            return Err(NoAnswer);
        }
        _ => text(StatusCode::NOT_FOUND, "not found\n".into()),
    })
}

async fn health(replica: &Replica) -> Response<Body> {
    let delay = replica.manner.faults.health_delay.to_duration().as_secs_f64() / replica.speed;
    sleep(Duration::try_from_secs_f64(delay).unwrap_or_default()).await;
    if let Some(reason) = sick(replica) {
        let body = json!({"reason": reason, "status": "error"});
        return page(StatusCode::SERVICE_UNAVAILABLE, &body);
    }
    let body = json!({"message": "Application is healthy", "status": "ok"});
    page(StatusCode::OK, &body)
}

/// Why health checks fail, if they do.
fn sick(replica: &Replica) -> Option<&'static str> {
    let (faults, age) = (&replica.manner.faults, replica.age());
    if replica.poisoned.load(Ordering::Relaxed) {
        return Some("poisoned");
    }
    if age < faults.ready_after.as_secs_f64() {
        return Some("not ready because of ROLLPROOF_READY_AFTER");
    }
    let sick = faults.unhealthy_after.is_some_and(|after| age >= after.as_secs_f64());
    sick.then_some("unhealthy because of ROLLPROOF_UNHEALTHY_AFTER")
}

/// Whether the share of requests that a fault is for has this one in it: as evenly as it can be.
#[expect(clippy::cast_precision_loss, reason = "a number of requests")]
fn is_hit(number: u64, share: Option<f64>) -> bool {
    share
        .is_none_or(|share| (number as f64 * share).floor() > ((number - 1) as f64 * share).floor())
}

/// The delay that a query asks for: `delay=250ms` or `ms=250`.
fn delay(query: &str) -> Duration {
    let of = |pair: &str| match pair.split_once('=')? {
        ("delay", text) => humantime::parse_duration(text).ok(),
        ("ms", text) => text.parse().ok().map(Duration::from_millis),
        _ => None,
    };
    query.split('&').find_map(of).unwrap_or_default().min(LONGEST_DELAY)
}

fn greeting(replica: &Replica) -> String {
    format!("Hello, I'm a response from this container => {}", replica.identity.host)
}

/// Every response names its replica.
fn sign(replica: &Replica, response: &mut Response<Body>) {
    let env = |name: &str| replica.manner.env.get(name).map(String::as_str).unwrap_or_default();
    let values = [
        ("x-rollproof-instance", replica.identity.host.as_str()),
        ("x-rollproof-slot", env("ROLLPROOF_SLOT")),
        ("x-rollproof-version", env("ROLLPROOF_VERSION")),
    ];
    let headers = response.headers_mut();
    if matches!(replica.manner.kind, Kind::App { .. }) {
        for (name, value) in values.into_iter().filter(|(_, value)| !value.is_empty()) {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if replica.stopping.load(Ordering::Relaxed) {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// An answer in plain text.
pub(super) fn text(status: StatusCode, body: String) -> Response<Body> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn page(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    respond(status, "application/json", body.to_string())
}

fn respond(status: StatusCode, kind: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_requests_is_hit_evenly() {
        let hits = |share| (1..=10).filter(|number| is_hit(*number, share)).count();
        assert_eq!([hits(None), hits(Some(0.0)), hits(Some(0.3)), hits(Some(1.0))], [10, 0, 3, 10]);
    }

    #[test]
    fn a_request_can_ask_for_a_delay() {
        assert_eq!(delay("delay=250ms"), Duration::from_millis(250));
        assert_eq!(delay("a=b&ms=40"), Duration::from_millis(40));
        assert_eq!(delay("delay=1h"), LONGEST_DELAY);
        assert_eq!(delay(""), Duration::ZERO);
    }
}
