//! One shot, from its connection to its outcome.

use std::sync::Arc;
use std::time::Instant;

use hyper::HeaderMap;
use tokio::time::timeout_at;

use super::beginning::Beginning;
use super::cookies::Cookies;
use super::expect::{BodyCheck, BodyExpect};
use super::fault::{self, ConnectFault};
use super::link::Link;
use super::raw::RawLink;
use super::reach::wire;
use super::replicas::Replica;
use super::stream::{Seat, Stream};
use crate::Offset;
use crate::record::{Connection, Outcome, Shot, Unsent};

/// The application's headers, as the example application sends them.
pub(super) const INSTANCE: &str = "x-rollproof-instance";
const SLOT: &str = "x-rollproof-slot";
const VERSION: &str = "x-rollproof-version";

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
    connect(stream, seat.replica(), number, begun, shot).await
}

/// A new connection, which counts towards those that are kept.
pub(super) async fn connect(
    stream: &Stream,
    replica: Option<&Replica>,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<(Link, Cookies), ConnectFault> {
    let counted = stream.pool.counted();
    let wire = wire(stream, replica, number, begun, shot).await?;
    stream.totals.borrow_mut().opened += 1;
    let limit = (begun + stream.plan.timeout).into();
    if stream.plan.target().raw {
        return Ok((Link::Raw(RawLink::new(wire, counted)), Cookies::default()));
    }
    let kept = stream.plan.connection == Connection::KeepAlive;
    let opened = timeout_at(limit, Link::new(wire, stream.plan.http2, kept, counted)).await;
    let link = opened.unwrap_or(Err(Outcome::Timeout)).map_err(ConnectFault::Outcome)?;
    Ok((link, if stream.plan.cookies { stream.pool.user() } else { Cookies::default() }))
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

/// Notes who answered.
pub(super) fn note_replica(stream: &Stream, headers: &HeaderMap, shot: &mut Shot) {
    shot.replica = stream.names.intern(headers.get(INSTANCE));
    shot.version = stream.names.intern(headers.get(VERSION));
    shot.slot = headers.get(SLOT).and_then(|slot| slot.to_str().ok()?.parse().ok());
}
