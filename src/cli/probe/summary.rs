//! What a probe run found: its verdict, the reasons for it, and the summary as text.

use super::failed::{advice, failure_rows};
use super::rows::{LABEL, WIDTH, labelled, row, rows};
use crate::judge::Verdict;
use crate::probe::{ProbeTotals, StreamPlan, Tally};
use crate::record::{Connection, Outcome};
use crate::stats::{Gap, HeldStats, Spread, error_rate_upper_95};
use crate::wording::{clean, count, counted, cut, length, percent, wrap};
use crate::{Clock, Offset};

/// Outages that are listed, longest first.
const OUTAGES_LISTED: usize = 3;
/// Replicas that are named.
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

impl Summary {
    /// Each stream: its plan, what it saw, and what the prober did for it.
    pub fn streams(&self) -> impl Iterator<Item = (&StreamPlan, &Tally, &ProbeTotals)> {
        let seen = self.tallies.iter().zip(&self.totals);
        self.plans.iter().zip(seen).map(|(plan, (tally, totals))| (plan, tally, totals))
    }

    /// A failed request has failed, however bad the measurement was.
    pub fn verdict(&self) -> Verdict {
        if self.failed() > 0 {
            Verdict::Fail
        } else if self.distrust().is_empty() {
            Verdict::Pass
        } else {
            Verdict::Inconclusive
        }
    }

    /// The reasons for the verdict.
    pub fn because(&self) -> Vec<String> {
        let mut because = self.distrust();
        if self.failed() > 0 || because.is_empty() {
            because.insert(0, self.result());
        }
        because
    }

    fn sent(&self) -> u64 {
        self.tallies.iter().map(Tally::sent).sum()
    }

    fn failed(&self) -> u64 {
        self.tallies.iter().map(Tally::failed).sum()
    }

    fn result(&self) -> String {
        match self.failed() {
            0 => format!("none of {} failed", counted(self.sent(), "request")),
            failed => {
                format!("{} of {} failed", count(failed), counted(self.sent(), "request"))
            }
        }
    }

    /// Why the measurement cannot be trusted.
    fn distrust(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for (plan, tally, totals) in self.streams() {
            // With a single URL there is no need to name it.
            let to = match self.plans.as_slice() {
                [_] => String::new(),
                _ => format!(" to {}", clean(plan.url())),
            };
            if tally.unsent() > 0 {
                reasons.push(format!(
                    "{}{to} not sent ({})",
                    counted(tally.unsent(), "request"),
                    totals.unsent.by_reason(count)
                ));
            }
            let lag = totals.lag_at(0.99);
            if lag > self.max_lag {
                reasons.push(format!(
                    "this machine is too busy: 1 % of the requests{to} were sent {} late or more \
                     (limit {})",
                    length(lag),
                    length(self.max_lag)
                ));
            }
            if tally.sent() == 0 && tally.unsent() == 0 {
                reasons.push(format!("no request{to} was sent"));
            }
        }
        reasons
    }

    /// The summary as text: the answer first. One stream fits into 12 lines, unless all `details`
    /// are wanted.
    pub fn text(&self, details: bool) -> String {
        let mut lines = vec![self.headline()];
        let verdict = self.verdict();
        for (number, reason) in self.distrust().iter().enumerate() {
            let label = match (number, verdict) {
                (0, Verdict::Fail) => "caution",
                (0, _) => "why",
                _ => "",
            };
            row(&mut lines, label, reason);
        }
        for (plan, tally, totals) in self.streams() {
            lines.push(String::new());
            self.stream_lines(&mut lines, plan, tally, totals, details);
        }
        lines.join("\n")
    }

    fn headline(&self) -> String {
        let longest = self.tallies.iter().map(|tally| tally.gaps().longest()).max();
        let text = match self.verdict() {
            Verdict::Pass => format!("PASS  {}", self.result()),
            Verdict::Fail => {
                let longest = length(longest.unwrap_or_default());
                format!("FAIL  {}, longest outage {longest}", self.result())
            }
            Verdict::Inconclusive => format!("INCONCLUSIVE  {}, but", self.result()),
        };
        match self.verdict() {
            Verdict::Inconclusive => text + " this result cannot be trusted",
            _ => format!("{text} ({})", length(self.elapsed)),
        }
    }

