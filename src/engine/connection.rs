//! Connections to an engine: byte streams (unix, TCP, TLS, ssh), HTTP over them, and bollard.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::DockerHost;
use crate::error::{Error, Result};

/// Any byte stream to an engine.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send {}
impl<T: AsyncRead + AsyncWrite + Send> Stream for T {}

/// Why a connection or a request failed below HTTP.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Time limit for opening a connection.
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
            let config = tls_config(ca.as_deref(), identity, *verify)?;
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            Box::pin(tls_handshake(config, host, stream).await?)
        }
        DockerHost::Ssh { target, port } => Box::pin(dial_ssh(target, *port)?),
    })
}

/// Opens an HTTP connection to an engine. A background task drives it until it is closed.
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

/// bollard over our own connections. bollard does not know docker contexts, and this way TLS and
/// ssh work the same for both clients.
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

/// Our connections need the path alone in the request line, and a `Host` header.
fn to_origin_form<B>(request: &mut Request<B>) -> Result<(), Failure> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>()?;
    request.headers_mut().insert(HOST, HeaderValue::from_static("docker"));
    Ok(())
}

fn into_bollard(failure: Failure) -> bollard::errors::Error {
    bollard::errors::Error::IOError { err: io::Error::other(failure) }
}

/// TLS settings from PEM files: the authority of the engine's certificate, and our certificate
/// with its key.
fn tls_config(
    ca: Option<&Path>,
    identity: Option<(&Path, &Path)>,
    verify: bool,
) -> Result<Arc<ClientConfig>, Failure> {
    if !verify {
        return Err("TLS without checking the engine's certificate is not supported: set DOCKER_TLS_VERIFY=1".into());
    }
    let ca = ca.ok_or("ca.pem is missing in the folder of the TLS files (DOCKER_CERT_PATH)")?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(ca)? {
        roots.add(certificate)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let key = PrivateKeyDer::from_pem_file(key)
                .map_err(|error| format!("cannot read {}: {error}", key.display()))?;
            builder.with_client_auth_cert(certificates(cert)?, key)?
        }
    };
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let read = || CertificateDer::pem_file_iter(path)?.collect::<Result<Vec<_>, _>>();
    read().map_err(|error| format!("cannot read {}: {error}", path.display()).into())
}

/// Starts TLS on a connection.
async fn tls_handshake(
    config: Arc<ClientConfig>,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Failure> {
    let name = ServerName::try_from(host.to_owned())?;
    Ok(TlsConnector::from(config).connect(name, stream).await?)
}

/// A connection through an `ssh` process, which ends with the stream.
struct SshStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    _child: Child,
}

/// Starts `ssh ... docker system dial-stdio`, as the docker CLI does. If `ssh` cannot connect, the
/// stream ends.
fn dial_ssh(target: &str, port: Option<u16>) -> io::Result<SshStream> {
    let mut command = Command::new("ssh");
    command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
    if let Some(port) = port {
        command.arg("-p").arg(port.to_string());
    }
    let mut child = command
        .args(["--", target, "docker", "system", "dial-stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()?;
    match (child.stdin.take(), child.stdout.take()) {
        (Some(stdin), Some(stdout)) => Ok(SshStream { stdin, stdout, _child: child }),
        _ => Err(io::Error::other("ssh has no pipes")),
    }
}

impl AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_read(cx, buf)
    }
}

impl AsyncWrite for SshStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdin).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_shutdown(cx)
    }
}
