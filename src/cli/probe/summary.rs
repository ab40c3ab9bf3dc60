//! What a probe run found, as text and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::Offset;
use crate::probe::{ProbeTotals, StreamPlan, Tally};
use crate::record::{Connection, Outcome};
use crate::stats::error_rate_upper_95;
use crate::wording::count;
use crate::{Clock, Error, Result};

/// Gaps listed one by one, longest first.
const GAPS_LISTED: usize = 5;
/// Replicas named.
const REPLICAS_NAMED: usize = 8;

/// What a probe run found.
pub(super) struct Summary {
    pub clock: Clock,
    pub elapsed: Offset,
    pub plans: Vec<StreamPlan>,
    pub tallies: Vec<Tally>,
    pub totals: Vec<ProbeTotals>,
    pub max_lag: Offset,
}

#[derive(Serialize)]
struct JsonSummary<'a> {
    schema_version: u32,
    tool_version: &'static str,
    started_at: String,
    duration_s: Offset,
    verdict: &'static str,
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
    unsent: u64,
    longest_gap_s: Offset,
    total_bad_s: Offset,
    gaps: Vec<JsonGap>,
    resolution_s: f64,
    error_rate_upper_95: f64,
    lag_s: Percentiles,
    latency_s: Option<Percentiles>,
    replicas_seen: usize,
}

#[derive(Serialize)]
struct FirstLast {
    first: Offset,
    last: Offset,
}

#[derive(Serialize)]
struct JsonGap {
    start: Offset,
    end: Offset,
    open: bool,
}

#[derive(Serialize)]
struct Percentiles {
    p50: Offset,
    p90: Offset,
    p99: Offset,
    p999: Offset,
    max: Offset,
}

impl Percentiles {
    fn of(at: impl Fn(f64) -> Offset) -> Self {
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1.0) }
    }

    fn words(&self) -> String {
        [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p999),
            ("max", self.max),
        ]
        .map(|(name, at)| format!("{name} {}", time(at)))
        .join("   ")
    }
}

