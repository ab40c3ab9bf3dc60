//! What the live view knows of one stream of requests.

use std::collections::BTreeMap;

use crate::Offset;
use crate::record::{Outcome, Shot};
use crate::stats::{LiveGaps, Recent};
use crate::wording::{count, list};

/// The time over which the rate and the latency are taken.
const RECENT: Offset = Offset::from_millis(5_000);
/// How long an outcome may come after its request was due and still be put in its place
/// among the others: the outcome of a request that hangs is known only at its time limit.
const HORIZON: Offset = Offset::from_millis(30_000);
/// Without a good answer for this long there is a gap, even if nothing has failed yet: the
/// requests may all be hanging.
const SILENCE: Offset = Offset::from_millis(1_000);

/// What the live view knows of one stream of requests.
#[derive(Debug)]
pub(super) struct RequestStream {
    /// Requests sent.
    pub sent: u64,
    /// Requests never sent because too many were in flight.
    pub unsent: u64,
    /// Failed requests by class.
    pub classes: BTreeMap<Outcome, u64>,
    recent: Recent,
    gaps: LiveGaps,
    /// When a good answer came last.
    last_good: Option<Offset>,
    /// When probing stopped; requests that were due before do not start it again.
    idle: Option<Offset>,
}

impl Default for RequestStream {
    fn default() -> Self {
        Self {
            sent: 0,
            unsent: 0,
            classes: BTreeMap::new(),
            recent: Recent::new(RECENT),
            gaps: LiveGaps::new(HORIZON),
            last_good: None,
            idle: None,
        }
    }
}

/// The lengths of a stream's gaps. A gap opens when a request that failed was due and closes when the
/// next good one was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GapLengths {
    /// Length of the gap that is open now.
    pub now: Option<Offset>,
    /// Length of the longest one so far, the open one included.
    pub longest: Offset,
}

impl RequestStream {
    /// Takes one request's outcome.
    pub fn shot(&mut self, shot: &Shot) {
        if self.idle.is_some_and(|idle| shot.intended > idle) {
            self.idle = None;
        }
        if shot.outcome == Outcome::Unsent {
            self.unsent += 1;
            return;
        }
        self.sent += 1;
        let good = !shot.outcome.is_failure();
        self.recent.add(shot.ended(), shot.response_latency());
        self.gaps.add(shot.intended, good);
        if good {
            self.last_good = self.last_good.max(Some(shot.ended()));
        } else {
            *self.classes.entry(shot.outcome).or_default() += 1;
        }
    }

    /// Notes that probing stops at `now`.
    pub fn stop(&mut self, now: Offset) {
        self.idle = Some(now);
    }

    /// Whether requests are being sent.
    pub fn is_active(&self) -> bool {
        self.idle.is_none()
    }

    /// Failed requests.
    pub fn failed(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The gaps as known at `now`.
    pub fn gaps(&self, now: Offset) -> GapLengths {
        if !self.is_active() {
            // Then a gap lasts only until its last failed request was due.
            return GapLengths { now: None, longest: self.gaps.longest(Offset::ZERO) };
        }
        let silent = || self.last_good.map(|good| now - good).filter(|since| *since > SILENCE);
        let open = self.gaps.open(now).map(|gap| gap.length()).or_else(silent);
        GapLengths { now: open, longest: self.gaps.longest(now).max(open.unwrap_or_default()) }
    }

    /// Outcomes a second, over the last few seconds.
    pub fn rate(&self, now: Offset) -> f64 {
        self.recent.rate_hz(now)
    }

    /// The latency that 99 of 100 answers of the last few seconds did not exceed.
    pub fn p99(&self, now: Offset) -> Option<Offset> {
        self.recent.latency(now).map(|latency| latency.p99)
    }
}

/// `200 refused and 45 late`, the most frequent class first.
pub(super) fn classes_text(classes: &BTreeMap<Outcome, u64>) -> String {
    let mut classes: Vec<_> = classes.iter().collect();
    classes.sort_by_key(|&(class, number)| (std::cmp::Reverse(number), class));
    let words: Vec<String> =
        classes.iter().map(|(class, number)| format!("{} {class}", count(**number))).collect();
    list(&words)
}

#[cfg(test)]
mod tests {
    use super::super::replay::shot;
    use super::*;

