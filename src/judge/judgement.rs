//! The judgement of a whole run.

use std::collections::HashSet;

use serde::Serialize;

use super::check::{Check, Verdict};
use super::headline::{headline, of_what};
use super::limits::Limits;
use super::prediction::Prediction;
use super::scenario_judgement::{ScenarioJudgement, judge_scene};
use super::scene::Scene;
use super::self_test::SelfTestStory;
use crate::record::{
    Against, EngineFacts, EventKind, NegativeControl, Run, SCHEMA_VERSION, StackFacts, UserLimits,
};

/// The judgement of a whole run; its JSON is `report.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Version of this format.
    pub schema_version: u32,
    /// The run's id.
    pub run_id: String,
    /// Wall-clock time of offset zero, RFC 3339.
    pub started_at: String,
    /// Version of the program that ran.
    pub tool_version: String,
    /// The command that was run.
    pub command: String,
    /// The worst of the scenarios and of the run's own checks, or inconclusive if the run is
    /// not whole.
    pub verdict: Verdict,
    /// The sentence that decides the verdict, without a full stop.
    pub headline: String,
    /// Why it is that: the one cause of each scenario that failed, else a plain sentence for each
    /// check that does not hold.
    pub because: Vec<String>,
    /// What the user can do about what ended the run early.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what_to_do: Vec<String>,
    /// Whether the run was neither interrupted nor ended early, nor its record cut off.
    pub whole: bool,
    /// What a reader of the verdict has to know.
    pub caveats: Vec<String>,
    /// What its users allow and require.
    #[serde(skip_serializing_if = "UserLimits::is_empty")]
    pub limits: UserLimits,
    /// The run that it is measured against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// What was checked of the run as a whole.
    pub checks: Vec<Check>,
    /// Whether a self-test was planned, or skipped by the user.
    pub self_test_plan: NegativeControl,
    /// The self-test, if one was planned.
    #[serde(rename = "negative_control")]
    pub self_test: Option<SelfTestStory>,
    /// The engine.
    pub engine: EngineFacts,
    /// The stack.
    pub stack: StackFacts,
    /// The scenarios, in order.
    pub scenarios: Vec<ScenarioJudgement>,
}

/// Judges a run.
#[must_use]
pub fn judge(run: &Run, limits: &Limits) -> Judgement {
    let limits = &limits.at_speed(run.meta.engine.times_faster());
    let scenes = Scene::all(run);
    let mut caveats = run.meta.caveats.clone();
    caveats.extend(run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Caveat { text } => Some(text.clone()),
        _ => None,
    }));
    let mut scenarios: Vec<ScenarioJudgement> =
        scenes.iter().map(|scene| judge_scene(run, scene, limits, &mut caveats)).collect();
    for (name, mut prediction) in Prediction::all(run) {
        let mut pairs = scenes.iter().zip(&mut scenarios);
        let found = pairs.find(|(_, one)| one.name == name && one.prediction.is_none());
        let Some((scene, scenario)) = found else { continue };
        // What was cut short differs from every prediction.
        prediction.difference = prediction.difference.filter(|_| scene.end.unknown().is_none());
        scenario.prediction = Some(prediction);
    }
    if run.meta.negative_control == NegativeControl::Off {
        caveats.push(
            "the self-test was skipped: nothing shows that this run would have noticed a lost \
             request"
                .to_owned(),
        );
    }
    let self_test =
        (run.meta.negative_control == NegativeControl::Planned).then(|| SelfTestStory::of(run));
    let mut checks: Vec<Check> = self_test.iter().map(SelfTestStory::check).collect();
    // Version 0.1.0 judged by the former number of replicas and said so.
    caveats.retain(|caveat| !caveat.ends_with("it is judged by the former"));
    let mut seen = HashSet::new();
    caveats.retain(|caveat| seen.insert(caveat.clone()));

    let (mut because, mut what_to_do) = (Vec::new(), Vec::new());
    for event in &run.events {
        if let EventKind::RunFailed { text, hints } = &event.kind {
            because.push(text.clone());
            what_to_do.extend(hints.iter().cloned());
        }
    }
    if scenarios.is_empty() && because.is_empty() {
        because.push("no scenario began".to_owned());
    }
    if run.events.iter().any(|event| event.kind == EventKind::Interrupted) {
        because.push("the run was interrupted".to_owned());
    }
    because.extend(run.incomplete.iter().map(|text| format!("the record is not whole: {text}")));
    let whole = if because.is_empty() { Verdict::Pass } else { Verdict::Inconclusive };
    // A self-test that what ended the run early kept from its end says nothing more.
    let cut_off =
        whole != Verdict::Pass && self_test.as_ref().is_some_and(|story| story.ended_at.is_none());
    if cut_off && !what_to_do.is_empty() {
        // What helps against the end is all that there is to do.
        for check in &mut checks {
            check.remedy = None;
        }
    }
    let broken = checks.iter().filter(|check| check.verdict != Verdict::Pass && !cut_off);
    because.extend(broken.map(|check| format!("{}: {}", check.name, check.because)));
    for scenario in scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass) {
        // The other checks failed because of the same.
        if scenario.advice.is_some() {
            let reasons = scenario.all_advice().map(|advice| &advice.because);
            because.extend(reasons.map(|reason| format!("{}: {reason}", scenario.name)));
            continue;
        }
        for check in scenario.checks.iter().filter(|check| check.verdict == scenario.verdict) {
            let reason = format!("{}: {}", scenario.name, check.because);
            if !because.contains(&reason) {
                because.push(reason);
            }
        }
    }
    let of_scenarios = scenarios.iter().map(|scenario| scenario.verdict);
    let of_checks = checks.iter().map(|check| check.verdict);
    let verdict = Verdict::worst(of_scenarios.chain(of_checks)).max(whole);
    let mut judgement = Judgement {
        schema_version: SCHEMA_VERSION,
        run_id: run.meta.run_id.clone(),
        started_at: run.meta.started_at.clone(),
        tool_version: run.meta.tool_version.clone(),
        command: run.meta.command.clone(),
        verdict,
        headline: of_what(
            &run.meta.engine,
            &run.meta.stack,
            &headline(verdict, &scenarios, &because, &run.meta.limits),
        ),
        because,
        what_to_do,
        whole: whole == Verdict::Pass,
        caveats,
        limits: run.meta.limits,
        against: run.meta.against.clone(),
        checks,
        self_test_plan: run.meta.negative_control,
        self_test,
        engine: run.meta.engine.clone(),
        stack: run.meta.stack.clone(),
        scenarios,
    };
    let differences = run.meta.against.as_ref().and_then(|against| judgement.differences(against));
    judgement.caveats.extend(differences);
    judgement
}
