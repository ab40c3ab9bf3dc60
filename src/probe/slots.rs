//! How many requests may be in flight.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::StreamPlan;
use super::link::LINGER;
use crate::record::{Connection, Purpose};
use crate::wording::{count, counted};
use crate::{Error, Result};

/// Descriptors left for the rest of the process: engine connections, record files, pipes.
const RESERVED: u64 = 256;

/// Raises the process's soft limit of open files to its hard limit and returns it. While a service
/// hangs, each shot keeps one descriptor until the timeout.
pub(super) fn raise_descriptor_limit() -> Result<u64> {
    let failed = |error| Error::environment("cannot read the limit of open files").caused_by(error);
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    if soft >= hard {
        return Ok(soft);
    }
    // Some sandboxes refuse this; the soft limit stays.
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => Ok(hard),
        Err(_) => Ok(soft),
    }
}

/// The maximum number of requests in flight for each stream: as many as can pile up within the
/// timeout, but together no more than the descriptors allow.
///
/// # Errors
/// An environment error if the limit leaves a stream too few.
pub(super) fn share(plans: &[StreamPlan], descriptors: u64) -> Result<Vec<usize>> {
    let budget = descriptors.saturating_sub(RESERVED);
    let other: u64 = plans.iter().map(outside_flight).sum();
    let wanted: Vec<u64> = plans.iter().map(piled_up).collect();
    let all: u64 = wanted.iter().sum();
    let left = budget.saturating_sub(other);
    let slots: Vec<usize> = wanted
        .iter()
        .map(|wanted| if all > left { wanted * left / all } else { *wanted })
        .map(|slots| usize::try_from(slots).unwrap_or(usize::MAX))
        .collect();
    // Fewer than this are not enough even for a short stall.
    if let Some((plan, slots)) =
        plans.iter().zip(&slots).find(|(plan, slots)| (**slots as u64) < piled_up(plan).min(8))
    {
        return Err(Error::environment(format!(
            "the limit of {} open files leaves only {} for stream `{}`",
            count(descriptors),
            counted(*slots as u64, "connection"),
            plan.name
        ))
        .hint("raise it with `ulimit -n`, or lower the rate"));
    }
    Ok(slots)
}

/// Replicas, old and new, for which a stream that asks each of them reserves descriptors.
const REPLICAS: u64 = 24;

/// Requests that can be in flight at once; the slack is for shots that are just timing out.
fn piled_up(plan: &StreamPlan) -> u64 {
    // Over each held connection, a request waits for the next one.
    let waiting = if plan.connection == Connection::Held { plan.kept as u64 } else { 0 };
    let piled_up = || at_rate(plan, plan.timeout) + 64 + waiting;
    plan.max_in_flight.map_or_else(piled_up, |most| most as u64)
}

/// Descriptors of a stream that are not in flight: kept connections, and new ones that wait for the
/// server to close them.
fn outside_flight(plan: &StreamPlan) -> u64 {
    match plan.connection {
        Connection::KeepAlive | Connection::Held => plan.kept as u64,
        Connection::Fresh => at_rate(plan, LINGER),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked positive")]
fn at_rate(plan: &StreamPlan, time: Duration) -> u64 {
    let each = if plan.purpose == Purpose::EachReplica { REPLICAS } else { 1 };
    (plan.rate_hz * time.as_secs_f64()).ceil() as u64 * each
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(rate_hz: f64) -> StreamPlan {
        StreamPlan::new("s", "http://127.0.0.1:1/", rate_hz).unwrap()
    }

    #[test]
    fn everything_that_can_pile_up_has_a_slot() {
        assert_eq!(share(&[plan(200.0), plan(1.0)], 20_000).unwrap(), [1064, 69]);
        let mut fixed = plan(200.0);
        fixed.max_in_flight = Some(3);
        assert_eq!(share(&[fixed], 20_000).unwrap(), [3]);
    }

    #[test]
    fn few_descriptors_are_shared_fairly() {
        let slots = share(&[plan(1000.0), plan(1000.0)], 1024).unwrap();
        assert_eq!(slots, [134, 134]);
        let error = share(&[plan(1000.0)], 300).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Environment);
    }
}
