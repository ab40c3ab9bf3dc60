//! The schedule, the timer that keeps it, and how far the prober falls behind it.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::rc::Rc;
use std::time::Instant;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

use crate::Offset;

/// Being behind the schedule by more than this is a stall.
const STALL: Offset = Offset::from_millis(1);

/// Shot `k` is due at `start + k / rate`, computed from `k` each time so that nothing drifts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    start: Offset,
    rate_hz: f64,
    limit: u64,
    next: u64,
}

impl Schedule {
    /// A schedule of `limit` shots, or without an end.
    pub fn new(start: Offset, rate_hz: f64, limit: Option<u64>) -> Self {
        Self { start, rate_hz, limit: limit.unwrap_or(u64::MAX), next: 0 }
    }

    /// When shot `number` is due.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 shots")]
    pub fn due(&self, number: u64) -> Offset {
        self.start + Offset::from_secs_f64(number as f64 / self.rate_hz)
    }

    /// The next shot's number and time; `None` after the last one.
    pub fn peek(&self) -> Option<(u64, Offset)> {
        (self.next < self.limit).then(|| (self.next, self.due(self.next)))
    }

    /// Moves on to the next shot.
    pub fn advance(&mut self) {
        self.next += 1;
    }
}

/// A precise timer: a kernel timer in the event loop of the prober's thread. Tokio's own timers
/// tick in milliseconds and are about one late; this one has no timer slack either.
#[derive(Debug)]
pub(super) struct Alarm(AsyncFd<Timer>);

#[derive(Debug)]
struct Timer(TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Alarm {
    #[expect(
        deprecated,
        reason = "its replacement is unsafe; a `Timer` keeps the contract: it owns its descriptor and never changes it"
    )]
    pub fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        AsyncFd::new(Timer(timer)).map(Self)
    }

    /// Waits until `instant`, or less: the caller has to look at the clock again.
    pub async fn until(&self, instant: Instant) -> io::Result<()> {
        let left = instant.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        let expiration = Expiration::OneShot(TimeSpec::from_duration(left));
        // Setting it again discards an expiry that was not read.
        self.0.get_ref().0.set(expiration, TimerSetTimeFlags::empty())?;
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}

/// How long the prober has been behind its schedule in total: it was not scheduled, or had more
/// to do than it could. Shared by all streams. What of it falls into a shot's flight is not the
/// service's fault.
#[derive(Debug, Clone, Default)]
pub(super) struct Stalls(Rc<StallState>);

#[derive(Debug, Default)]
struct StallState {
    total: Cell<Offset>,
    looked: Cell<Offset>,
    due: Cell<Option<Offset>>,
}

impl Stalls {
    /// The pacer is running now and has to run again at `due`.
    pub fn look(&self, now: Offset, due: Offset) {
        self.0.total.set(self.total(now));
        self.0.looked.set(now);
        self.0.due.set(Some(due));
    }

    /// All stalls until `now`, including one that is not over yet.
    pub fn total(&self, now: Offset) -> Offset {
        let behind = self.0.due.get().filter(|due| now - *due > STALL);
        let behind = behind.map_or(Offset::ZERO, |due| now - due.max(self.0.looked.get()));
        self.0.total.get() + behind
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn does_not_drift() {
        let schedule = Schedule::new(Offset::from_millis(5), 3.0, None);
        assert_eq!(schedule.due(0), Offset::from_millis(5));
        assert_eq!(schedule.due(1).as_nanos(), 5_000_000 + 333_333_333);
        // A day later it is still exact.
        assert_eq!(schedule.due(3 * 86_400), Offset::from_millis(5 + 86_400_000));
    }

    #[test]
    fn ends_at_its_limit() {
        let mut schedule = Schedule::new(Offset::ZERO, 10.0, Some(2));
        let mut due = Vec::new();
        while let Some((number, at)) = schedule.peek() {
            due.push((number, at.as_nanos()));
            schedule.advance();
        }
        assert_eq!(due, [(0, 0), (1, 100_000_000)]);
    }

    const fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    #[test]
    fn a_delay_is_counted_once_and_immediately() {
        let stalls = Stalls::default();
        assert_eq!(stalls.total(at(50)), at(0));
        stalls.look(at(50), at(60));
        assert_eq!(stalls.total(at(60)), at(0));
        // Woken 40 ms late; still behind 10 ms later; then caught up.
        assert_eq!(stalls.total(at(100)), at(40));
        stalls.look(at(100), at(70));
        assert_eq!(stalls.total(at(110)), at(50));
        stalls.look(at(110), at(120));
        assert_eq!(stalls.total(at(120)), at(50));
    }

    proptest! {
        #[test]
        fn is_in_order_and_evenly_spaced(rate in 0.1_f64..20_000.0, number in 0_u64..100_000_000) {
            let schedule = Schedule::new(Offset::ZERO, rate, None);
            let step = schedule.due(number + 1) - schedule.due(number);
            let wanted = Offset::from_secs_f64(1.0 / rate);
            prop_assert!((step - wanted).abs() <= Offset::from_nanos(300), "{step:?} {wanted:?}");
        }
    }
}
