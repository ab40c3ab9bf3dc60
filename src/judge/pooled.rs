//! Several runs of the same together.

use serde::Serialize;

use super::check::Verdict;
use super::headline::{UserRequests, lost_or_not, of_what, without_what};
use super::judgement::Judgement;
use super::scenario_judgement::ScenarioJudgement;
use super::stream_stats::StreamStats;
use crate::Offset;
use crate::record::{Connection, Expects, Purpose, Route, SCHEMA_VERSION};
use crate::stats::{HeldStats, error_rate_upper_95, trials_needed};
use crate::wording::{count, counted};

/// Several runs of the same together: one run shows one update, and what users want to know is
/// how often an update loses a request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pooled {
    /// Version of this format.
    pub schema_version: u32,
    /// The service under test; empty without a run.
    pub service: String,
    /// How many runs.
    pub runs: u64,
    /// The worst of the runs; inconclusive without any.
    pub verdict: Verdict,
    /// The sentence that decides the verdict, without a full stop.
    pub headline: String,
    /// Why it is that: the reasons of the runs with this verdict.
    pub because: Vec<String>,
    /// The runs, in order.
    pub per_run: Vec<PooledRun>,
    /// The kinds of scenarios.
    pub scenarios: Vec<PooledScenario>,
    /// The streams.
    pub streams: Vec<PooledStream>,
}

impl Pooled {
    /// Pools these runs.
    #[must_use]
    pub fn of(judgements: &[Judgement]) -> Self {
        let verdict = match judgements {
            [] => Verdict::Inconclusive,
            _ => Verdict::worst(judgements.iter().map(|judgement| judgement.verdict)),
        };
        let mut because = Vec::new();
        if judgements.is_empty() {
            because.push("no run began".to_owned());
        }
        for judgement in judgements
            .iter()
            .filter(|judgement| verdict != Verdict::Pass && judgement.verdict == verdict)
        {
            let reasons = judgement.because.iter();
            because.extend(reasons.map(|reason| format!("{}: {reason}", judgement.run_id)));
        }
        Self {
            schema_version: SCHEMA_VERSION,
            service: judgements
                .first()
                .map(|judgement| judgement.stack.service.clone())
                .unwrap_or_default(),
            runs: judgements.len() as u64,
            verdict,
            headline: match judgements.first() {
                Some(first) => of_what(&first.engine, &first.stack, &headline(verdict, judgements)),
                None => headline(verdict, judgements),
            },
            because,
            per_run: judgements.iter().map(PooledRun::of).collect(),
            scenarios: PooledScenario::all(judgements),
            streams: PooledStream::all(
                judgements
                    .iter()
                    .flat_map(|judgement| &judgement.scenarios)
                    .flat_map(|scenario| &scenario.streams),
            ),
        }
    }
}

/// The sentence that decides the verdict.
fn headline(verdict: Verdict, judgements: &[Judgement]) -> String {
    let runs = counted(judgements.len() as u64, "run");
    let users = UserRequests::of(judgements.iter().flat_map(|judgement| &judgement.scenarios));
    let worst = judgements.iter().filter(|judgement| judgement.verdict == verdict);
    let first = worst.clone().next();
    let first = first.map_or("no run began", |worst| without_what(&worst.headline));
    let limits = judgements.first().map(|first| first.limits).unwrap_or_default();
    match verdict {
        Verdict::Pass if users.failed > 0 => lost_or_not(&users, &limits, &format!("in {runs}")),
        Verdict::Pass => {
            let none = lost_or_not(&users, &limits, &format!("in {runs}"));
            format!("{none} ({} sent)", count(users.sent))
        }
        Verdict::Fail if users.failed > 0 => format!("{} in {runs}", users.lost(&limits)),
        Verdict::Fail => format!("{} of {runs}: {first}", worst.count()),
        Verdict::Inconclusive if judgements.is_empty() => format!("inconclusive: {first}"),
        Verdict::Inconclusive => {
            format!("inconclusive: {} of {runs}: {first}", worst.count())
        }
    }
}

/// One of several runs, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PooledRun {
    /// Its id.
    pub run_id: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Users' requests that were sent in its scenarios.
    pub sent: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest time in which one of its streams got nothing.
    pub longest_gap_s: Offset,
    /// From the beginning of a rollback to the engine's word that it is completed, the longest;
    /// absent if none was completed.
    pub rollback_s: Option<Offset>,
}

impl PooledRun {
    pub(super) fn of(judgement: &Judgement) -> Self {
        let streams = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
        let users: Vec<_> = streams.filter(|stream| stream.purpose == Purpose::Users).collect();
        let rollbacks = judgement.scenarios.iter().filter_map(|scenario| {
            let rollback = scenario.rollback.as_ref()?;
            Some(rollback.completed_at? - rollback.started_at)
        });
        Self {
            run_id: judgement.run_id.clone(),
            verdict: judgement.verdict,
            sent: users.iter().map(|stream| stream.sent).sum(),
            failed: users.iter().map(|stream| stream.failed).sum(),
            longest_gap_s: users
                .iter()
                .map(|stream| stream.longest_gap_s)
                .max()
                .unwrap_or_default(),
            rollback_s: rollbacks.max(),
        }
    }
}

