//! Who answers where: names inside networks, virtual addresses, published ports.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::replica::{Replica, bind};

/// How long to wait before a port is tried again.
const AGAIN: Duration = Duration::from_millis(5);

/// A port that a service publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Published {
    pub(super) port: u16,
    pub(super) target: u16,
    /// Only where a task runs, and as long as its container does.
    pub(super) host: bool,
}

/// A service, as those see it who ask it.
#[derive(Default)]
struct Served {
    /// Its names, without `tasks.`.
    names: Vec<String>,
    /// Its networks, by id.
    networks: Vec<String>,
    /// Its virtual address; absent if its name has those of its tasks.
    vip: Option<Ipv4Addr>,
    published: Vec<Published>,
    /// Replicas in the load balancer.
    balanced: Vec<Arc<Replica>>,
    /// Replicas whose containers run.
    running: Vec<Arc<Replica>>,
    /// Open ports of the virtual address.
    virtual_ports: BTreeMap<u16, Port>,
    /// Open published ports.
    open: BTreeMap<Published, Vec<Port>>,
}

/// A port that is open as long as this exists.
struct Port {
    backends: watch::Sender<Vec<SocketAddr>>,
    _open: tokio_util::sync::DropGuard,
}

/// Who answers where.
pub(super) struct Traffic {
    own: Ipv4Addr,
    services: Mutex<HashMap<String, Served>>,
    turn: AtomicUsize,
    /// Everything that listens belongs to the engine's runtime, whoever asks for it.
    runtime: Handle,
}

impl Traffic {
    /// Call it in the engine's runtime.
    pub(super) fn new(own: Ipv4Addr) -> Arc<Self> {
        let (services, turn) = (Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { own, services, turn, runtime: Handle::current() })
    }

    /// A number that is one higher each time.
    pub(super) fn turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    fn services(&self) -> MutexGuard<'_, HashMap<String, Served>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A service is there, or has other names, networks or ports.
    pub(super) fn serve(
        &self,
        id: &str,
        names: Vec<String>,
        networks: Vec<String>,
        vip: Option<Ipv4Addr>,
        published: Vec<Published>,
    ) {
        let mut services = self.services();
        let served = services.entry(id.to_owned()).or_default();
        served.open.retain(|port, _| published.contains(port));
        served.names = names;
        served.networks = networks;
        served.vip = vip;
        served.published = published;
        served.connect(self.own);
    }

    /// Other replicas of a service answer: those in the load balancer, and those whose containers
    /// run.
    pub(super) fn replicas(
        &self,
        id: &str,
        balanced: Vec<Arc<Replica>>,
        running: Vec<Arc<Replica>>,
    ) {
        if let Some(served) = self.services().get_mut(id) {
            served.balanced = balanced;
            served.running = running;
            served.connect(self.own);
        }
    }

    /// A service is gone.
    pub(super) fn forget(&self, id: &str) {
        self.services().remove(id);
    }

    /// The service that has this published port open already, by its id.
    pub(super) fn publisher(&self, port: u16) -> Option<String> {
        let services = self.services();
        let publishes = |served: &Served| served.published.iter().any(|open| open.port == port);
        services.iter().find(|(_, served)| publishes(served)).map(|(id, _)| id.clone())
    }

    /// Where a name and a port are, for somebody in these networks.
    pub(super) fn resolve(&self, networks: &[String], name: &str, port: u16) -> Vec<SocketAddr> {
        let _entered = self.runtime.enter();
        let mut services = self.services();
        let (short, tasks) =
            name.strip_prefix("tasks.").map_or((name, false), |short| (short, true));
        let shares = |served: &Served| served.networks.iter().any(|id| networks.contains(id));
        let Some(served) = services
            .values_mut()
            .find(|served| shares(served) && served.names.iter().any(|known| known == short))
        else {
            return Vec::new();
        };
        match served.vip {
            Some(vip) if !tasks => vec![served.virtual_port(vip, port)],
            _ => served.balanced.iter().map(|replica| replica.at(port)).collect(),
        }
    }
}

