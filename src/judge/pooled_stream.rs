//! One stream over several runs.

use serde::Serialize;

use super::{Judgement, StreamStats};
use crate::Offset;
use crate::record::Purpose;
use crate::stats::error_rate_upper_95;

/// The requests of one stream in all scenarios of several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PooledStream {
    /// Its name.
    pub name: String,
    /// What its requests are to show.
    pub purpose: Purpose,
    /// Requests that were sent.
    pub sent: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// 95 % upper bound of the error rate (Clopper–Pearson).
    pub error_rate_upper_95: f64,
    /// The longest time without a success in any scenario.
    pub longest_gap_s: Offset,
    /// The worst 99 % latency of any scenario.
    pub worst_p99_s: Option<Offset>,
    /// The worst 99.9 % latency of any scenario.
    pub worst_p999_s: Option<Offset>,
}

impl PooledStream {
    /// One for each name, in the order in which they first come.
    pub(super) fn all(judgements: &[Judgement]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let scenarios = judgements.iter().flat_map(|judgement| &judgement.scenarios);
        for stream in scenarios.flat_map(|scenario| &scenario.streams) {
            match all.iter_mut().find(|known| known.name == stream.name) {
                Some(known) => known.take(stream),
                None => all.push(Self::of(stream)),
            }
        }
        for stream in &mut all {
            stream.error_rate_upper_95 = error_rate_upper_95(stream.failed, stream.sent);
        }
        all
    }

    fn of(stream: &StreamStats) -> Self {
        let mut pooled = Self {
            name: stream.name.clone(),
            purpose: stream.purpose,
            sent: 0,
            failed: 0,
            error_rate_upper_95: 1.0,
            longest_gap_s: Offset::ZERO,
            worst_p99_s: None,
            worst_p999_s: None,
        };
        pooled.take(stream);
        pooled
    }

    fn take(&mut self, stream: &StreamStats) {
        self.sent += stream.sent;
        self.failed += stream.failed;
        self.longest_gap_s = self.longest_gap_s.max(stream.longest_gap_s);
        self.worst_p99_s = self.worst_p99_s.max(stream.latency_s.map(|latency| latency.p99));
        self.worst_p999_s = self.worst_p999_s.max(stream.latency_s.map(|latency| latency.p999));
    }
}
