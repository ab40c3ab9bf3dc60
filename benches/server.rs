//! The server for the benchmarks: one thread, loopback only, one fixed response. It speaks HTTP/1.1
//! and HTTP/2, without TLS and with a certificate of its own, which it writes to the file that is named
//! as its argument. It prints its two URLs and runs until its standard input is closed.

use std::io::{Error, Read};
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::NoServerSessionStorage;

const BODY: &str = "Hello, I'm a response from this container => bench";

/// What a client of HTTP/2 says first (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let plain = TcpListener::bind("127.0.0.1:0").await?;
    let secure = TcpListener::bind("127.0.0.1:0").await?;
    let acceptor = TlsAcceptor::from(Arc::new(tls().map_err(Error::other)?));
    println!("http://{}/ https://{}/", plain.local_addr()?, secure.local_addr()?);
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        tokio::select! {
            accepted = plain.accept() => {
                let stream = accepted?.0;
                // A client that disconnects is not an error.
                tokio::spawn(async move { speak(stream).await });
            }
            accepted = secure.accept() => {
                let (stream, acceptor) = (accepted?.0, acceptor.clone());
                tokio::spawn(async move {
                    stream.set_nodelay(true)?;
                    let stream = acceptor.accept(stream).await?;
                    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    if http2 { many(stream).await } else { one_by_one(stream).await }
                });
            }
        }
    }
}

/// A new key and certificate for each run.
fn tls() -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    if let Some(file) = std::env::args().nth(1).filter(|file| !file.starts_with('-')) {
        std::fs::write(file, made.cert.pem())?;
    }
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    // Each new connection is a new user's, for every client: none resumes a session.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// The protocol is what the client begins with.
async fn speak(stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut begin = [0; 4];
    // The first segment holds more than this.
    stream.peek(&mut begin).await?;
    if begin == PREFACE[..4] { many(stream).await } else { one_by_one(stream).await }
}

/// HTTP/1.1.
async fn one_by_one(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    loop {
        head.clear();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut head).await? == 0 {
                return Ok(());
            }
        }
        let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let close = text.contains("\r\nconnection: close");
        let connection = if close { "close" } else { "keep-alive" };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: {connection}\r\n\
             X-Rollproof-Instance: bench\r\nX-Rollproof-Version: v1\r\n\r\n{BODY}",
            BODY.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        if close {
            return stream.shutdown().await;
        }
    }
}

/// HTTP/2.
async fn many(stream: impl AsyncRead + AsyncWrite + Unpin) -> std::io::Result<()> {
    let mut connection = h2::server::handshake(stream).await.map_err(Error::other)?;
    while let Some(request) = connection.accept().await {
        let (_, mut respond) = request.map_err(Error::other)?;
        let response = hyper::Response::builder()
            .header("x-rollproof-instance", "bench")
            .header("x-rollproof-version", "v1")
            .body(())
            .map_err(Error::other)?;
        let mut body = respond.send_response(response, false).map_err(Error::other)?;
        body.send_data(Bytes::from_static(BODY.as_bytes()), true).map_err(Error::other)?;
    }
    Ok(())
}
