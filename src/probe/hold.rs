//! The requests of a stream that holds connections: they look after the connections in turn.
//!
//! Over a WebSocket each sends a ping. A request then watches its connection until the next one over
//! it is due, so each end belongs to exactly one request.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::time::timeout_at;

use super::fault::{self, ConnectFault};
use super::holder::{Ending, Holder, Open, State};
use super::line;
use super::stream::{Seat, Stream};
use crate::Offset;
use crate::record::{Outcome, Shot, Unsent};

/// A wait until a deadline ends this much later, so that what it waited for is late.
const LATE: Duration = Duration::from_millis(1);

/// How a connection ended, for a request that was looking after it.
enum Gone {
    Ended(Ending),
    GivenUp,
}

/// Why a request need not watch its connection any more.
enum Next {
    /// The next request does, or nothing more is sent.
    Due,
    Gone(Gone),
    /// Nothing came for too long.
    Silent,
}

/// One request: looks after a connection until the next request over it is due.
pub(super) async fn look_after(seat: Seat, number: u64, intended: Offset) {
    let stream = Rc::clone(seat.stream());
    let turn = number % stream.holders.len().max(1) as u64;
    let Some(holder) = usize::try_from(turn).ok().and_then(|turn| stream.holders.get(turn)) else {
        return seat.unsent(intended, Unsent::NoSlot);
    };
    let mut shot = Shot::new(intended, Outcome::Timeout);
    shot.sent = Some(stream.clock.now());
    shot.line = Some(holder.number);
    let begun = Begun { stalls: stream.stalls.total(shot.began()), number };
    holder.watch.set(Some(number));
    holder.changed.notify_waiters();

    let open = match holder.current() {
        Some(open) => open,
        None => match wait_for_open(&stream, holder, &mut shot).await {
            Ok(open) => open,
            Err(Some(unsent)) => return seat.unsent(intended, unsent),
            Err(None) => return seat.ended(shot),
        },
    };
    shot.replica.clone_from(&open.shot.replica);
    shot.version.clone_from(&open.shot.version);
    shot.slot = open.shot.slot;
    shot.status = open.shot.status;
    shot.reused = shot.connected.is_none();
    holder.note_back(&open, &mut shot);
    if stream.plan.is_websocket() && shot.reused {
        // It fails only if the connection has just ended, which is noticed at once.
        let _ = open.pings.send(number);
        let limit = stream.clock.instant(shot.began()) + stream.plan.timeout;
        let pong = holder.until(|state| {
            if let Some(gone) = gone(state, &open) {
                return Some(Err(gone));
            }
            state.pong.filter(|(newest, _)| *newest >= number).map(|(_, at)| Ok(at))
        });
        match timeout_at(limit.into(), pong).await {
            Ok(Ok(at)) => {
                shot.done = Some(at);
                shot.outcome = Outcome::Ok;
            }
            Ok(Err(gone)) => return end(&seat, holder, shot, &gone, &begun).await,
            Err(_) => {
                holder.given_up.notify_waiters();
                shot.done = Some(stream.clock.now());
                return land(&seat, shot, &begun);
            }
        }
    } else {
        shot.outcome = Outcome::Ok;
    }
    match until_next(&stream, holder, &open, number).await {
        Next::Due => land(&seat, shot, &begun),
        Next::Gone(gone) => end(&seat, holder, shot, &gone, &begun).await,
        Next::Silent => {
            let now = stream.clock.now();
            holder.given_up.notify_waiters();
            if is_own(stream.stalls.total(now) - begun.stalls, &stream) {
                return seat.unsent(intended, Unsent::Stalled);
            }
            (shot.outcome, shot.done) = (Outcome::Timeout, Some(now));
            seat.ended(shot);
        }
    }
}

/// What a request began with.
struct Begun {
    /// The prober's own stalls until then.
    stalls: Offset,
    number: u64,
}

/// Waits until there is a connection, until the deadline. Otherwise the shot has failed, or, for a
/// reason, measured nothing.
async fn wait_for_open(
    stream: &Stream,
    holder: &Holder,
    shot: &mut Shot,
) -> Result<Rc<Open>, Option<Unsent>> {
    let stalls = stream.stalls.total(shot.began());
    let limit = stream.clock.instant(shot.intended) + stream.plan.deadline + LATE;
    if let Ok(open) = timeout_at(limit.into(), holder.opened_after(0)).await {
        shot.connected = Some(open.since);
        shot.tls = open.shot.tls;
        shot.syn_resent = open.shot.syn_resent;
        // It may have been under way for a while.
        shot.done = Some(open.since.max(shot.began()));
        return Ok(open);
    }
    shot.done = Some(stream.clock.now());
    let state = holder.state.borrow();
    shot.outcome = match &state.failed {
        Some((ConnectFault::NoSocket, _)) => return Err(Some(Unsent::NoSocket)),
        Some((ConnectFault::Outcome(outcome), of)) => {
            shot.status = of.status;
            shot.syn_resent = of.syn_resent;
            shot.replica.clone_from(&of.replica);
            shot.version.clone_from(&of.version);
            *outcome
        }
        None => Outcome::ConnectTimeout,
    };
    drop(state);
    let stalled = stream.stalls.total(shot.ended()) - stalls + shot.lag().unwrap_or_default();
    if is_own(stalled, stream) { Err(Some(Unsent::Stalled)) } else { Err(None) }
}

