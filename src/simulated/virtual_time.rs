//! Time that passes faster than it is.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Offset;

/// The time of a simulated swarm: it passes `speed` times as fast as that of its users. What its users
/// see has their own time, so that what takes ten seconds in the swarm has taken one for them.
#[derive(Debug, Clone, Copy)]
pub(super) struct VirtualTime {
    origin: Instant,
    started_at: Timestamp,
    speed: f64,
}

impl VirtualTime {
    pub(super) fn start(speed: f64) -> Self {
        Self { origin: Instant::now(), started_at: Timestamp::now(), speed }
    }

    pub(super) fn speed(&self) -> f64 {
        self.speed
    }

    /// The swarm's time now.
    pub(super) fn now(&self) -> Offset {
        Offset::from_secs_f64(self.origin.elapsed().as_secs_f64() * self.speed)
    }

    /// The instant at which the swarm's time reaches `at`.
    pub(super) fn instant(&self, at: Offset) -> Instant {
        self.origin + self.real(at)
    }

    /// How long a time of the swarm takes.
    pub(super) fn real(&self, time: Offset) -> Duration {
        Duration::try_from_secs_f64(time.as_secs_f64() / self.speed).unwrap_or_default()
    }

    /// The users' time at an instant of the swarm.
    pub(super) fn wall(&self, at: Offset) -> Timestamp {
        let nanos = self.started_at.as_nanosecond()
            + i128::try_from(self.real(at).as_nanos()).unwrap_or_default();
        Timestamp::from_nanosecond(nanos).unwrap_or(self.started_at)
    }

    /// The same as an engine writes it.
    pub(super) fn text(&self, at: Offset) -> Value {
        json!(format!("{:.9}", self.wall(at)))
    }
}
