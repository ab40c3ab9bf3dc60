//! The socket of the simulated engine.

use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Limited};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::UnixListener;
use tokio::sync::mpsc;

use super::addresses::Addresses;
use super::api::{Asked, Reply, answer};
use super::ground::Ground;
use super::ids::Ids;
use super::swarm::Shared;
use crate::error::{Error, Result};

/// The longest body of a request: an image's archive.
const LONGEST_BODY: usize = 1 << 30;

/// An engine that is about to answer.
pub(super) struct Server {
    listener: UnixListener,
    shared: Arc<Shared>,
}

impl Server {
    /// Makes the engine and its socket. Call it in the runtime that is to serve it.
    pub(super) fn open(socket: &Path, speed: f64) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::environment(format!("cannot open the socket {}", socket.display()))
                .caused_by(error)
        };
        if let Some(folder) = socket.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // Whoever had it is gone: a simulated engine holds a lock as long as it lives.
        match fs::remove_file(socket) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(failed(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(socket).map_err(failed)?;
        fs::set_permissions(socket, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let mut ids = Ids::new();
        let addresses = Addresses::claim(&mut ids)?;
        let (sender, deeds) = mpsc::unbounded_channel();
        let shared = Shared::new(Ground::new(speed, ids, addresses, sender));
        tokio::spawn(Arc::clone(&shared).run(deeds));
        Ok(Self { listener, shared })
    }

    /// Answers until it is dropped.
    pub(super) async fn serve(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&self.shared);
                    tokio::spawn(async move {
                        let service = service_fn(move |request| {
                            let shared = Arc::clone(&shared);
                            async move {
                                Ok::<_, Infallible>(reply(&shared, request).await.into_response())
                            }
                        });
                        // A client that goes away is not an error.
                        let _ = http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await;
                    });
                }
                // There may be no descriptors left for a moment.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

async fn reply(shared: &Arc<Shared>, request: Request<Incoming>) -> Reply {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST_BODY).collect().await else {
        return Reply::unreadable();
    };
    let query = parts.uri.query().unwrap_or_default();
    let asked = Asked::new(parts.method, parts.uri.path(), query, body.to_bytes());
    let reply = answer(shared, &asked);
    tracing::trace!(method = %asked.method, path = asked.path.join("/"), "the simulated engine was asked");
    reply
}
