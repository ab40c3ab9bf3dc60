//! Answers HTTP on one address. A client that is slow or says nothing is hung up on, so that it keeps
//! no other waiting.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// How long to wait after a failed accept, such as when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// A request must have arrived within this; a kept connection is closed after it without one.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// A connection is closed after this, whatever it does.
const CONNECTION_WITHIN: Duration = Duration::from_secs(60);
/// The most connections at a time; more wait.
const CONNECTIONS: usize = 64;

/// What is answered.
pub type Answer = Response<Full<Bytes>>;

/// Answers until it is dropped. Only `GET` and `HEAD` reach `answer`.
pub async fn serve<F, A>(listener: TcpListener, answer: F)
where
    F: Fn(Request<Incoming>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Answer> + Send,
{
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // It is never closed.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let answer = answer.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let answer = answer.clone();
            async move {
                Ok::<_, Infallible>(match *request.method() {
                    Method::GET | Method::HEAD => answer(request).await,
                    _ => with_header(
                        text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n"),
                        ALLOW,
                        HeaderValue::from_static("GET, HEAD"),
                    ),
                })
            }
        });
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST_WITHIN)
                .serve_connection(TokioIo::new(stream), service);
            // A client that disconnects or is too slow is not an error.
            let _ = timeout(CONNECTION_WITHIN, connection).await;
            drop(place);
        });
    }
}

/// An answer of this type that is not to be stored.
#[must_use]
pub fn answer(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer in plain text.
#[must_use]
pub fn text(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    answer(status, "text/plain; charset=utf-8", body)
}

/// The same answer with one more header.
#[must_use]
pub fn with_header(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}
