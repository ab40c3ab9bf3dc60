//! Requests in bins of equal length.

use std::collections::BTreeMap;

use super::window::Window;
use crate::Offset;
use crate::judge::{Cause, FailedRequest};
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};

/// The most bins.
const MOST: i64 = 400;
/// Lengths of bins, in milliseconds.
const LENGTHS: [i64; 12] =
    [100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000];

/// What users' requests got, in bins of equal length.
pub(super) struct Bins {
    pub from: Offset,
    pub length: Offset,
    pub list: Vec<Bin>,
    /// The stream that latencies are shown of.
    pub latency_of: Option<String>,
}

/// One bin.
#[derive(Default, Clone)]
pub(super) struct Bin {
    pub sent: u64,
    pub failed: BTreeMap<Cause, u64>,
    /// The requests that failed outside of a scenario, of which nobody asked why.
    pub unexplained: u64,
    /// Median, 90 %, 99 % and the slowest of the good responses; absent if there were none.
    pub latency: Option<[Offset; 4]>,
}

impl Bin {
    pub(super) fn failures(&self) -> u64 {
        self.failed.values().sum::<u64>() + self.unexplained
    }
}

impl Bins {
    pub(super) fn of(window: Window, run: &Run, failed: &[FailedRequest]) -> Self {
        let length = LENGTHS.into_iter().find(|length| window.length() / length < MOST);
        let length = Offset::from_millis(length.unwrap_or(3_600_000));
        let number = (window.to - window.from).as_nanos() / length.as_nanos() + 1;
        let empty = vec![Bin::default(); usize::try_from(number).unwrap_or(0)];
        let mut bins = Self { from: window.from, length, list: empty, latency_of: None };
        for (_, shots) in run.shots.iter().filter(|(facts, _)| is_of_users(facts)) {
            for shot in shots.iter().filter(|shot| shot.outcome != Outcome::Unsent) {
                if let Some(bin) = bins.at(shot.intended) {
                    bin.sent += 1;
                    bin.unexplained += u64::from(shot.outcome.is_failure());
                }
            }
        }
        for request in failed {
            let Some(shot) = run.shots.get(request.stream).and_then(|s| s.1.get(request.shot))
            else {
                continue;
            };
            if let Some(bin) = bins.at(shot.intended) {
                bin.unexplained = bin.unexplained.saturating_sub(1);
                *bin.failed.entry(request.cause).or_insert(0) += 1;
            }
        }
        bins.measure(run);
        bins
    }

    fn at(&mut self, at: Offset) -> Option<&mut Bin> {
        let place = (at - self.from).as_nanos().div_euclid(self.length.as_nanos());
        self.list.get_mut(usize::try_from(place).ok()?)
    }

    /// Latencies of the densest stream of the users: streams of different kinds have nothing in
    /// common.
    fn measure(&mut self, run: &Run) {
        let users = run.shots.iter().filter(|(facts, _)| is_of_users(facts));
        let Some((facts, shots)) = users.max_by_key(|(_, shots)| shots.len()) else { return };
        self.latency_of = Some(facts.name.clone());
        let mut answered: Vec<(&Shot, Offset)> =
            shots.iter().filter_map(|shot| Some((shot, shot.response_latency()?))).collect();
        answered.sort_by_key(|(shot, _)| shot.intended);
        let (from, length) = (self.from, self.length.as_nanos());
        let bin_of = |shot: &Shot| (shot.intended - from).as_nanos().div_euclid(length);
        for group in answered.chunk_by(|one, other| bin_of(one.0) == bin_of(other.0)) {
            let mut times: Vec<Offset> = group.iter().map(|(_, latency)| *latency).collect();
            times.sort_unstable();
            let at = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
            let latency = [at(50), at(90), at(99), times[times.len() - 1]];
            if let Some(bin) = self.at(group[0].0.intended) {
                bin.latency = Some(latency);
            }
        }
    }

    /// When a bin begins.
    pub(super) fn start(&self, place: usize) -> Offset {
        let place = i64::try_from(place).unwrap_or(i64::MAX);
        self.from + Offset::from_nanos(self.length.as_nanos().saturating_mul(place))
    }

    /// The most requests of a bin.
    pub(super) fn most(&self) -> u64 {
        self.list.iter().map(|bin| bin.sent).max().unwrap_or(0)
    }
}

fn is_of_users(facts: &StreamFacts) -> bool {
    facts.purpose == Purpose::Users
}