/// Whether the prober's own stalls leave too little of a deadline to blame the service.
fn is_own(stalled: Offset, stream: &Stream) -> bool {
    stalled > Offset::from(stream.plan.deadline / 2)
}

/// Watches a connection until the next request over it begins, until it is gone, or, if it is a
/// stream of events, until it has been silent for too long.
async fn until_next(stream: &Stream, holder: &Holder, open: &Open, number: u64) -> Next {
    let watched = holder.until(|state| {
        let gone = gone(state, open).map(Next::Gone);
        gone.or_else(|| (holder.watch.get() != Some(number)).then_some(Next::Due))
    });
    let silent = async {
        let Some(every) = stream.plan.event_every else { return std::future::pending().await };
        loop {
            let heard = holder.state.borrow().heard;
            let limit = stream.clock.instant(heard) + every + stream.plan.deadline;
            if limit <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(limit.into()).await;
        }
    };
    tokio::select! {
        next = watched => next,
        () = stream.ended() => Next::Due,
        () = silent => Next::Silent,
    }
}

/// How a connection is gone, if it is.
fn gone(state: &State, open: &Open) -> Option<Gone> {
    if state.open.as_ref().is_some_and(|now| now.count == open.count) {
        return None;
    }
    match state.end {
        Some(ending) if ending.count == open.count => Some(Gone::Ended(ending)),
        _ => Some(Gone::GivenUp),
    }
}

/// Decides what the end of a connection was: a user who was told, and has another connection within
/// the deadline, has lost nothing.
async fn end(seat: &Seat, holder: &Holder, mut shot: Shot, gone: &Gone, begun: &Begun) {
    let stream = seat.stream();
    let answered = shot.outcome == Outcome::Ok;
    let Gone::Ended(ending) = gone else {
        // Another request waited longer in vain.
        shot.done = Some(stream.clock.now());
        shot.outcome = Outcome::Timeout;
        return seat.ended(shot);
    };
    let end = ending.end;
    // Requests before it wait for a pong only.
    let mine = ending.watch == Some(begun.number);
    shot.end = mine.then_some(end);
    if !end.clean {
        (shot.outcome, shot.done) = (Outcome::Cut, Some(end.at));
        if mine {
            let limit = stream.clock.instant(end.at) + stream.plan.deadline;
            let back = timeout_at(limit.into(), holder.opened_after(ending.count));
            if let Ok(open) = back.await {
                holder.note_back(&open, &mut shot);
            }
        }
        return seat.ended(shot);
    }
    let limit = stream.clock.instant(end.at) + stream.plan.deadline + LATE;
    let back = timeout_at(limit.into(), holder.opened_after(ending.count));
    let Ok(open) = back.await else {
        let now = stream.clock.now();
        if is_own(stream.stalls.total(now) - ending.stalls, stream) {
            return seat.unsent(shot.intended, Unsent::Stalled);
        }
        (shot.outcome, shot.done) = (Outcome::Closed, Some(now));
        return seat.ended(shot);
    };
    holder.note_back(&open, &mut shot);
    shot.outcome = Outcome::Ok;
    if answered {
        return land(seat, shot, begun);
    }
    // The server need not answer a ping that crosses its goodbye.
    shot.done = None;
    seat.ended(shot);
}

/// Passes the shot on, unless stalls spoiled its time.
fn land(seat: &Seat, mut shot: Shot, begun: &Begun) {
    let stream = seat.stream();
    let stalled = stream.stalls.total(shot.ended()) - begun.stalls;
    match fault::outcome(&shot, &stream.plan, stalled) {
        Some(outcome) => {
            shot.outcome = outcome;
            seat.ended(shot);
        }
        None => seat.unsent(shot.intended, Unsent::Stalled),
    }
}

/// Opens one connection, records how that went, and leaves it: for finding out what a service
/// answers.
pub(super) async fn open_once(seat: Seat, intended: Offset) {
    let stream = Rc::clone(seat.stream());
    let begun = Instant::now();
    let mut shot = Shot::new(intended, Outcome::Timeout);
    shot.sent = Some(stream.clock.at(begun));
    let opened = line::open(&stream, 0, begun, &mut shot).await;
    shot.done = Some(stream.clock.now());
    match opened {
        Ok(line) => {
            shot.outcome = Outcome::Ok;
            seat.ended(shot);
            line.leave().await;
        }
        Err(ConnectFault::NoSocket) => seat.unsent(intended, Unsent::NoSocket),
        Err(ConnectFault::Outcome(outcome)) => {
            shot.outcome = outcome;
            seat.ended(shot);
        }
    }
}
