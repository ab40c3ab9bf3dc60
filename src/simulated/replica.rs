//! A replica: it listens, answers, and stops as its program would.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

use super::answers::answer;
use super::faults::OnStop;
use super::program::{Kind, Manner};
use super::traffic::Traffic;
use crate::Offset;

/// Connections that may wait to be accepted: a busy machine is no reason to drop one.
const BACKLOG: u32 = 1024;

/// What a replica sends back.
pub(super) type Body = BoxBody<Bytes, hyper::Error>;

/// What a replica does of itself because somebody asked it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Its process ends with this code.
    Exit(i32),
    /// Its health checks fail from now on.
    Sick,
}

/// Which replica this is.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    /// The id of its task.
    pub(super) task: String,
    /// The beginning of its container's id, as its host name.
    pub(super) host: String,
    /// The networks of its service, by id.
    pub(super) networks: Vec<String>,
}

/// A replica's process.
pub(super) struct Replica {
    pub(super) identity: Identity,
    pub(super) manner: Manner,
    pub(super) address: Ipv4Addr,
    pub(super) started: Instant,
    pub(super) speed: f64,
    pub(super) traffic: Arc<Traffic>,
    pub(super) requests: AtomicU64,
    pub(super) poisoned: AtomicBool,
    pub(super) stopping: AtomicBool,
    connections: AtomicUsize,
    deeds: UnboundedSender<(String, Deed)>,
    listening: AtomicBool,
    open: Mutex<Vec<(u16, SocketAddr)>>,
    /// No new connections.
    closed: CancellationToken,
    /// Connections end after the request that they are at.
    ending: CancellationToken,
    /// Connections end at once.
    cut: CancellationToken,
}

impl Replica {
    /// A process that has just started. It does not listen yet.
    pub(super) fn start(
        identity: Identity,
        manner: Manner,
        address: Ipv4Addr,
        speed: f64,
        traffic: Arc<Traffic>,
        deeds: UnboundedSender<(String, Deed)>,
    ) -> Arc<Self> {
        Arc::new(Self {
            identity,
            manner,
            address,
            started: Instant::now(),
            speed,
            traffic,
            requests: AtomicU64::new(0),
            poisoned: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            deeds,
            listening: AtomicBool::new(false),
            open: Mutex::default(),
            closed: CancellationToken::new(),
            ending: CancellationToken::new(),
            cut: CancellationToken::new(),
        })
    }

    /// How old the process is, in the swarm's time.
    pub(super) fn age(&self) -> f64 {
        self.started.elapsed().as_secs_f64() * self.speed
    }

    /// Does something that changes what Swarm sees.
    pub(super) fn act(&self, deed: Deed) {
        // Without an engine nobody watches any more.
        let _ = self.deeds.send((self.identity.task.clone(), deed));
    }

    /// The process listens from now on.
    pub(super) fn listen(self: &Arc<Self>) {
        if self.closed.is_cancelled() {
            return;
        }
        self.listening.store(true, Ordering::Relaxed);
        for port in &self.manner.ports {
            if *port > 0 {
                self.at(*port);
            }
        }
    }

    /// Where one of its ports really is; nobody listens there if the process does not.
    pub(super) fn at(self: &Arc<Self>, port: u16) -> SocketAddr {
        let refused = SocketAddr::from((self.address, port));
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, address)) = open.iter().find(|(known, _)| *known == port) {
            return *address;
        }
        let knows = self.manner.ports.is_empty() || self.manner.ports.contains(&port);
        let listens = self.listening.load(Ordering::Relaxed) && !self.closed.is_cancelled();
        if !knows || !listens || matches!(self.manner.kind, Kind::Prober(_)) {
            return refused;
        }
        // A port below 1024 needs a right that the user may not have: any other does as well.
        let bound = bind(refused).or_else(|_| bind(SocketAddr::from((self.address, 0))));
        let Ok(listener) = bound else { return refused };
        let Ok(address) = listener.local_addr() else { return refused };
        open.push((port, address));
        drop(open);
        tokio::spawn(Arc::clone(self).accept(listener));
        address
    }

    /// The process gets its stop signal.
    pub(super) fn stop(&self) {
        if self.manner.faults.ignore_stop || self.manner.faults.on_stop == OnStop::Serve {
            return;
        }
        self.stopping.store(true, Ordering::Relaxed);
        self.closed.cancel();
    }

    /// Whether it is the prober, which ends by itself.
    pub(super) fn is_prober(&self) -> bool {
        matches!(self.manner.kind, Kind::Prober(_))
    }

    /// Waits for its stop signal, or its end.
    pub(super) async fn stopped(&self) {
        self.closed.cancelled().await;
    }

    /// How long it goes on after its stop signal to finish open requests; absent if it does not.
    pub(super) fn drains_for(&self) -> Option<Offset> {
        let faults = &self.manner.faults;
        let drains = !faults.ignore_stop
            && !faults.drop_on_stop
            && faults.on_stop == OnStop::Drain
            && !self.is_prober();
        drains.then_some(self.manner.stop_timeout)
    }

    /// Connections that are open.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Connections end after the request that they are at.
    pub(super) fn finish(&self) {
        self.ending.cancel();
    }

    /// The process has ended: whatever is open is cut.
    pub(super) fn ended(&self) {
        self.closed.cancel();
        self.cut.cancel();
    }

    /// Whether requests get no response any more.
    pub(super) fn drops(&self) -> bool {
        self.manner.faults.drop_on_stop && self.stopping.load(Ordering::Relaxed)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener) {
        loop {
            tokio::select! {
                biased;
                () = self.closed.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => self.serve(stream),
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
            }
        }
        // What waits in the listener's queue is still answered, as the app does.
        while !self.cut.is_cancelled()
            && let Ok(Ok((stream, _))) =
                tokio::time::timeout(Duration::from_millis(1), listener.accept()).await
        {
            self.serve(stream);
        }
    }

    fn serve(self: &Arc<Self>, stream: TcpStream) {
        // A failure only costs latency.
        let _ = stream.set_nodelay(true);
        let replica = Arc::clone(self);
        let open = Open::of(&replica);
        tokio::spawn(async move {
            let _open = open;
            let of_request = Arc::clone(&replica);
            let service = service_fn(move |request| {
                let replica = Arc::clone(&of_request);
                async move { answer(&replica, request).await }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = &mut connection => return,
                () = replica.cut.cancelled() => return,
                () = replica.ending.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            tokio::select! {
                _ = connection => {}
                () = replica.cut.cancelled() => {}
            }
        });
    }
}

/// A connection that is open as long as this exists.
struct Open(Arc<Replica>);

impl Open {
    fn of(replica: &Arc<Replica>) -> Self {
        replica.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(replica))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

/// Listens on an address.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