impl Served {
    /// Where a port of the virtual address is; nobody listens there without a replica.
    fn virtual_port(&mut self, vip: Ipv4Addr, port: u16) -> SocketAddr {
        let backends: Vec<SocketAddr> = self.balanced.iter().map(|one| one.at(port)).collect();
        let address = SocketAddr::from((vip, port));
        match self.virtual_ports.get(&port) {
            Some(open) => open.set(backends),
            None if backends.is_empty() => {}
            None => drop(self.virtual_ports.insert(port, Port::open(address, backends))),
        }
        address
    }

    /// Opens and closes ports, and tells open ones whom to ask.
    fn connect(&mut self, own: Ipv4Addr) {
        if let Some(vip) = self.vip {
            for port in self.virtual_ports.keys().copied().collect::<Vec<_>>() {
                self.virtual_port(vip, port);
            }
        }
        for published in self.published.clone() {
            let replicas = if published.host { &self.running } else { &self.balanced };
            let backends: Vec<SocketAddr> =
                replicas.iter().map(|one| one.at(published.target)).collect();
            let open = self.open.entry(published).or_insert_with(|| {
                // Its own address is certain to be free; the usual one is a convenience.
                let mut hosts = vec![own];
                if own != Ipv4Addr::LOCALHOST {
                    hosts.push(Ipv4Addr::LOCALHOST);
                }
                let at = |host| Port::open(SocketAddr::from((host, published.port)), Vec::new());
                hosts.into_iter().map(at).collect()
            });
            for port in open {
                port.set(backends.clone());
            }
        }
    }
}

impl Port {
    /// A port that spreads its connections over the backends in turn. It is open as long as there are
    /// any; one that somebody else has is opened when it is free.
    fn open(address: SocketAddr, backends: Vec<SocketAddr>) -> Self {
        let listener = bind(address);
        if let Err(error) = &listener {
            tracing::debug!(%error, %address, "a port of a simulated service is not open yet");
        }
        let (backends, changes) = watch::channel(backends);
        let closed = CancellationToken::new();
        tokio::spawn(spread(address, listener.ok(), changes, closed.clone()));
        Self { backends, _open: closed.drop_guard() }
    }

    fn set(&self, backends: Vec<SocketAddr>) {
        self.backends.send_if_modified(|known| {
            let changed = *known != backends;
            *known = backends;
            changed
        });
    }
}

async fn spread(
    address: SocketAddr,
    mut listener: Option<TcpListener>,
    mut backends: watch::Receiver<Vec<SocketAddr>>,
    closed: CancellationToken,
) {
    let mut turn = 0_usize;
    while !closed.is_cancelled() {
        if backends.borrow_and_update().is_empty() {
            listener = None;
            tokio::select! {
                () = closed.cancelled() => return,
                changed = backends.changed() => if changed.is_err() { return },
            }
            continue;
        }
        let Some(open) = &listener else {
            listener = bind(address).ok();
            if listener.is_none() {
                tokio::time::sleep(AGAIN).await;
            }
            continue;
        };
        let accepted = tokio::select! {
            biased;
            () = closed.cancelled() => return,
            changed = backends.changed() => {
                if changed.is_err() {
                    return;
                }
                continue;
            }
            accepted = open.accept() => accepted,
        };
        let Ok((client, _)) = accepted else {
            tokio::time::sleep(AGAIN).await;
            continue;
        };
        turn = turn.wrapping_add(1);
        let backend = {
            let backends = backends.borrow();
            backends.get(turn % backends.len().max(1)).copied()
        };
        tokio::spawn(pass_on(client, backend));
    }
}

/// One connection. Where nobody answers, the client's connection is reset, as the load balancer does.
async fn pass_on(mut client: TcpStream, backend: Option<SocketAddr>) {
    let connected = match backend {
        Some(backend) => TcpStream::connect(backend).await.ok(),
        None => None,
    };
    let Some(mut replica) = connected else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = client.set_nodelay(true);
    let _ = replica.set_nodelay(true);
    if copy_bidirectional(&mut client, &mut replica).await.is_err() {
        let _ = client.set_zero_linger();
    }
}