    fn stream_lines(
        &self,
        lines: &mut Vec<String>,
        plan: &StreamPlan,
        tally: &Tally,
        totals: &ProbeTotals,
        details: bool,
    ) {
        // TCP alone has no method.
        let method = match plan.connection {
            Connection::Held => "hold",
            _ if plan.scheme() == "tcp" => "ask",
            _ => plan.method.as_str(),
        };
        let request = format!("  {method} {}", clean(plan.url()));
        let connections = match plan.connection {
            Connection::Fresh => "new connections".to_owned(),
            Connection::KeepAlive => counted(plan.kept as u64, "kept connection"),
            Connection::Held => counted(plan.kept as u64, "held connection"),
        };
        let load = format!("{}/s for {}, {connections}", plan.rate_hz, length(self.elapsed));
        if request.len() + 2 + load.len() <= WIDTH {
            lines.push(format!("{request}  {load}"));
        } else {
            lines.push(cut(&request, WIDTH));
            row(lines, "load", &load);
        }
        if plan.connection == Connection::KeepAlive
            && (details || totals.opened > plan.kept as u64 + totals.closed_idle)
        {
            row(lines, "opened", &opened(totals));
        }
        failure_rows(lines, tally, details);
        if let Some(text) = advice(tally) {
            row(lines, "help", &text);
        }
        match held(plan, tally) {
            Some(held) if tally.ok() == 0 && held.ends.is_empty() => {
                let all = counted(held.connections, "connection");
                row(lines, "held", &format!("none of {all} was ever open"));
            }
            Some(held) => held_rows(lines, &held, details),
            None => {}
        }
        outage_rows(lines, plan, tally, if details { usize::MAX } else { OUTAGES_LISTED });
        for (label, spread) in [("latency", tally.latency()), ("send lag", totals.lags())] {
            lines.extend(spread.map(|spread| labelled(label, &percentiles(&spread))));
        }
        let bound = percent(error_rate_upper_95(tally.failed(), tally.sent()));
        row(lines, "error bound", &format!("at most {bound} lost (95 % confidence)"));
        let replicas = tally.replicas();
        if !replicas.is_empty() {
            let most = if details { replicas.len() } else { REPLICAS_NAMED };
            let mut names: Vec<&str> = replicas.iter().map(AsRef::as_ref).take(most).collect();
            if replicas.len() > names.len() {
                names.push("…");
            }
            let text = format!("{}: {}", count(replicas.len() as u64), names.join(", "));
            let most = if details { usize::MAX } else { 1 };
            rows(lines, "replicas", &wrap(&clean(&text), WIDTH - LABEL, most));
        }
    }
}

/// How many connections a stream that keeps them opened, and how many of them it had to replace.
fn opened(totals: &ProbeTotals) -> String {
    let opened = counted(totals.opened, "connection");
    match totals.closed_idle {
        0 => opened,
        closed => format!("{opened}; the server closed {} while idle", count(closed)),
    }
}

/// What became of the connections of a stream that holds them.
pub(super) fn held(plan: &StreamPlan, tally: &Tally) -> Option<HeldStats> {
    let held = plan.connection == Connection::Held;
    held.then(|| tally.ends().stats(plan.kept as u64))
}

/// What became of held connections; with `details`, each end.
fn held_rows(lines: &mut Vec<String>, held: &HeldStats, details: bool) {
    row(lines, "held", &held.sentence());
    for end in held.ends.iter().filter(|_| details) {
        let what = match end.outcome {
            Outcome::Ok => "moved",
            other => other.as_str(),
        };
        let back = end.back_s.map_or("not open again".to_owned(), |back| {
            format!("open again after {}", length(back))
        });
        let code = end.code.map(|code| format!(" with {code}")).unwrap_or_default();
        row(lines, "", &format!("{what}{code} at {}, {back}", length(end.at)));
    }
}

fn percentiles(spread: &Spread) -> String {
    [
        ("p50", spread.p50),
        ("p90", spread.p90),
        ("p99", spread.p99),
        ("p99.9", spread.p999),
        ("max", spread.max),
    ]
    .map(|(name, at)| format!("{name} {}", length(at)))
    .join("  ")
}

/// The longest outages, at most `most` of them, and how long all of them were together.
fn outage_rows(lines: &mut Vec<String>, plan: &StreamPlan, tally: &Tally, most: usize) {
    let gaps = tally.gaps();
    let total = gaps.total();
    let mut gaps = gaps.list;
    if gaps.is_empty() {
        let interval = length(Offset::from_secs_f64(1.0 / plan.rate_hz));
        return row(lines, "outages", &format!("no gap of {interval} or more"));
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.length()));
    let listed = if gaps.len() > most { most - 1 } else { gaps.len() };
    rows(lines, "outages", &gaps.iter().take(listed).map(outage).collect::<Vec<_>>());
    if gaps.len() > listed {
        let more = count((gaps.len() - listed) as u64);
        row(lines, "", &format!("{more} more; {} in total", length(total)));
    }
}

