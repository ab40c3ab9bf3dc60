//! The course of a container's health.

use super::behaviour::{Behaviour, CheckResult};
use crate::Offset;
use crate::swarm::{EngineVersion, HealthCheck};

/// The course of a container's health. Times count from its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HealthCourse {
    /// When it first becomes healthy; absent if never.
    pub healthy: Option<Offset>,
    /// When it becomes unhealthy, which ends the container; absent if never.
    pub unhealthy: Option<Offset>,
    /// The end of its first check.
    pub first_check: Offset,
}

/// The timings of a health check on one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckTimings {
    /// The end of a check to the start of the next.
    pub interval: Offset,
    /// The same in the start period.
    pub start_interval: Offset,
    /// The start period.
    pub start_period: Offset,
    /// The longest time of a check.
    pub timeout: Offset,
    /// Failures in a row that make a container unhealthy.
    pub retries: u64,
}

impl CheckTimings {
    /// The timings of a check on an engine.
    #[must_use]
    pub fn of(check: &HealthCheck, engine: EngineVersion) -> Self {
        let own = check.start_interval.filter(|_| engine.has_start_interval());
        let start_interval = own.or(engine.default_start_interval()).unwrap_or(check.interval);
        Self {
            interval: Offset::from_secs_f64(check.interval),
            start_interval: Offset::from_secs_f64(start_interval),
            start_period: Offset::from_secs_f64(check.start_period),
            timeout: Offset::from_secs_f64(check.timeout),
            retries: check.retries.max(1),
        }
    }

    /// The gap before the next check, at `time` after the container's start (moby
    /// `daemon/health.go`).
    fn gap(self, time: Offset, starting: bool) -> Offset {
        if starting && time < self.start_period { self.start_interval } else { self.interval }
    }

    /// The longest time between the moment at which checks begin to fail in a healthy container
    /// and the moment at which it is unhealthy, if each check takes `time`: the failure can come
    /// just after a check has begun, and that check still passes.
    #[must_use]
    pub fn slowest_detection(self, time: Offset) -> Offset {
        let time = time.min(self.timeout);
        let rounds = i64::try_from(self.retries).unwrap_or(i64::MAX);
        let round = (self.interval + time).as_nanos();
        time + Offset::from_nanos(round.saturating_mul(rounds))
    }
}

/// The checks that one container is given at most before the model takes its health as settled.
const MOST_CHECKS: u32 = 1_000_000;

/// Follows the checks of a container that behaves like this (moby `daemon/health.go`):
/// the first check comes one gap after the start, each next one a gap after the end of the one
/// before; a failure that begins in the start period of a container that was never healthy does
/// not count.
#[must_use]
pub fn health_course(timings: CheckTimings, behaviour: &Behaviour, check: Offset) -> HealthCourse {
    let quick = behaviour.check_time.unwrap_or(check);
    let settled = behaviour.last_change();
    let mut course = HealthCourse::default();
    let mut streak = 0;
    let mut starts = timings.gap(Offset::ZERO, true);
    for nth in 0..MOST_CHECKS {
        let result = behaviour.check_at(starts);
        let hangs = result == CheckResult::Hang || quick > timings.timeout;
        let ends = starts + if hangs { timings.timeout } else { quick };
        if nth == 0 {
            course.first_check = ends;
        }
        if result == CheckResult::Pass && !hangs {
            streak = 0;
            course.healthy.get_or_insert(ends);
        } else if course.healthy.is_some() || starts >= timings.start_period {
            streak += 1;
            if streak >= timings.retries {
                course.unhealthy = Some(ends);
                return course;
            }
        }
        if streak == 0 && course.healthy.is_some() && starts >= settled {
            return course;
        }
        starts = ends + timings.gap(ends, course.healthy.is_none());
        // A healthy container is checked over and over until something changes.
        let round = timings.interval + quick;
        if course.healthy.is_some() && streak == 0 && round > Offset::ZERO {
            let next = behaviour.checks.iter().map(|(from, _)| *from).find(|from| *from > starts);
            let spare = (next.unwrap_or(starts) - starts).as_nanos() / round.as_nanos();
            starts = starts + Offset::from_nanos(spare.saturating_mul(round.as_nanos()));
        }
    }
    course
}
