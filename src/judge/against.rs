//! Checks against another run: whether this one is worse than a run may be by chance.

use super::check::{Check, Verdict};
use super::judgement::Judgement;
use super::remedies::FREE_MACHINE;
use super::scenario_judgement::ScenarioJudgement;
use super::stream_stats::StreamStats;
use super::user_limits::{P99_NEEDS, share};
use crate::Offset;
use crate::record::{Against, FormerScenario, FormerStream, Purpose, Tolerances};
use crate::wording::{count, length, list, percent};

impl Judgement {
    /// This run as one that others are measured against.
    #[must_use]
    pub fn as_former(&self, tolerances: Tolerances) -> Against {
        Against {
            run_id: self.run_id.clone(),
            started_at: self.started_at.clone(),
            verdict: self.verdict.to_string(),
            tolerances,
            conditions: self.conditions().into_iter().collect(),
            scenarios: self.scenarios.iter().map(former).collect(),
        }
    }

    /// What a run ran with, by name and in plain words: what has to be the same where two runs are to
    /// be compared.
    #[must_use]
    pub fn conditions(&self) -> Vec<(String, String)> {
        let (stack, engine) = (&self.stack, &self.engine);
        let mut all = vec![("service".to_owned(), stack.service.clone())];
        all.extend(stack.settings());
        let ipvs = if engine.ipvs { "" } else { " without IPVS" };
        let facts = [
            ("engine", format!("{}, {}", engine.version, engine.kind)),
            ("nodes", count(engine.nodes)),
            ("kernel", format!("{}{ipvs}", engine.kernel)),
            ("rollproof", self.tool_version.clone()),
        ];
        all.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        for scenario in &self.scenarios {
            all.push((format!("{}: change", scenario.name), scenario.change.clone()));
        }
        for stream in self.scenarios.iter().flat_map(|scenario| &scenario.streams) {
            let name = format!("rate of {}", stream.name);
            if !all.iter().any(|known| known.0 == name) {
                all.push((name, format!("{}/s", stream.rate_hz)));
            }
        }
        all
    }

    /// What this run has otherwise than the one it is measured against.
    pub(super) fn differences(&self, against: &Against) -> Option<String> {
        let here = self.conditions();
        let other = |name: &str| against.conditions.get(name).map(String::as_str);
        let differ = here.iter().filter(|(name, value)| other(name) != Some(value.as_str()));
        let differ: Vec<String> = differ
            .map(|(name, value)| {
                format!("{name} ({}, here {value})", other(name).unwrap_or("not known"))
            })
            .collect();
        let run = &against.run_id;
        (!differ.is_empty()).then(|| format!("run {run} had other conditions: {}", list(&differ)))
    }
}

fn former(scenario: &ScenarioJudgement) -> FormerScenario {
    let users = || scenario.streams.iter().filter(|stream| stream.purpose == Purpose::Users);
    FormerScenario {
        name: scenario.name.clone(),
        sent: users().map(|stream| stream.sent).sum(),
        failed: scenario.failed,
        longest_gap_s: users().map(|stream| stream.longest_gap_s).max().unwrap_or_default(),
        took_s: scenario.update.took_s,
        streams: scenario.streams.iter().filter_map(former_stream).collect(),
    }
}

fn former_stream(stream: &StreamStats) -> Option<FormerStream> {
    let latency = stream.latency_s.filter(|_| stream.sent >= P99_NEEDS)?;
    let name = stream.name.clone();
    Some(FormerStream { name, purpose: stream.purpose, p99_s: latency.p99 })
}

/// What a scenario came to, and what may have spoilt it.
pub(super) struct Now<'a> {
    pub name: &'a str,
    /// All its streams.
    pub streams: &'a [StreamStats],
    /// From the change until it was done.
    pub took: Option<Offset>,
    /// Whether nothing but the update can account for some of the failed requests.
    pub proven: bool,
    /// Whether a machine had too little processor time, so that answers were late for that.
    pub busy: bool,
}

