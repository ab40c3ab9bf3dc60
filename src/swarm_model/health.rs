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

/// Follows the checks of a container that behaves like this (moby `daemon/health.go`):
/// the first check comes one gap after the start, each next one a gap after the end of the one
/// before; a failure that begins in the start period of a container that was never healthy does
/// not count. Checks that go like the one before are counted, not followed one by one: there may be
/// billions.
#[must_use]
pub fn health_course(timings: CheckTimings, behaviour: &Behaviour, check: Offset) -> HealthCourse {
    let quick = behaviour.check_time.unwrap_or(check);
    let mut course = HealthCourse::default();
    let mut streak: u64 = 0;
    let mut starts = timings.gap(Offset::ZERO, true);
    loop {
        let result = behaviour.check_at(starts);
        let hangs = result == CheckResult::Hang || quick > timings.timeout;
        let passes = result == CheckResult::Pass && !hangs;
        let lasts = if hangs { timings.timeout } else { quick };
        let ends = starts + lasts;
        if course.first_check == Offset::ZERO {
            course.first_check = ends;
        }
        let starting = course.healthy.is_none();
        let lenient = starting && starts < timings.start_period;
        let change = behaviour.change_after(starts);
        if passes && !starting && change.is_none() {
            return course;
        }
        if !passes || !starting {
            let round = lasts + timings.gap(ends, starting);
            let period = lenient.then_some(timings.start_period);
            let until = change.into_iter().chain(period).min();
            let left = timings.retries.saturating_sub(streak + 1);
            let most = if passes || lenient { u64::MAX } else { left };
            let alike = alike(starts, until, round).min(most);
            if alike > 0 {
                streak = if passes || lenient { streak } else { streak + alike };
                let rounds = i64::try_from(alike).unwrap_or(i64::MAX);
                starts = starts + Offset::from_nanos(round.as_nanos().saturating_mul(rounds));
                continue;
            }
        }
        if passes {
            streak = 0;
            course.healthy.get_or_insert(ends);
        } else if !lenient {
            streak += 1;
            if streak >= timings.retries {
                course.unhealthy = Some(ends);
                return course;
            }
        }
        starts = ends + timings.gap(ends, course.healthy.is_none());
    }
}

/// How many checks from `starts` on, one each `round`, certainly end before `until`.
fn alike(starts: Offset, until: Option<Offset>, round: Offset) -> u64 {
    let Some(until) = until else { return u64::MAX };
    let rounds = (until - starts).as_nanos() / round.as_nanos().max(1);
    u64::try_from(rounds - 1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, one check after the other.
    fn followed(timings: CheckTimings, behaviour: &Behaviour, check: Offset) -> HealthCourse {
        let quick = behaviour.check_time.unwrap_or(check);
        let (mut course, mut streak) = (HealthCourse::default(), 0);
        let mut starts = timings.gap(Offset::ZERO, true);
        for nth in 0..3_000 {
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
            starts = ends + timings.gap(ends, course.healthy.is_none());
        }
        course
    }

    proptest::proptest! {
        #[test]
        fn counting_checks_is_following_them(
            interval in 100_i64..3_000, start_interval in 100_i64..3_000,
            start_period in 0_i64..20_000, timeout in 50_i64..2_000, retries in 1_u64..40,
            boot in 0_i64..15_000, check_time in 1_i64..2_500,
            changes in proptest::collection::vec((0_i64..30_000, 0_u8..3), 0..4),
        ) {
            let ms = Offset::from_millis;
            let timings = CheckTimings {
                interval: ms(interval), start_interval: ms(start_interval),
                start_period: ms(start_period), timeout: ms(timeout), retries,
            };
            let mut checks: Vec<(Offset, CheckResult)> = changes
                .into_iter()
                .map(|(at, kind)| {
                    let kinds = [CheckResult::Pass, CheckResult::Fail, CheckResult::Hang];
                    (ms(at), kinds[usize::from(kind)])
                })
                .collect();
            checks.sort_by_key(|(at, _)| *at);
            let behaviour = Behaviour {
                boot: ms(boot), checks, check_time: Some(ms(check_time)), ..Behaviour::default()
            };
            let found = health_course(timings, &behaviour, ms(10));
            proptest::prop_assert_eq!(found, followed(timings, &behaviour, ms(10)));
        }
    }

    #[test]
    fn billions_of_checks_are_counted() {
        let timings = CheckTimings {
            interval: Offset::from_millis(1),
            start_interval: Offset::from_millis(1),
            start_period: Offset::from_millis(1_000 * 3_600 * 1_000),
            timeout: Offset::from_millis(1_000),
            retries: 4_294_967_295,
        };
        let never = Behaviour::default().never_healthy();
        let check = Offset::from_millis(1);
        let course = health_course(timings, &never, check);
        // A check and its gap take 2 ms.
        let expected = timings.start_period + Offset::from_millis(2 * 4_294_967_295);
        assert!(
            (course.unhealthy.unwrap() - expected).abs() < Offset::from_millis(10),
            "{course:?}"
        );
        let endless = CheckTimings {
            interval: Offset::from_nanos(i64::MAX),
            start_interval: Offset::from_nanos(i64::MAX),
            start_period: Offset::from_nanos(i64::MAX),
            ..timings
        };
        assert!(health_course(endless, &never, check).unhealthy.is_some());
    }
}
