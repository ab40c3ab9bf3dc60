//! Starts each shot at its intended time.

use std::future::Future;
use std::io;
use std::rc::Rc;
use std::task::{Context, Waker};

use super::flight::fly;
use super::hold::look_after;
use super::replicas::Replica;
use super::schedule::{Alarm, Schedule, Stalls};
use super::stream::Stream;
use crate::Clock;
use crate::Offset;
use crate::record::{Connection, Unsent};

/// Shots started in a row before responses are handled. A pacer that is behind must not delay
/// responses: its own lag is measured, but their delay would look like the service's.
const BURST: usize = 8;
/// Above this rate, all streams together, shots that are due within the same [`GRAIN`] go out
/// together at its end: on an idle machine, waking up costs more than sending. The resulting lag
/// is measured like any other.
const FEW: f64 = 2_000.0;
const GRAIN: i64 = 800_000;
/// The pacer looks at the clock at least this often, to notice when it was not scheduled.
const BEAT: Offset = Offset::from_millis(50);

/// Starts each shot of all streams at its intended time, until there are none left. This must be
/// the main future of the prober's runtime, which polls it before any task: the schedule comes
/// first, however many responses are waiting.
pub(super) async fn pace(streams: &[Rc<Stream>], clock: Clock, stalls: &Stalls) -> io::Result<()> {
    let alarm = Alarm::new()?;
    let mut schedules = schedules(streams, clock.now());
    let many = streams.iter().map(|stream| stream.plan.rate_hz).sum::<f64>() > FEW;
    let mut row = 0;
    while let Some(due) = earliest(&schedules) {
        let now = clock.now();
        let wake = if many { end_of_grain(due) } else { due };
        let wake = wake.min(now + BEAT);
        stalls.look(now, wake);
        if due > now {
            row = 0;
            alarm.until(clock.instant(wake)).await?;
            continue;
        }
        for (stream, schedule) in streams.iter().zip(&mut schedules) {
            if let Some((number, due)) = schedule.peek()
                && due <= now
            {
                schedule.advance();
                row += start(stream, number, due);
            }
        }
        if row >= BURST {
            tokio::task::yield_now().await;
            row = 0;
        }
    }
    Ok(())
}

/// Counts stalls while the last shots end. Returns only if the timer fails.
pub(super) async fn watch(clock: Clock, stalls: &Stalls) -> io::Result<()> {
    let alarm = Alarm::new()?;
    loop {
        let now = clock.now();
        stalls.look(now, now + BEAT);
        alarm.until(clock.instant(now + BEAT)).await?;
    }
}

/// The end of the grain that contains an instant.
fn end_of_grain(at: Offset) -> Offset {
    let nanos = at.as_nanos();
    Offset::from_nanos(nanos - nanos.rem_euclid(GRAIN) + GRAIN)
}

fn earliest(schedules: &[Schedule]) -> Option<Offset> {
    schedules.iter().filter_map(Schedule::peek).map(|(_, due)| due).min()
}

/// Streams of the same rate start spread over one interval, not all at once.
#[expect(clippy::cast_precision_loss, reason = "a handful of streams")]
fn schedules(streams: &[Rc<Stream>], start: Offset) -> Vec<Schedule> {
    let count = streams.len() as f64;
    let schedule = |(index, stream): (usize, &Rc<Stream>)| {
        let plan = &stream.plan;
        // At most 10 ms, so that a slow stream does not start late.
        let spread = (1.0 / plan.rate_hz).min(0.01) * (index as f64 / count);
        Schedule::new(start + Offset::from_secs_f64(spread), plan.rate_hz, plan.shots)
    };
    streams.iter().enumerate().map(schedule).collect()
}

/// Starts what is due: one shot, or one to each replica. Returns how many.
fn start(stream: &Rc<Stream>, number: u64, intended: Offset) -> usize {
    let Some(replicas) = &stream.replicas else {
        take_off(stream, None, number, intended);
        return 1;
    };
    let replicas = replicas.to_ask(stream.clock.now());
    let count = replicas.len();
    for replica in &replicas {
        take_off(stream, Some(replica), number, intended);
    }
    count
}

/// Starts one shot: before this returns, it is connecting or its request is written.
fn take_off(stream: &Rc<Stream>, replica: Option<&Rc<Replica>>, number: u64, intended: Offset) {
    let late = stream.clock.now() - intended;
    if late >= stream.plan.deadline.into() {
        return stream.unsent(intended, Unsent::Stalled, replica.map(Rc::as_ref));
    }
    let Some(seat) = stream.seat(replica.cloned()) else {
        return stream.unsent(intended, Unsent::NoSlot, replica.map(Rc::as_ref));
    };
    if stream.plan.connection == Connection::Held {
        tokio::task::spawn_local(look_after(seat, number, intended));
        return;
    }
    let mut flight = Box::pin(fly(seat, number, intended));
    // Its task polls it again before it can miss anything. With the pacer's own waker, anything
    // that happens in between would wake the pacer for nothing.
    if flight.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
        tokio::task::spawn_local(flight);
    }
}
