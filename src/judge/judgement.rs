//! The judgement of a whole run.

use std::collections::HashSet;

use serde::Serialize;

use super::answering::replicas_answering;
use super::attribution::Attribution;
use super::baseline::Baseline;
use super::baseline_after::BaselineAfter;
use super::explained::explain_all;
use super::machine::Machine;
use super::machine_fault::MachineFault;
use super::rollback_checks::rollback_checks;
use super::scene::{End, Scene};
use super::trust_checks::Evidence;
use super::update_checks::{no_change_checks, update_checks};
use super::user_checks::{Doubt, capacity, no_failed_requests};
use super::{
    Capacity, Check, Limits, Masked, NegativeControlStory, ReplicaStory, RollbackStory,
    ScenarioJudgement, StreamStats, TransitionWindow, UpdateStory, Verdict, stream_stats,
};
use crate::record::{
    EndReason, EngineFacts, EventKind, Expects, NegativeControl, Purpose, Run, SCHEMA_VERSION,
    StackFacts,
};
use crate::stats::{Gap, Outage};

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
    /// Why it is that: a plain sentence for each check that does not hold.
    pub because: Vec<String>,
    /// Whether the run was neither interrupted nor its record cut off.
    pub whole: bool,
    /// What a reader of the verdict has to know.
    pub caveats: Vec<String>,
    /// What was checked of the run as a whole.
    pub checks: Vec<Check>,
    /// The update that is known to lose requests, if one was planned.
    pub negative_control: Option<NegativeControlStory>,
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
    let scenes = Scene::all(run);
    let mut caveats = run.meta.caveats.clone();
    caveats.extend(run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Caveat { text } => Some(text.clone()),
        _ => None,
    }));
    let scenarios: Vec<ScenarioJudgement> =
        scenes.iter().map(|scene| judge_scene(run, scene, limits, &mut caveats)).collect();
    if run.meta.negative_control == NegativeControl::Off {
        caveats.push(
            "the negative control was turned off: nothing shows that this run would have noticed \
             a lost request"
                .to_owned(),
        );
    }
    let negative_control = (run.meta.negative_control == NegativeControl::Planned)
        .then(|| NegativeControlStory::of(run));
    let checks: Vec<Check> = negative_control.iter().map(NegativeControlStory::check).collect();
    let mut seen = HashSet::new();
    caveats.retain(|caveat| seen.insert(caveat.clone()));

    let mut because = Vec::new();
    if scenarios.is_empty() {
        because.push("no scenario was begun".to_owned());
    }
    if run.events.iter().any(|event| event.kind == EventKind::Interrupted) {
        because.push("the run was interrupted".to_owned());
    }
    because.extend(run.incomplete.iter().map(|text| format!("the record is not whole: {text}")));
    let whole = if because.is_empty() { Verdict::Pass } else { Verdict::Inconclusive };
    let broken = checks.iter().filter(|check| check.verdict != Verdict::Pass);
    because.extend(broken.map(|check| format!("{}: {}", check.name, check.because)));
    for scenario in scenarios.iter().filter(|scenario| scenario.verdict != Verdict::Pass) {
        for check in scenario.checks.iter().filter(|check| check.verdict == scenario.verdict) {
            let reason = format!("{}: {}", scenario.name, check.because);
            if !because.contains(&reason) {
                because.push(reason);
            }
        }
    }
    let of_scenarios = scenarios.iter().map(|scenario| scenario.verdict);
    let of_checks = checks.iter().map(|check| check.verdict);
    Judgement {
        schema_version: SCHEMA_VERSION,
        run_id: run.meta.run_id.clone(),
        started_at: run.meta.started_at.clone(),
        tool_version: run.meta.tool_version.clone(),
        command: run.meta.command.clone(),
        verdict: Verdict::worst(of_scenarios.chain(of_checks)).max(whole),
        because,
        whole: whole == Verdict::Pass,
        caveats,
        checks,
        negative_control,
        engine: run.meta.engine.clone(),
        stack: run.meta.stack.clone(),
        scenarios,
    }
}

