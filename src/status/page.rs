//! The pages of the status service: `/` for load balancers, `/status.json` for programs.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::board::Board;
use super::lock;

/// How long to wait after a failed accept, such as when there are no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, board: Arc<Mutex<Board>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let board = Arc::clone(&board);
        let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
            let answer = answer(request.method(), request.uri().path(), &lock(&board));
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(async move {
            // A client that disconnects is not an error.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(method: &Method, path: &str, board: &Board) -> Response<Full<Bytes>> {
    let well = if board.is_well() { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR };
    let (status, kind, body) = match path {
        "/" | "/status.json" if !matches!(*method, Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET only\n".to_owned())
        }
        "/" => (well, "text/plain", if well.is_success() { "OK" } else { "Fail" }.to_owned()),
        "/status.json" => (well, "application/json", board.to_json().to_string()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
