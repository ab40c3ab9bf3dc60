//! Whose fault a failed request is: the service's, the network's or this machine's.

use std::io;

use nix::errno::Errno;

use super::StreamPlan;
use crate::Offset;
use crate::record::{Outcome, Shot};

/// The kernel sends a lost SYN again after this time (`TCP_TIMEOUT_INIT`, RFC 6298).
const SYN_RESENT_AFTER: Offset = Offset::from_millis(1_000);

/// How an attempt to connect failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectFault {
    /// The network or the server refused.
    Outcome(Outcome),
    /// This machine had no descriptor, port or memory for a socket. Nothing was sent, and this
    /// says nothing about the service.
    NoSocket,
}

impl ConnectFault {
    pub fn of(error: &io::Error) -> Self {
        let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
            return Self::Outcome(Outcome::NoRoute);
        };
        Self::Outcome(match errno {
            Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOBUFS
            | Errno::ENOMEM
            | Errno::EADDRNOTAVAIL
            | Errno::EADDRINUSE => return Self::NoSocket,
            Errno::ECONNREFUSED => Outcome::Refused,
            Errno::ETIMEDOUT => Outcome::ConnectTimeout,
            // Connected, then reset before the first use.
            Errno::ECONNRESET | Errno::ECONNABORTED | Errno::EPIPE | Errno::ENOTCONN => {
                Outcome::Reset
            }
            // EHOSTUNREACH, ENETUNREACH, ENETDOWN; a firewall's EPERM or EACCES; an address
            // family this machine does not have.
            _ => Outcome::NoRoute,
        })
    }
}

/// The outcome of an ended shot, now that its duration is known. `None` if it seems to have taken
/// too long only because the prober sent it late, or was behind its schedule for `stalled` in the
/// meantime: blaming the service for that would turn a useless measurement into a wrong one.
pub(super) fn outcome(shot: &Shot, plan: &StreamPlan, stalled: Offset) -> Option<Outcome> {
    let deadline = Offset::from(plan.deadline);
    let latency = shot.latency().unwrap_or_default();
    let (outcome, patience) = match shot.outcome {
        Outcome::Ok if latency > deadline => (Outcome::Late, deadline),
        Outcome::Timeout => (Outcome::Timeout, deadline),
        // Half of it is proof enough: connecting takes a fraction of that, or never ends.
        Outcome::ConnectTimeout => {
            (Outcome::ConnectTimeout, deadline.min((plan.connect_timeout / 2).into()))
        }
        outcome => return Some(outcome),
    };
    // Whatever the prober did meanwhile, a lost SYN alone takes that long.
    let lost = shot.syn_resent.map_or(Offset::ZERO, |_| SYN_RESENT_AFTER);
    let by_service = (latency - shot.lag().unwrap_or_default() - stalled).max(lost);
    (by_service > patience).then_some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_errors_differ_from_errors_of_this_machine() {
        let of = |errno: Errno| ConnectFault::of(&io::Error::from_raw_os_error(errno as i32));
        assert_eq!(of(Errno::ECONNREFUSED), ConnectFault::Outcome(Outcome::Refused));
        assert_eq!(of(Errno::EHOSTUNREACH), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::ENETUNREACH), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::EPERM), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::ETIMEDOUT), ConnectFault::Outcome(Outcome::ConnectTimeout));
        assert_eq!(of(Errno::ECONNRESET), ConnectFault::Outcome(Outcome::Reset));
        assert_eq!(of(Errno::EMFILE), ConnectFault::NoSocket);
        assert_eq!(of(Errno::EADDRNOTAVAIL), ConnectFault::NoSocket);
    }

    /// The outcome of a shot that was sent `lag` late and took `took`, while the prober was behind
    /// for `stalled`; in milliseconds. The deadline is 800 ms.
    fn of(outcome: Outcome, lag: i64, took: i64, stalled: i64) -> Option<Outcome> {
        let plan = StreamPlan::new("s", "http://127.0.0.1:1/", 10.0).unwrap();
        let mut shot = Shot::new(Offset::from_millis(500), outcome);
        shot.sent = Some(shot.intended + Offset::from_millis(lag));
        shot.done = Some(shot.intended + Offset::from_millis(lag + took));
        super::outcome(&shot, &plan, Offset::from_millis(stalled))
    }

    #[test]
    fn a_slow_service_is_blamed() {
        assert_eq!(of(Outcome::Ok, 0, 799, 0), Some(Outcome::Ok));
        assert_eq!(of(Outcome::Ok, 0, 801, 0), Some(Outcome::Late));
        assert_eq!(of(Outcome::Ok, 100, 2_000, 500), Some(Outcome::Late));
        assert_eq!(of(Outcome::Timeout, 0, 5_000, 100), Some(Outcome::Timeout));
        assert_eq!(of(Outcome::ConnectTimeout, 0, 2_000, 100), Some(Outcome::ConnectTimeout));
    }

    #[test]
    fn a_stalled_prober_is_not_the_services_fault() {
        assert_eq!(of(Outcome::Ok, 600, 600, 0), None);
        assert_eq!(of(Outcome::Ok, 0, 3_000, 2_500), None);
        assert_eq!(of(Outcome::Timeout, 0, 5_000, 4_500), None);
        assert_eq!(of(Outcome::ConnectTimeout, 0, 2_000, 1_500), None);
    }

    #[test]
    fn a_lost_packet_is_not_the_probers_fault() {
        let plan = StreamPlan::new("s", "http://127.0.0.1:1/", 10.0).unwrap();
        for (outcome, took, wanted) in [
            (Outcome::Ok, 1_004, Outcome::Late),
            (Outcome::ConnectTimeout, 2_000, Outcome::ConnectTimeout),
            (Outcome::Timeout, 5_000, Outcome::Timeout),
        ] {
            let mut shot = Shot::new(Offset::ZERO, outcome);
            shot.sent = Some(shot.intended);
            shot.done = Some(Offset::from_millis(took));
            let stalled = Offset::from_millis(took - 300);
            assert_eq!(super::outcome(&shot, &plan, stalled), None);
            shot.syn_resent = Some(1);
            assert_eq!(super::outcome(&shot, &plan, stalled), Some(wanted));
        }
    }

    #[test]
    fn other_outcomes_do_not_depend_on_time() {
        for outcome in [Outcome::Refused, Outcome::Reset, Outcome::Proxy502, Outcome::WrongBody] {
            assert_eq!(of(outcome, 900, 3_000, 3_000), Some(outcome));
        }
        assert_eq!(of(Outcome::Ok, 10, 100, 100), Some(Outcome::Ok));
    }
}
