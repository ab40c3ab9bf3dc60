//! Connections to an engine: byte streams, HTTP on top of them, bollard on top of that.

use std::pin::Pin;
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::{DockerHost, ssh, tls};
use crate::error::{Error, Result};

/// Any byte stream to an engine.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// Why a connection or a request failed below HTTP.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Opens a byte stream to an engine.
async fn dial(host: &DockerHost) -> Result<Pin<Box<dyn Stream>>, Failure> {
    Ok(match host {
        DockerHost::Unix(path) => Box::pin(UnixStream::connect(path).await?),
        DockerHost::Tcp { host, port } => {
            Box::pin(TcpStream::connect((host.as_str(), *port)).await?)
        }
        DockerHost::Tls { host, port, ca, identity, verify } => {
            let identity = identity.as_ref().map(|(cert, key)| (cert.as_path(), key.as_path()));
            let config = tls::client_config(ca.as_deref(), identity, *verify)?;
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            Box::pin(tls::handshake(config, host, stream).await?)
        }
        DockerHost::Ssh { target, port } => Box::pin(ssh::dial(target, *port)?),
    })
}

/// Opens an HTTP connection to an engine; its driver runs until it is closed.
pub(super) async fn open<B>(host: &DockerHost) -> Result<SendRequest<B>, Failure>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Failure>,
{
    let opening = async {
        let stream = dial(host).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection to the engine ended");
            }
        });
        Ok(sender)
    };
    match tokio::time::timeout(CONNECT_WITHIN, opening).await {
        Ok(result) => result,
        Err(_) => Err(format!("no connection within {} s", CONNECT_WITHIN.as_secs()).into()),
    }
}

/// bollard over our own connections: it lacks docker contexts, and this way TLS and ssh work
/// the same for both clients.
pub(super) fn bollard(host: &DockerHost) -> Result<Docker> {
    let host = host.clone();
    let transport = move |request: BollardRequest| {
        let host = host.clone();
        async move { send(&host, request).await.map_err(into_bollard) }
    };
    Docker::connect_with_custom_transport(
        transport,
        Some("http://docker"),
        super::ANSWER_WITHIN.as_secs(),
        API_DEFAULT_VERSION,
    )
    .map_err(|error| Error::environment("cannot make a Docker client").caused_by(error))
}

async fn send(
    host: &DockerHost,
    mut request: BollardRequest,
) -> Result<Response<Incoming>, Failure> {
    let mut sender = open(host).await?;
    to_origin_form(&mut request)?;
    Ok(sender.send_request(request).await?)
}

/// A connection of our own wants the path alone in the request line and a `Host` header.
fn to_origin_form<B>(request: &mut Request<B>) -> Result<(), Failure> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    Ok(())
}

fn into_bollard(failure: Failure) -> bollard::errors::Error {
    bollard::errors::Error::IOError { err: std::io::Error::other(failure) }
}
