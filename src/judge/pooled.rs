//! Several runs of the same together.

use serde::Serialize;

use super::{Judgement, PooledRun, PooledScenario, PooledStream, Verdict};
use crate::record::SCHEMA_VERSION;

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
            because.push("no run was begun".to_owned());
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
            because,
            per_run: judgements.iter().map(PooledRun::of).collect(),
            scenarios: PooledScenario::all(judgements),
            streams: PooledStream::all(judgements),
        }
    }
}