fn judge_scene(
    run: &Run,
    scene: &Scene,
    limits: &Limits,
    caveats: &mut Vec<String>,
) -> ScenarioJudgement {
    let stack = &run.meta.stack;
    let counted = Capacity::of(scene);
    let rollback = RollbackStory::of(scene);
    let baseline = Baseline::of(run, scene);
    let mut streams: Vec<StreamStats> = run
        .shots
        .iter()
        .map(|(facts, shots)| stream_stats(facts, shots, scene.started, scene.ended))
        .collect();
    let answering = replicas_answering(scene, run, limits.answers_per_replica);
    let replicas = answering.map(|(often, by_stream)| {
        for (stream, seen) in streams.iter_mut().zip(by_stream) {
            if stream.purpose == Purpose::Users {
                stream.replicas_seen = seen.len() as u64;
            }
        }
        (scene.tasks.serving_last(scene.aimed_generation()).count() as u64, often)
    });
    // The negative control is mostly over before the first scenario begins.
    streams.retain(|stream| {
        stream.purpose != Purpose::NegativeControl || stream.sent + stream.unsent > 0
    });
    if replicas.is_none() && !run.shots.is_empty() {
        caveats.push(
            "the answers do not tell which replica gave them: a replica that never answered would \
             not be noticed"
                .to_owned(),
        );
    }

    let machine = Machine::of(scene);
    let attribution = Attribution::new(run, scene, counted.as_ref(), stack.healthcheck.is_some());
    let explained = explain_all(run, scene, &attribution, &machine.starved(), limits);
    let of_users: Vec<&StreamStats> =
        streams.iter().filter(|stream| stream.purpose == Purpose::Users).collect();
    let gaps: Vec<&[Gap]> = of_users.iter().map(|stream| stream.gaps.as_slice()).collect();
    let outage = Outage::of(&gaps);
    let failed = of_users.iter().map(|stream| stream.failed).sum();

    let mut checks = match scene.expects {
        Expects::Update => update_checks(scene, &stack.update_config),
        Expects::Rollback => rollback_checks(scene, rollback.as_ref(), &stack.update_config),
        Expects::NoChange => no_change_checks(scene),
    };
    let after = BaselineAfter::of(run, scene);
    let evidence =
        Evidence { scene, limits, streams: &streams, machine: &machine, baseline, after, replicas };
    let in_time = evidence.sent_in_time();
    let busy = explained.own_lag + if in_time { explained.starved } else { explained.soft };
    let doubt = Doubt { baseline: baseline.is_dirty(), control: evidence.control_failed(), busy };
    checks.push(no_failed_requests(&of_users, &explained.causes, doubt));
    checks.push(capacity(scene, counted.as_ref(), stack));
    let fault = MachineFault::of(scene, &machine, stack.healthcheck.as_ref(), in_time);
    if let Some(fault) = fault {
        checks.iter_mut().for_each(MachineFault::excuse);
        checks.push(fault.check());
    }
    checks.extend(evidence.checks());

    ScenarioJudgement {
        name: scene.name.to_owned(),
        expects: scene.expects,
        change: scene.change.to_owned(),
        verdict: Verdict::worst(checks.iter().map(|check| check.verdict)),
        started_at: scene.started,
        ended_at: scene.ended,
        end: end_in_words(scene.end),
        update: UpdateStory::of(scene),
        rollback,
        capacity: counted,
        replicas: ReplicaStory::all(run, scene),
        masked: Masked::all(run, scene),
        streams,
        transition_windows: TransitionWindow::all(run, scene),
        outage,
        failed,
        failures: explained.failures,
        causes: explained.causes,
        checks,
    }
}

fn end_in_words(end: End) -> String {
    match end {
        End::Ended(EndReason::Settled) => "the service came to rest".to_owned(),
        End::Ended(EndReason::Deadline { text }) => format!("the time was over: {text}"),
        _ => end.unknown().unwrap_or_default(),
    }
}
