//! What a proxy does with a request: it asks a replica of the service behind it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::answers::text;
use super::replica::{Body, Replica};
use super::upstream::Upstream;

/// Between two tries, as in the example's Caddyfile.
const TRY_EVERY: Duration = Duration::from_millis(50);
/// How long a connection may take, as in Caddy's own transport.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// Forwards a request over a new connection. A replica that refuses is passed over as long as the
/// proxy tries; a request that has been sent is not sent again.
pub(super) async fn forward(
    replica: &Arc<Replica>,
    upstream: &Upstream,
    request: Request<Incoming>,
) -> Response<Body> {
    let begun = Instant::now();
    // A proxy's waits are waits of the swarm.
    let faster = |wait: Duration| {
        Duration::try_from_secs_f64(wait.as_secs_f64() / replica.speed).unwrap_or(wait)
    };
    let stream = loop {
        match connect(replica, upstream).await {
            Some(stream) => break stream,
            None if upstream.retry_for.is_some_and(|limit| begun.elapsed() < faster(limit)) => {
                sleep(faster(TRY_EVERY)).await;
            }
            None => return text(StatusCode::BAD_GATEWAY, String::new()),
        }
    };
    // A failure only costs latency.
    let _ = stream.set_nodelay(true);
    let bad = || text(StatusCode::BAD_GATEWAY, String::new());
    let Ok((mut sender, connection)) = http1::handshake(TokioIo::new(stream)).await else {
        return bad();
    };
    tokio::spawn(async move {
        // Its failure is that of the request.
        let _ = connection.await;
    });
    let again = (request.method() == Method::GET).then(|| {
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        (uri, headers)
    });
    match sender.send_request(request).await {
        Ok(response) => response.map(BodyExt::boxed),
        // A GET may be asked for once more, of another replica.
        Err(_) if again.is_some() && upstream.retry_for.is_some() => {
            let Some((uri, headers)) = again else { return bad() };
            once_more(replica, upstream, &uri, &headers).await.unwrap_or_else(bad)
        }
        Err(_) => bad(),
    }
}

async fn once_more(
    replica: &Arc<Replica>,
    upstream: &Upstream,
    uri: &hyper::Uri,
    headers: &hyper::HeaderMap,
) -> Option<Response<Body>> {
    let stream = connect(replica, upstream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    let body = http_body_util::Empty::<bytes::Bytes>::new();
    let mut request = Request::get(uri.clone()).body(body).ok()?;
    *request.headers_mut() = headers.clone();
    let response = sender.send_request(request).await.ok()?;
    Some(response.map(BodyExt::boxed))
}

/// A connection to the next replica of the service.
async fn connect(replica: &Arc<Replica>, upstream: &Upstream) -> Option<TcpStream> {
    let networks = &replica.identity.networks;
    let found = replica.traffic.resolve(networks, &upstream.name, upstream.port);
    let address: SocketAddr = *found.get(replica.traffic.turn() % found.len().max(1))?;
    timeout(CONNECT_WITHIN, TcpStream::connect(address)).await.ok()?.ok()
}
