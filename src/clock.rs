//! The monotonic clock of a run.

use std::time::{Instant, SystemTime};

use jiff::Timestamp;

use crate::Offset;

/// Every instant of a run is an [`Offset`] on this clock, which reads zero at the run's start.
/// Engine timestamps are wall-clock times; the wall-clock time of the start maps them onto it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    started_at: Timestamp,
}

impl Clock {
    /// A clock that reads zero now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now(), started_at: wall_now() }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Offset {
        self.at(Instant::now())
    }

    /// The offset of a monotonic instant, negative before the start.
    #[must_use]
    pub fn at(&self, instant: Instant) -> Offset {
        instant
            .checked_duration_since(self.origin)
            .map_or_else(|| -Offset::from(self.origin.duration_since(instant)), Offset::from)
    }

    /// The monotonic instant of an offset; the start itself if the platform's clock cannot express
    /// an instant that early.
    #[must_use]
    pub fn instant(&self, offset: Offset) -> Instant {
        let nanos = offset.as_nanos();
        let distance = std::time::Duration::from_nanos(nanos.unsigned_abs());
        if nanos >= 0 {
            self.origin + distance
        } else {
            self.origin.checked_sub(distance).unwrap_or(self.origin)
        }
    }

    /// The offset of a wall-clock time read on this machine.
    #[must_use]
    pub fn at_wall(&self, wall: Timestamp) -> Offset {
        let nanos = wall.as_nanosecond() - self.started_at.as_nanosecond();
        Offset::from_nanos(i64::try_from(nanos).unwrap_or(if nanos < 0 {
            i64::MIN
        } else {
            i64::MAX
        }))
    }

    /// The wall-clock time at which the clock read zero.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// What this machine's `CLOCK_MONOTONIC` read when this clock read zero. All processes on a
    /// machine share that clock, in any container, until the next boot.
    ///
    /// # Errors
    /// When the system's clock cannot be read.
    pub fn monotonic_start(&self) -> Result<Offset, nix::errno::Errno> {
        let read = || -> Result<Offset, nix::errno::Errno> {
            let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)?;
            Ok(std::time::Duration::from(time).into())
        };
        // Take the fastest of a few tries: it was interrupted least.
        let mut best = (Offset::from_nanos(i64::MAX), Offset::ZERO);
        for _ in 0..5 {
            let (before, now, after) = (read()?, self.now(), read()?);
            let middle = Offset::from_nanos(i64::midpoint(before.as_nanos(), after.as_nanos()));
            best = best.min((after - before, middle - now));
        }
        Ok(best.1)
    }
}

fn wall_now() -> Timestamp {
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}