impl Summary {
    /// 0 nothing failed, 1 something failed, 3 the measurement cannot be trusted.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            "pass" => 0,
            "fail" => 1,
            _ => 3,
        }
    }

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
                unsent: tally.unsent(),
                longest_gap_s: gaps.longest(),
                total_bad_s: gaps.total(),
                gaps: gaps
                    .list
                    .iter()
                    .map(|gap| JsonGap { start: gap.start, end: gap.end, open: gap.open })
                    .collect(),
                resolution_s: 1.0 / plan.rate_hz,
                error_rate_upper_95: error_rate_upper_95(tally.failed(), tally.sent()),
                lag_s: Percentiles::of(|quantile| totals.lag_at(quantile)),
                latency_s: latency(tally),
                replicas_seen: tally.replicas().len(),
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

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (plan, tally, totals) in self.streams() {
            // Writing to a string cannot fail.
            let _ = self.stream_text(&mut text, plan, tally, totals);
        }
        text + &format!("{}: {}", self.verdict(), self.because().join("; "))
    }

    fn stream_text(
        &self,
        text: &mut String,
        plan: &StreamPlan,
        tally: &Tally,
        totals: &ProbeTotals,
    ) -> std::fmt::Result {
        let connections = match plan.connection {
            Connection::Fresh => "a new connection each".to_owned(),
            Connection::KeepAlive => format!("{} kept connections", plan.kept),
        };
        writeln!(
            text,
            "{} {}: {}/s for {}, {connections}",
            plan.method,
            plan.url(),
            plan.rate_hz,
            time(self.elapsed)
        )?;
        let (sent, ok, failed) = (count(tally.sent()), count(tally.ok()), count(tally.failed()));
        writeln!(text, "  sent       {sent}, of which {ok} ok and {failed} failed")?;
        for (class, f) in tally.failures() {
            let times = format!("first at {}, last at {}", time(f.first), time(f.last));
            writeln!(text, "    {class:<15} {:>8}   {times}", count(f.count))?;
        }
        if tally.unsent() > 0 {
            writeln!(
                text,
                "  not sent   {}: {}",
                count(tally.unsent()),
                totals.unsent.told(count)
            )?;
        }
        gap_text(text, plan, tally)?;
        if let Some(latency) = latency(tally) {
            writeln!(text, "  latency    {}", latency.words())?;
        }
        if totals.sent > 0 {
            let lag = Percentiles::of(|quantile| totals.lag_at(quantile));
            writeln!(text, "  sent late  {}", lag.words())?;
        }
        let bound = 100.0 * error_rate_upper_95(tally.failed(), tally.sent());
        writeln!(text, "  error rate at most {bound:.2} % (at 95 % confidence)")?;
        if !tally.replicas().is_empty() {
            let mut names: Vec<&str> =
                tally.replicas().iter().map(AsRef::as_ref).take(REPLICAS_NAMED).collect();
            if tally.replicas().len() > names.len() {
                names.push("…");
            }
            writeln!(text, "  replicas   {}: {}", tally.replicas().len(), names.join(", "))?;
        }
        writeln!(text)
    }

    fn streams(&self) -> impl Iterator<Item = (&StreamPlan, &Tally, &ProbeTotals)> {
        self.plans
            .iter()
            .zip(&self.tallies)
            .zip(&self.totals)
            .map(|((plan, tally), totals)| (plan, tally, totals))
    }

    /// A request that failed has failed, however good the measurement was.
    fn verdict(&self) -> &'static str {
        if self.tallies.iter().any(|tally| tally.failed() > 0) {
            "fail"
        } else if self.distrust().is_empty() {
            "pass"
        } else {
            "inconclusive"
        }
    }

    fn because(&self) -> Vec<String> {
        let sent: u64 = self.tallies.iter().map(Tally::sent).sum();
        let failed: u64 = self.tallies.iter().map(Tally::failed).sum();
        let mut because = self.distrust();
        if failed > 0 {
            because.insert(0, format!("{} of {} requests failed", count(failed), count(sent)));
        } else if because.is_empty() {
            because.push(format!("all {} requests were answered in time", count(sent)));
        }
        because
    }

    /// What keeps the measurement from being trusted.
    fn distrust(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for (plan, tally, totals) in self.streams() {
            if tally.unsent() > 0 {
                reasons.push(format!(
                    "{} requests to {} were not sent ({})",
                    count(tally.unsent()),
                    plan.url(),
                    totals.unsent.told(count)
                ));
            }
            let lag = totals.lag_at(0.99);
            if lag > self.max_lag {
                reasons.push(format!(
                    "1 in 100 requests to {} was sent {} late or more; this machine is too busy \
                     for a limit of {}",
                    plan.url(),
                    time(lag),
                    time(self.max_lag)
                ));
            }
            if tally.sent() == 0 && tally.unsent() == 0 {
                reasons.push(format!("no request to {} was sent", plan.url()));
            }
        }
        reasons
    }
}

fn gap_text(text: &mut String, plan: &StreamPlan, tally: &Tally) -> std::fmt::Result {
    let mut gaps = tally.gaps();
    let resolution = time(Offset::from_secs_f64(1.0 / plan.rate_hz));
    if gaps.list.is_empty() {
        return writeln!(text, "  gaps       none (of more than {resolution})");
    }
    let (longest, total) = (time(gaps.longest()), time(gaps.total()));
    let number = count(gaps.list.len() as u64);
    writeln!(
        text,
        "  gaps       {number}: longest {longest}, together {total} (seen to {resolution})"
    )?;
    gaps.list.sort_by_key(|gap| std::cmp::Reverse(gap.length()));
    for gap in gaps.list.iter().take(GAPS_LISTED) {
        let open = if gap.open { " and not over at the end" } else { "" };
        writeln!(text, "    {:>10}   from {}{open}", time(gap.length()), time(gap.start))?;
    }
    Ok(())
}

fn latency(tally: &Tally) -> Option<Percentiles> {
    tally.latency_at(0.5)?;
    Some(Percentiles::of(|quantile| tally.latency_at(quantile).unwrap_or_default()))
}

/// A time with the unit that suits it.
pub(super) fn time(offset: Offset) -> String {
    let seconds = offset.as_secs_f64();
    match seconds.abs() {
        tiny if tiny < 0.001 => format!("{:.0}µs", seconds * 1e6),
        small if small < 0.1 => format!("{:.2}ms", seconds * 1e3),
        less if less < 1.0 => format!("{:.0}ms", seconds * 1e3),
        _ => format!("{seconds:.2}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        let counts = [0, 999, 1_000, 123_456, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "123,456", "1,234,567"]);
        let times = [0, 312_000, 1_500_000, 140_000_000, 61_230_000_000]
            .map(|nanos| time(Offset::from_nanos(nanos)));
        assert_eq!(times, ["0µs", "312µs", "1.50ms", "140ms", "61.23s"]);
    }
}
