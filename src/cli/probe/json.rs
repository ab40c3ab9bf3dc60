//! The summary of a probe run as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::summary::{Summary, held};
use crate::judge::Verdict;
use crate::record::{Connection, Outcome};
use crate::stats::{Gap, HeldStats, Spread, error_rate_upper_95};
use crate::{Error, Offset, Result};

#[derive(Serialize)]
struct JsonSummary<'a> {
    schema_version: u32,
    tool_version: &'static str,
    started_at: String,
    duration_s: Offset,
    verdict: Verdict,
    because: Vec<String>,
    streams: Vec<JsonStream<'a>>,
}

#[derive(Serialize)]
struct JsonStream<'a> {
    name: &'a str,
    url: &'a str,
    connection: Connection,
    rate_hz: f64,
    deadline_s: f64,
    sent: u64,
    ok: u64,
    failed: u64,
    failed_by_class: BTreeMap<Outcome, u64>,
    failed_times: BTreeMap<Outcome, FirstLast>,
    failed_statuses: BTreeMap<Outcome, BTreeMap<u16, u64>>,
    unsent: u64,
    longest_gap_s: Offset,
    total_bad_s: Offset,
    gaps: Vec<Gap>,
    resolution_s: f64,
    error_rate_upper_95: f64,
    lag_s: Spread,
    latency_s: Option<Spread>,
    replicas_seen: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    connections: Option<JsonConnections>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<HeldStats>,
}

/// What became of kept connections.
#[derive(Serialize)]
struct JsonConnections {
    kept: usize,
    opened: u64,
    closed_idle: u64,
}

#[derive(Serialize)]
struct FirstLast {
    first: Offset,
    last: Offset,
}

impl Summary {
    /// The summary as JSON.
    ///
    /// # Errors
    /// None that a measurement could cause.
    pub fn json(&self) -> Result<String> {
        let streams = self.streams().map(|(plan, tally, totals)| {
            let gaps = tally.gaps();
            JsonStream {
                name: &plan.name,
                url: plan.url(),
                connection: plan.connection,
                rate_hz: plan.rate_hz,
                deadline_s: plan.deadline.as_secs_f64(),
                sent: tally.sent(),
                ok: tally.ok(),
                failed: tally.failed(),
                failed_by_class: tally.failures().iter().map(|(c, f)| (*c, f.count)).collect(),
                failed_times: tally
                    .failures()
                    .iter()
                    .map(|(class, f)| (*class, FirstLast { first: f.first, last: f.last }))
                    .collect(),
                failed_statuses: tally
                    .failures()
                    .iter()
                    .filter(|(_, f)| !f.statuses.is_empty())
                    .map(|(class, f)| (*class, f.statuses.clone()))
                    .collect(),
                unsent: tally.unsent(),
                longest_gap_s: gaps.longest(),
                total_bad_s: gaps.total(),
                gaps: gaps.list,
                resolution_s: 1.0 / plan.rate_hz,
                error_rate_upper_95: error_rate_upper_95(tally.failed(), tally.sent()),
                lag_s: totals.lags().unwrap_or_default(),
                latency_s: tally.latency(),
                replicas_seen: tally.replicas().len(),
                connections: (plan.connection == Connection::KeepAlive).then_some(
                    JsonConnections {
                        kept: plan.kept,
                        opened: totals.opened,
                        closed_idle: totals.closed_idle,
                    },
                ),
                held: held(plan, tally),
            }
        });
        let summary = JsonSummary {
            schema_version: 1,
            tool_version: env!("CARGO_PKG_VERSION"),
            started_at: self.clock.started_at().to_string(),
            duration_s: self.elapsed,
            verdict: self.verdict(),
            because: self.because(),
            streams: streams.collect(),
        };
        serde_json::to_string_pretty(&summary).map_err(|error| {
            Error::environment("cannot write the summary as JSON").caused_by(error)
        })
    }
}