/// One kind of scenario over several runs: each time it was performed is one trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PooledScenario {
    /// Its name.
    pub name: String,
    /// What it expects.
    pub expects: Expects,
    /// How many updates count: it is known whether they lost a request.
    pub updates: u64,
    /// Updates that lost at least one users' request.
    pub lost: u64,
    /// Updates of which that is not known; they count for nothing.
    pub left_out: u64,
    /// 95 % upper bound of the share of updates that lose a request (Clopper–Pearson).
    pub loss_rate_upper_95: f64,
    /// What that supports, and what it takes for more.
    pub claims: Vec<Claim>,
}

impl PooledScenario {
    /// One for each name, in the order in which they first come.
    pub(super) fn all(judgements: &[Judgement]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for judgement in judgements {
            for scenario in &judgement.scenarios {
                let place = all.iter().position(|known| known.name == scenario.name);
                let place = place.unwrap_or_else(|| {
                    all.push(Self::new(scenario));
                    all.len() - 1
                });
                all[place].take(judgement, scenario);
            }
        }
        for scenario in &mut all {
            scenario.loss_rate_upper_95 = error_rate_upper_95(scenario.lost, scenario.updates);
            scenario.claims = Claim::all(scenario.lost, scenario.updates);
        }
        all
    }

    fn new(scenario: &ScenarioJudgement) -> Self {
        Self {
            name: scenario.name.clone(),
            expects: scenario.expects,
            updates: 0,
            lost: 0,
            left_out: 0,
            loss_rate_upper_95: 1.0,
            claims: Vec::new(),
        }
    }

    fn take(&mut self, judgement: &Judgement, scenario: &ScenarioJudgement) {
        match lost(judgement, scenario) {
            Some(lost) => {
                self.updates += 1;
                self.lost += u64::from(lost);
            }
            None => self.left_out += 1,
        }
    }
}

/// Whether an update lost a request; absent if that is not known. A loss that is proven stays
/// one, whatever else the measurement misses; that there was none needs all of it.
fn lost(judgement: &Judgement, scenario: &ScenarioJudgement) -> Option<bool> {
    let requests = scenario.checks.iter().find(|check| check.name == "no-failed-requests")?;
    let trusted = judgement.whole
        && judgement
            .checks
            .iter()
            .chain(&scenario.checks)
            .all(|check| check.verdict != Verdict::Inconclusive);
    match requests.verdict {
        Verdict::Fail => Some(true),
        // What users allow is lost all the same.
        Verdict::Pass if scenario.failed > 0 => Some(true),
        Verdict::Pass if trusted => Some(false),
        _ => None,
    }
}

/// The claim that fewer than one in so many updates loses a request, at 95 % confidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// One in how many.
    pub one_in: u32,
    /// How many updates it needs in all, if no more of them lose a request.
    pub needed: Option<u64>,
    /// How many of those are still missing.
    pub missing: Option<u64>,
    /// Whether what was seen supports it.
    pub proven: bool,
}

impl Claim {
    /// The usual claims, after so many updates of which `lost` lost a request.
    pub(super) fn all(lost: u64, updates: u64) -> Vec<Self> {
        [10, 20, 100]
            .into_iter()
            .map(|one_in| {
                let claim = 1.0 / f64::from(one_in);
                let needed = trials_needed(lost, claim);
                Self {
                    one_in,
                    needed,
                    missing: needed.map(|needed| needed.saturating_sub(updates)),
                    proven: error_rate_upper_95(lost, updates) <= claim,
                }
            })
            .collect()
    }
}

/// The requests of one stream in several scenarios, of one run or of several.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PooledStream {
    /// Its name.
    pub name: String,
    /// The user's name for the address that it asks, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What its requests are to show.
    pub purpose: Purpose,
    /// The way they take.
    pub route: Route,
    /// How connections are used.
    pub connection: Connection,
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
    /// The slowest response of any scenario.
    pub worst_max_s: Option<Offset>,
    /// What became of its connections, in a stream that holds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<HeldStats>,
}

impl PooledStream {
    /// One for each name, in the order in which they first come.
    pub fn all<'a>(streams: impl IntoIterator<Item = &'a StreamStats>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for stream in streams {
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
            address: stream.address.clone(),
            purpose: stream.purpose,
            route: stream.route,
            connection: stream.connection,
            sent: 0,
            failed: 0,
            error_rate_upper_95: 1.0,
            longest_gap_s: Offset::ZERO,
            worst_p99_s: None,
            worst_p999_s: None,
            worst_max_s: None,
            held: None,
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
        self.worst_max_s = self.worst_max_s.max(stream.latency_s.map(|latency| latency.max));
        if let Some(held) = &stream.held {
            self.held.get_or_insert_default().take(held);
        }
    }
}