fn outage(gap: &Gap) -> String {
    let end = if gap.open { "the end".to_owned() } else { length(gap.end) };
    format!("{}, from {} to {end}", length(gap.length()), length(gap.start))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::record::Shot;

    /// A summary of one stream at 200 requests per second, with a shot for each outcome.
    fn summary(outcomes: &[Outcome]) -> Summary {
        let plan = StreamPlan::new("s", "http://127.0.0.1:8080/", 200.0).unwrap();
        let mut tally = Tally::new(Duration::from_secs(1));
        for (number, outcome) in (0..).zip(outcomes) {
            let mut shot = Shot::new(Offset::from_millis(number * 5), *outcome);
            shot.sent = Some(shot.intended);
            shot.done = Some(shot.intended + Offset::from_millis(1));
            shot.replica = Some(format!("c{}", number % 20).into());
            tally.add(&shot);
        }
        let totals = serde_json::from_str(
            r#"{"name":"s","sent":1000,"unsent":{},"closed_idle":0,"lag":[[50000,990],[900000,10]]}"#,
        );
        Summary {
            clock: Clock::start(),
            elapsed: Offset::from_millis(5_000),
            plans: vec![plan],
            tallies: vec![tally],
            totals: vec![totals.unwrap()],
            max_lag: Offset::from_millis(10),
        }
    }

    #[test]
    fn the_answer_comes_first_and_a_good_run_is_short() {
        let summary = summary(&[Outcome::Ok; 1_000]);
        assert_eq!(summary.verdict(), Verdict::Pass);
        let text = summary.text(false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "PASS  none of 1,000 requests failed (5.00 s)");
        assert_eq!(lines[2], "  GET http://127.0.0.1:8080/  200/s for 5.00 s, new connections");
        assert!(text.contains("  outages      no gap of 5.0 ms or more\n"), "{text}");
        assert!(text.contains("  error bound  at most 0.3 % lost (95 % confidence)\n"), "{text}");
        assert!(text.contains("  replicas     20: c0, c1, "), "{text}");
        assert_eq!(lines.len(), 8, "{text}");
        let latency = "  latency      p50 1.0 ms  p90 1.0 ms  p99 1.0 ms  p99.9 1.0 ms  max 1.0 ms";
        assert!(lines.contains(&latency), "{text}");
    }

    #[test]
    fn any_run_fits_into_twelve_lines() {
        let classes: Vec<Outcome> =
            Outcome::ALL.into_iter().filter(|class| class.is_failure()).collect();
        let outcomes: Vec<Outcome> =
            (0..1_000).map(|n| if n % 7 == 0 { Outcome::Ok } else { classes[n % 15] }).collect();
        let mut summary = summary(&outcomes);
        let text = summary.text(false);
        assert!(
            text.starts_with("FAIL  857 of 1,000 requests failed, longest outage 30 ms"),
            "{text}"
        );
        assert!(text.lines().count() <= 12, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains(" more; 4."), "{text}");
        let details = summary.text(true);
        assert!(details.lines().count() > 100 && details.contains(" refused, from "), "{details}");
        summary.max_lag = Offset::ZERO;
        assert!(summary.text(false).contains("\n  caution      this machine is too busy: "));
    }

    #[test]
    fn an_outage_that_did_not_end_is_named() {
        let mut outcomes = [Outcome::Ok; 100];
        outcomes[40..].fill(Outcome::Refused);
        let text = summary(&outcomes).text(false);
        assert!(text.contains("  failed       60 refused\n"), "{text}");
        assert!(text.contains("  outages      296 ms, from 200 ms to the end\n"), "{text}");
    }

    #[test]
    fn a_busy_machine_makes_the_result_inconclusive() {
        let mut summary = summary(&[Outcome::Ok; 10]);
        summary.max_lag = Offset::from_nanos(40_000);
        assert_eq!(summary.verdict(), Verdict::Inconclusive);
        let text = summary.text(false);
        let start = "INCONCLUSIVE  none of 10 requests failed, but this result cannot be trusted\n  \
                     why          this machine is too busy: 1 % of the requests were sent ";
        assert!(text.starts_with(start), "{text}");
    }
}
