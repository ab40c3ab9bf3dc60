//! New connections: to which address, in TCP and TLS.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as StdStream};
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout_at;

use super::fault::ConnectFault;
use super::replicas::Replica;
use super::request::Host;
use super::resent::resent;
use super::stream::Stream;
use super::tls;
use super::wire::{Socket, Wire};
use crate::Offset;
use crate::record::{Connection, Outcome, Shot};

/// Connecting takes less, unless the kernel sent the SYN again (after 1.0 s).
const LONG: Offset = Offset::from_millis(900);

/// A new connection, ready for what is said over it.
pub(super) async fn wire(
    stream: &Stream,
    replica: Option<&Replica>,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<Wire, ConnectFault> {
    let socket = Socket(reach(stream, replica, number, begun, shot).await?);
    shot.connected = Some(stream.clock.now());
    let Some(secure) = &stream.secure else { return Ok(Wire::plain(socket)) };
    let limit = (begun + stream.plan.timeout).into();
    let _shaking = stream.pool.shaking();
    let shaking = secure.connector.connect(secure.name.clone(), socket);
    let secured = timeout_at(limit, shaking).await;
    let secured = secured.map_err(|_| ConnectFault::Outcome(Outcome::Timeout))?;
    let secured = secured.map_err(|error| {
        tracing::debug!(%error, "a TLS handshake failed");
        ConnectFault::Outcome(tls::outcome_of(&error))
    })?;
    shot.tls = Some(stream.clock.now());
    if stream.plan.http2 && secured.get_ref().1.alpn_protocol() != Some(b"h2") {
        return Err(ConnectFault::Outcome(Outcome::TlsHandshake));
    }
    Ok(Wire::tls(secured))
}

/// One attempt to one address: trying the next one would hide that this replica does not answer.
async fn reach(
    stream: &Stream,
    replica: Option<&Replica>,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<TcpStream, ConnectFault> {
    let plan = &stream.plan;
    let limit = (begun + plan.connect_timeout.min(plan.timeout)).into();
    let port = plan.target().port;
    let address = match (replica, plan.host()) {
        (Some(replica), _) => replica.address,
        (None, Host::Address(address)) => SocketAddr::new(*address, port),
        (None, Host::Name(name)) if stream.lookup.is_some() => {
            let found = stream.lookup.as_ref().and_then(|lookup| lookup(name, port).ok());
            let found = found.unwrap_or_default();
            choose(found, plan.source, number).ok_or(ConnectFault::Outcome(Outcome::NameLookup))?
        }
        (None, Host::Name(name)) => {
            match timeout_at(limit, lookup_host((name.as_str(), port))).await {
                Ok(Ok(found)) => choose(found.collect(), plan.source, number),
                Ok(Err(_)) | Err(_) => None,
            }
            .ok_or(ConnectFault::Outcome(Outcome::NameLookup))?
        }
    };
    // A second segment would wait for a delayed acknowledgement. One short request on a new
    // connection is one segment.
    let one_segment = plan.body.is_empty() && !plan.http2 && !plan.target().secure;
    let no_delay = plan.connection != Connection::Fresh || !one_segment;
    let fault = |error: io::Error| ConnectFault::of(&error);
    let dialled = Instant::now();
    let (wire, connected) = dial(address, plan.source, no_delay).map_err(fault)?;
    if !connected {
        let answered = timeout_at(limit, answer(&wire)).await;
        if stream.clock.now() - stream.clock.at(dialled) >= LONG {
            shot.syn_resent = Some(resent(&wire)).filter(|times| *times > 0);
        }
        match answered {
            Ok(answered) => answered.map_err(fault)?,
            Err(_) => return Err(ConnectFault::Outcome(Outcome::ConnectTimeout)),
        }
    }
    Ok(wire)
}

/// Waits until a connection that was begun is there.
///
/// # Errors
/// The operating system's errors, unchanged.
async fn answer(wire: &TcpStream) -> io::Result<()> {
    wire.writable().await?;
    wire.take_error()?.map_or(Ok(()), Err)
}

/// The address for this shot. IPv4 if there is any, because Swarm publishes its ports there
/// and `localhost` is `::1` first. Several take turns: the system's resolver sorts them by its
/// own rules, which may always put the same replica first.
fn choose(mut found: Vec<SocketAddr>, source: Option<IpAddr>, number: u64) -> Option<SocketAddr> {
    let v4 = source.map_or_else(|| found.iter().any(SocketAddr::is_ipv4), |ip| ip.is_ipv4());
    found.retain(|address| address.is_ipv4() == v4);
    found.sort_unstable();
    found.dedup();
    let turn = usize::try_from(number % u64::try_from(found.len()).ok()?.max(1)).ok()?;
    found.get(turn).copied()
}

/// Begins a connection, and says whether it is there already. On one machine, including containers and
/// their bridges, the handshake is over when the first `connect` returns, although that never says
/// so. Asking again tells, and saves a trip through the event loop.
///
/// # Errors
/// The operating system's errors, unchanged.
fn dial(
    address: SocketAddr,
    source: Option<IpAddr>,
    no_delay: bool,
) -> io::Result<(TcpStream, bool)> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    if no_delay {
        sockopt::set_tcp_nodelay(&socket, true)?;
    }
    if let Some(source) = source {
        bind(&socket, &SocketAddr::new(source, 0))?;
    }
    let connected = match connect(&socket, &address) {
        Ok(()) => true,
        Err(Errno::INPROGRESS) => match connect(&socket, &address) {
            Ok(()) => true,
            Err(Errno::ALREADY) => false,
            Err(error) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    Ok((TcpStream::from_std(StdStream::from(socket))?, connected))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn addresses(words: &[&str]) -> Vec<SocketAddr> {
        words.iter().map(|word| word.parse().unwrap()).collect()
    }

    #[test]
    fn addresses_take_turns() {
        let found = ["10.0.0.2:80", "10.0.0.1:80", "[::1]:80", "10.0.0.2:80"];
        let turns: Vec<_> =
            (0..4).map(|n| choose(addresses(&found), None, n).unwrap().ip().to_string()).collect();
        assert_eq!(turns, ["10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.2"]);
    }

    #[test]
    fn the_family_is_ipv4_unless_there_is_none_or_the_source_says() {
        let both = addresses(&["[::1]:80", "127.0.0.1:80"]);
        assert!(choose(both.clone(), None, 0).unwrap().is_ipv4());
        assert!(choose(both.clone(), Some("::2".parse().unwrap()), 0).unwrap().is_ipv6());
        assert!(choose(addresses(&["[::1]:80"]), None, 7).unwrap().is_ipv6());
        assert_eq!(choose(addresses(&["[::1]:80"]), Some("10.0.0.1".parse().unwrap()), 0), None);
        assert_eq!(choose(Vec::new(), None, 0), None);
    }

    #[tokio::test]
    async fn dialling_connects_or_is_refused() {
        for (host, source) in [("127.0.0.1:0", Some([127, 0, 0, 9].into())), ("[::1]:0", None)] {
            let listener = TcpListener::bind(host).unwrap();
            let address = listener.local_addr().unwrap();
            let (stream, connected) = dial(address, source, true).unwrap();
            assert!(connected, "on loopback, there is nothing to wait for");
            answer(&stream).await.unwrap();
            assert!(stream.nodelay().unwrap());
            let (_, peer) = listener.accept().unwrap();
            assert_eq!(peer, stream.local_addr().unwrap());
            assert!(source.is_none_or(|source| peer.ip() == source));
            drop(listener);
            let error = dial(address, source, false).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }
}
