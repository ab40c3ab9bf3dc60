//! One shot, from its connection to its outcome.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::time::Instant;

use hyper::HeaderMap;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout_at;

use super::beginning::Beginning;
use super::cookies::Cookies;
use super::expect::{BodyCheck, BodyExpect};
use super::fault::{self, ConnectFault};
use super::link::Link;
use super::raw::RawLink;
use super::request::Host;
use super::resent::resent;
use super::stream::{Seat, Stream};
use super::tls;
use super::wire::{Socket, Wire};
use crate::Offset;
use crate::record::{Connection, Outcome, Shot, Unsent};

/// The application's headers, as the example application sends them.
const INSTANCE: &str = "x-rollproof-instance";
const SLOT: &str = "x-rollproof-slot";
const VERSION: &str = "x-rollproof-version";

/// Connecting takes less, unless the kernel sent the SYN again (after 1.0 s).
const LONG: Offset = Offset::from_millis(900);

/// Sends one request, waits for its end and passes the shot to the sink. Time limits count from
/// the sending, not from the intended time: a stall of the prober must not shorten the time that
/// the service gets.
pub(super) async fn fly(seat: Seat, number: u64, intended: Offset) {
    let stream = seat.stream();
    let begun = Instant::now();
    let stalls = stream.stalls.total(stream.clock.at(begun));
    let mut shot = Shot::new(intended, Outcome::Timeout);
    shot.sent = Some(stream.clock.at(begun));
    shot.to = seat.replica().map(|replica| Arc::clone(&replica.text));

    let (mut link, cookies) = match open(&seat, number, begun, &mut shot).await {
        Ok(link) => link,
        Err(ConnectFault::NoSocket) => return seat.unsent(intended, Unsent::NoSocket),
        Err(ConnectFault::Outcome(outcome)) => {
            shot.outcome = outcome;
            shot.done = Some(stream.clock.now());
            return land(&seat, shot, stalls);
        }
    };
    let limit = (begun + stream.plan.timeout).into();
    let in_time =
        timeout_at(limit, exchange(stream, number, &mut link, &cookies, &mut shot)).await.is_ok();

    shot.done = Some(stream.clock.now());
    shot.first_byte = link.first_byte().map(|at| stream.clock.at(at));
    let keep = in_time && stream.plan.connection == Connection::KeepAlive && link.is_free().await;
    land(&seat, shot, stalls);
    if keep {
        stream.pool.put(link, cookies);
    } else {
        if stream.plan.cookies {
            stream.pool.lost(cookies);
        }
        drop(seat);
        if in_time {
            link.part().await;
        }
    }
}

/// Passes the shot on, unless stalls spoiled its time. `stalls` is the total when it began.
fn land(seat: &Seat, mut shot: Shot, stalls: Offset) {
    let stream = seat.stream();
    let stalled = stream.stalls.total(shot.done.unwrap_or_default()) - stalls;
    match fault::outcome(&shot, &stream.plan, stalled) {
        Some(outcome) => {
            shot.outcome = outcome;
            seat.ended(shot);
        }
        None => seat.unsent(shot.intended, Unsent::Stalled),
    }
}