impl Now<'_> {
    /// The checks against this run.
    pub(super) fn checks(&self, against: &Against) -> Vec<Check> {
        let Some(former) = against.scenarios.iter().find(|one| one.name == self.name) else {
            let because = format!("run {} has no scenario {}", against.run_id, self.name);
            let verdict = Verdict::Inconclusive;
            return vec![Check::new("against-run", verdict, "nothing", self.name, because)];
        };
        let tolerances = &against.tolerances;
        let checks = [
            self.failed(former, tolerances),
            self.gap(former, tolerances),
            self.duration(former, tolerances),
            self.p99(former, tolerances),
        ];
        let how = format!("`rollproof compare {} latest` shows what differs", against.run_id);
        checks.map(|check| check.remedy_if_failed(how.as_str())).into()
    }

    fn users(&self) -> impl Iterator<Item = &StreamStats> {
        self.streams.iter().filter(|stream| stream.purpose == Purpose::Users)
    }

    /// Worse, if that is proven.
    fn worse(good: bool, proven: bool) -> Verdict {
        match (good, proven) {
            (true, _) => Verdict::Pass,
            (false, true) => Verdict::Fail,
            (false, false) => Verdict::Inconclusive,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 requests")]
    fn failed(&self, former: &FormerScenario, tolerances: &Tolerances) -> Check {
        let sent: u64 = self.users().map(|stream| stream.sent).sum();
        let failed: u64 = self.users().map(|stream| stream.failed).sum();
        let part = |failed: u64, sent: u64| failed as f64 / sent.max(1) as f64;
        let most = part(former.failed, former.sent) + tolerances.failed;
        let verdict = Self::worse(part(failed, sent) <= most, self.proven);
        let words = |failed, sent| format!("{} of {}", count(failed), count(sent));
        let because = format!(
            "{} lost ({}), {} in the other run ({})",
            words(failed, sent),
            share(failed, sent),
            words(former.failed, former.sent),
            share(former.failed, former.sent)
        );
        let limit = format!("at most {}", percent(most));
        Check::new("against-failed", verdict, share(failed, sent), limit, because)
    }

    fn gap(&self, former: &FormerScenario, tolerances: &Tolerances) -> Check {
        let gap = self.users().map(|stream| stream.longest_gap_s).max().unwrap_or_default();
        let most = tolerances.gap.most(former.longest_gap_s);
        let verdict = Self::worse(gap <= most, self.proven);
        times("against-gap", "the longest gap was", gap, former.longest_gap_s, most, verdict)
    }

    fn duration(&self, former: &FormerScenario, tolerances: &Tolerances) -> Check {
        let (Some(took), Some(then)) = (self.took, former.took_s) else {
            let whose = if self.took.is_none() { "this run" } else { "the other run" };
            let because = format!("{whose} does not show how long the update took");
            return Check::new(
                "against-duration",
                Verdict::Inconclusive,
                "unknown",
                "known",
                because,
            );
        };
        let most = tolerances.duration.most(then);
        let verdict = Self::worse(took <= most, true);
        times("against-duration", "it took", took, then, most, verdict)
    }

    /// The stream that exceeds what it may by most. What the control target, which no update touches,
    /// became slower by is the machine's.
    fn p99(&self, former: &FormerScenario, tolerances: &Tolerances) -> Check {
        let pair = |stream: &StreamStats| {
            let then = former.streams.iter().find(|then| then.name == stream.name)?;
            Some((former_stream(stream)?.p99_s, then.p99_s))
        };
        let control = self.streams.iter().filter(|stream| stream.purpose == Purpose::Control);
        let slower = control.filter_map(pair).map(|(now, then)| now - then).max();
        let slower = slower.unwrap_or_default().max(Offset::ZERO);
        let pairs = self.users().filter_map(|stream| Some((stream, pair(stream)?)));
        let worst = pairs
            .map(|(stream, (now, then))| (stream, now, then, tolerances.p99.most(then) + slower))
            .max_by_key(|(_, now, _, most)| *now - *most);
        let Some((stream, now, then, most)) = worst else {
            let because = format!("no stream had {P99_NEEDS} answers in both runs");
            return Check::new("against-p99", Verdict::Inconclusive, "unknown", "known", because);
        };
        let verdict = Self::worse(now <= most, !self.busy);
        let what = format!("99 % of the answers of stream {} came within", stream.name);
        times("against-p99", &what, now, then, most, verdict)
    }
}

fn times(
    name: &'static str,
    what: &str,
    now: Offset,
    then: Offset,
    most: Offset,
    verdict: Verdict,
) -> Check {
    let because = format!("{what} {}, {} in the other run", length(now), length(then));
    let check =
        Check::new(name, verdict, length(now), format!("at most {}", length(most)), because);
    if verdict == Verdict::Inconclusive { check.remedy(FREE_MACHINE) } else { check }
}