    fn ms(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    /// 100 requests a second from `from` to `to`.
    fn fire(stream: &mut RequestStream, from: i64, to: i64, outcome: Outcome, after: i64) {
        for due in (from..to).step_by(10) {
            stream.shot(&shot(due, due + after, outcome));
        }
    }

    #[test]
    fn rate_and_latency_over_the_last_seconds() {
        let mut stream = RequestStream::default();
        fire(&mut stream, 0, 10_000, Outcome::Ok, 4);
        fire(&mut stream, 10_000, 11_000, Outcome::Ok, 20);
        assert_eq!(stream.p99(ms(11_000)), Some(ms(20)));
        assert!((stream.rate(ms(11_000)) - 100.0).abs() < 3.0, "{}", stream.rate(ms(11_000)));
        assert_eq!((stream.p99(ms(17_000)), stream.rate(ms(17_000)).round()), (None, 0.0));
    }

    #[test]
    fn a_gap_runs_from_the_first_failure_to_the_next_good_request() {
        let mut stream = RequestStream::default();
        fire(&mut stream, 0, 1_000, Outcome::Ok, 4);
        fire(&mut stream, 1_000, 1_400, Outcome::Refused, 1);
        assert_eq!(stream.gaps(ms(1_400)), GapLengths { now: Some(ms(400)), longest: ms(400) });
        fire(&mut stream, 1_400, 2_000, Outcome::Ok, 4);
        let gaps = GapLengths { now: None, longest: ms(400) };
        assert_eq!(stream.gaps(ms(2_000)), gaps);
        stream.stop(ms(60_000));
        assert_eq!(stream.gaps(ms(60_000)), gaps);
    }

    #[test]
    fn outcomes_out_of_order_make_the_same_gap() {
        // The proxy holds every request until a replica is back: the answers of the gap come
        // after the first good one.
        let mut stream = RequestStream::default();
        fire(&mut stream, 0, 1_000, Outcome::Ok, 4);
        fire(&mut stream, 5_000, 6_000, Outcome::Ok, 4);
        fire(&mut stream, 1_000, 5_000, Outcome::Late, 4_000);
        assert_eq!(stream.gaps(ms(6_000)).longest, ms(4_000));
    }

    #[test]
    fn silence_is_a_gap_before_anything_has_failed() {
        let mut stream = RequestStream::default();
        fire(&mut stream, 0, 1_000, Outcome::Ok, 4);
        assert_eq!(stream.gaps(ms(1_900)).now, None);
        assert_eq!(stream.gaps(ms(3_000)).now, Some(ms(2_006)));
        stream.stop(ms(3_000));
        assert_eq!(stream.gaps(ms(9_000)), GapLengths { now: None, longest: Offset::ZERO });
        stream.shot(&shot(2_900, 3_100, Outcome::Ok));
        assert!(!stream.is_active(), "an answer to an old request does not restart it");
        stream.shot(&shot(9_000, 9_001, Outcome::Ok));
        assert!(stream.is_active());
    }

    #[test]
    fn classes_are_named_by_weight() {
        let mut stream = RequestStream::default();
        fire(&mut stream, 0, 20, Outcome::Refused, 1);
        fire(&mut stream, 20, 100, Outcome::Late, 1_500);
        stream.shot(&shot(100, 100, Outcome::Unsent));
        assert_eq!(classes_text(&stream.classes), "8 late and 2 refused");
        assert_eq!((stream.sent, stream.failed(), stream.unsent), (10, 10, 1));
    }

    #[test]
    fn nothing_yet() {
        let stream = RequestStream::default();
        assert_eq!(stream.p99(ms(5_000)), None);
        assert_eq!(stream.gaps(ms(5_000)), GapLengths { now: None, longest: Offset::ZERO });
    }
}