/// A kept connection, or a new one.
async fn open(
    seat: &Seat,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<(Link, Cookies), ConnectFault> {
    let stream = seat.stream();
    if stream.plan.connection == Connection::KeepAlive {
        let (link, closed) = stream.pool.take().await;
        stream.totals.borrow_mut().closed_idle += closed;
        if let Some(link) = link {
            shot.reused = true;
            return Ok(link);
        }
    }
    let counted = stream.pool.counted();
    let socket = Socket(reach(seat, number, begun, shot).await?);
    shot.connected = Some(stream.clock.now());
    let limit = (begun + stream.plan.timeout).into();
    let wire = match &stream.secure {
        None => Wire::plain(socket),
        Some(secure) => {
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
            Wire::tls(secured)
        }
    };
    if stream.plan.target().raw {
        return Ok((Link::Raw(RawLink::new(wire, counted)), Cookies::default()));
    }
    let kept = stream.plan.connection == Connection::KeepAlive;
    let opened = timeout_at(limit, Link::new(wire, stream.plan.http2, kept, counted)).await;
    let link = opened.unwrap_or(Err(Outcome::Timeout)).map_err(ConnectFault::Outcome)?;
    Ok((link, if stream.plan.cookies { stream.pool.user() } else { Cookies::default() }))
}

/// One attempt to one address: trying the next one would hide that this replica does not answer.
async fn reach(
    seat: &Seat,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<TcpStream, ConnectFault> {
    let plan = &seat.stream().plan;
    let limit = (begun + plan.connect_timeout.min(plan.timeout)).into();
    let port = plan.target().port;
    let address = match (seat.replica(), plan.host()) {
        (Some(replica), _) => replica.address,
        (None, Host::Address(address)) => SocketAddr::new(*address, port),
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
    let no_delay = plan.connection == Connection::KeepAlive || !one_segment;
    let fault = |error: io::Error| ConnectFault::of(&error);
    let dialled = Instant::now();
    let (wire, connected) = dial(address, plan.source, no_delay).map_err(fault)?;
    if !connected {
        let answered = timeout_at(limit, answer(&wire)).await;
        if seat.stream().clock.at(Instant::now()) - seat.stream().clock.at(dialled) >= LONG {
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

/// Begins a connection, and says whether it is there already. On one machine, including containers and their bridges, the handshake is
/// over when the first `connect` returns, although that never says so. Asking again tells, and
/// saves a trip through the event loop.
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

/// Sends the request and reads its whole answer. At any time, `shot.outcome` is the right one in
/// case the time runs out now.
async fn exchange(
    stream: &Stream,
    number: u64,
    link: &mut Link,
    cookies: &Cookies,
    shot: &mut Shot,
) {
    let expect = &stream.plan.expect;
    shot.outcome = Outcome::Timeout;
    if let Link::Raw(link) = link {
        let check = BodyCheck::new(&expect.body, &stream.patterns);
        shot.outcome = link.converse(&stream.plan.body, check).await;
        return;
    }
    let mut request = stream.request(number);
    if stream.plan.cookies {
        cookies.send(request.headers_mut());
    }
    let (head, mut body) = match link.send(request).await {
        Ok(answer) => answer,
        Err(outcome) => {
            shot.outcome = outcome;
            return;
        }
    };
    let status = head.status.as_u16();
    if stream.plan.cookies {
        cookies.take(&head.headers);
    }
    note_replica(stream, &head.headers, shot);
    shot.status = Some(status);
    let from_app = head.headers.contains_key(INSTANCE);
    let wrong = expect
        .head(status, shot.version.as_deref(), from_app, stream.app_known.get())
        .or_else(|| expect.missing_header(&head.headers).map(|_| Outcome::WrongHeader))
        .or_else(|| (!stream.patterns.fit(&head.headers)).then_some(Outcome::WrongHeader));
    shot.outcome = wrong.unwrap_or(Outcome::Timeout);
    if let Some(witness) = &stream.witness {
        witness.borrow_mut().head(&head.headers, expect);
    }

    let mut check = BodyCheck::new(&expect.body, &stream.patterns);
    let mut beginning = Beginning::default();
    let may_be_wrong = wrong.is_some() || expect.body != BodyExpect::Any;
    while let Some(piece) = link.piece(&mut body).await {
        match piece {
            Ok(piece) => {
                check.feed(&piece);
                if may_be_wrong {
                    beginning.feed(&piece);
                }
            }
            Err(outcome) => {
                shot.outcome = wrong.unwrap_or(outcome);
                return;
            }
        }
    }
    if wrong.is_some() || !check.is_right() {
        shot.body = Some(beginning.text()).filter(|text| !text.is_empty()).map(Arc::from);
    }
    if wrong.is_none() {
        shot.outcome = if check.is_right() { Outcome::Ok } else { Outcome::WrongBody };
        if from_app && check.is_right() {
            stream.app_known.set(true);
        }
    }
}

fn note_replica(stream: &Stream, headers: &HeaderMap, shot: &mut Shot) {
    shot.replica = stream.names.intern(headers.get(INSTANCE));
    shot.version = stream.names.intern(headers.get(VERSION));
    shot.slot = headers.get(SLOT).and_then(|slot| slot.to_str().ok()?.parse().ok());
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
