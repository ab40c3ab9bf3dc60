//! The judgement of one scenario.

use serde::Serialize;

use super::advice::{Advice, Case};
use super::against::Now;
use super::attribution::{AROUND_LOSS, Attribution};
use super::baseline::{Baseline, BaselineAfter};
use super::capacity::Capacity;
use super::cause::{CauseGroup, FailedRequest, Failure};
use super::check::{Check, Verdict};
use super::declared::{Declared, applies};
use super::end::End;
use super::explained::{Excuses, explain_all};
use super::health_story::HealthStory;
use super::limits::Limits;
use super::machine::{Machine, MachineFault};
use super::masked::Masked;
use super::nodes::NodeLoss;
use super::other_changes::{ServiceJudgement, one_version, other_services};
use super::prediction::Prediction;
use super::remedies::STEADY_ENGINE;
use super::replicas::{ReplicaStory, Strangers, replicas_answering};
use super::scene::Scene;
use super::stream_stats::{StreamStats, stream_stats};
use super::swarm_checks::{ROLLBACK_HAPPENED, no_change_checks, rollback_checks, update_checks};
use super::transition::TransitionWindow;
use super::trust_checks::{Evidence, sent_in_time};
use super::update_story::{RollbackStory, UpdateStory};
use super::user_checks::{capacity, no_failed_requests};
use super::user_limits::{Required, with_allowance};
use crate::Offset;
use crate::record::{EndReason, Expects, Losses, Must, Purpose, Run, StackFacts};
use crate::stats::{Gap, Outage};
use crate::swarm::FailureAction;

/// The judgement of one scenario. Instants count from the run's start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioJudgement {
    /// The scenario's name.
    pub name: String,
    /// What was expected.
    pub expects: Expects,
    /// What it declares must happen, if it declares that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub must: Option<Must>,
    /// What was changed, in plain words.
    pub change: String,
    /// The worst of its checks.
    pub verdict: Verdict,
    /// When it began.
    pub started_at: Offset,
    /// When it ended, or the last sign of it.
    pub ended_at: Offset,
    /// How it ended, in plain words.
    pub end: String,
    /// What Swarm did.
    pub update: UpdateStory,
    /// The other services that it changed or created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<ServiceJudgement>,
    /// What the model of Swarm says of it; absent if it cannot: no update, or no replicas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Prediction>,
    /// Nodes that went away, were drained or lost their manager.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeLoss>,
    /// The rollback, if there was one.
    pub rollback: Option<RollbackStory>,
    /// The replicas; absent if no task was seen.
    pub capacity: Option<Capacity>,
    /// How the health checks of each task went; empty if none were seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub health: Vec<HealthStory>,
    /// What each replica answered when it was asked directly; empty if none was.
    pub replicas: Vec<ReplicaStory>,
    /// Failures that users did not notice because a proxy most likely hid them.
    pub masked: Vec<Masked>,
    /// What users got.
    pub streams: Vec<StreamStats>,
    /// What each stream measured just around the changes of tasks.
    pub transition_windows: Vec<TransitionWindow>,
    /// When no stream got anything, and when only some did not; without the control.
    pub outage: Outage,
    /// How many requests failed in all streams.
    pub failed: u64,
    /// The first of them, each explained.
    pub failures: Vec<Failure>,
    /// All of them, for what shows each.
    #[serde(skip)]
    pub failed_requests: Vec<FailedRequest>,
    /// All of them, grouped by cause; the greatest group first.
    pub causes: Vec<CauseGroup>,
    /// The checks.
    pub checks: Vec<Check>,
    /// Why users lost requests, and the fix for that, where `advice` is about another service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_advice: Option<Advice>,
    /// The one cause that decides a failed scenario, and its one fix; absent unless it failed.
    pub advice: Option<Advice>,
}

impl ScenarioJudgement {
    /// Why it failed and what to change, what users noticed first: the cause of the requests that they
    /// lost, if that is another one, and what decides the scenario.
    pub fn all_advice(&self) -> impl Iterator<Item = &Advice> {
        self.loss_advice.iter().chain(&self.advice)
    }
}

const NAMELESS: &str = "the responses do not say which replica sent them: a replica that never \
    responds would go unnoticed";

/// Judges one scenario; `caveats` takes what a reader of the verdict has to know.
pub(super) fn judge_scene(
    run: &Run,
    scene: &Scene,
    limits: &Limits,
    caveats: &mut Vec<String>,
) -> ScenarioJudgement {
    let (stack, wanted) = (&run.meta.stack.in_update(scene.specs()), run.meta.limits);
    let course = Capacity::of(scene);
    let rollback = RollbackStory::of(scene);
    let baseline = Baseline::of(run, scene);
    let mut streams = all_streams(run, scene);
    let replicas = replicas_that_answered(run, scene, limits, &mut streams);
    streams.retain(is_in);
    if replicas.is_none() && !run.shots.is_empty() {
        caveats.push(NAMELESS.to_owned());
    }

    let machine = Machine::of(run, scene);
    let in_time = sent_in_time(&streams, limits);
    let stories = ReplicaStory::all(run, scene);
    let attribution = Attribution::new(run, scene, stack, course.as_ref(), &stories, limits);
    let starved = machine.starved();
    let excuses = Excuses { starved: &starved, in_time, baseline: &baseline };
    let explained = explain_all(run, scene, &attribution, &excuses, limits);
    let of_users: Vec<&StreamStats> =
        streams.iter().filter(|stream| stream.purpose == Purpose::Users).collect();
    let outage = outage(&of_users);

    let services = ServiceJudgement::all(scene);
    let declared = Declared::of(scene, course.as_ref(), &explained.causes);
    let mut checks = done_by_swarm(scene, declared, rollback.as_ref(), stack, &services);
    let evidence = Evidence {
        scene,
        limits,
        streams: &streams,
        machine: &machine,
        baseline: &baseline,
        after: BaselineAfter::of(run, scene),
        replicas,
    };
    let control = evidence.control_failed();
    if scene.must.is_none_or(|must| must.losses == Losses::None) {
        let check = no_failed_requests(&of_users, &explained, control);
        checks.extend(with_allowance(check, &wanted, &of_users, &explained));
    }
    // What a scenario declares itself counts.
    if scene.must.is_none_or(|must| must.lowest.is_none() && wanted.min_serving.is_some()) {
        checks.push(capacity(scene, course.as_ref(), stack, wanted.min_serving));
    }
    let update = UpdateStory::of(scene);
    let required =
        Required { run, scene, users: &of_users, starved: &starved, in_time, took: update.took_s };
    checks.extend(required.checks());
    if let Some(against) = &run.meta.against {
        let now = Now {
            name: scene.name,
            streams: &streams,
            took: update.took_s,
            proven: explained.proof > 0 && !control,
            busy: !in_time || starved.stretches().next().is_some(),
        };
        checks.extend(now.checks(against));
    }
    excuse_what_the_machine_broke(scene, stack, &machine, in_time, &mut checks);
    checks.push(Strangers::of(run, scene).check());
    checks.extend(evidence.checks().into_iter().filter(|check| applies(check, scene.must)));
    if let Some((lost, _)) = scene.losses_above(limits.observer_gap).next() {
        only_the_engine(scene, lost, &mut checks);
    }
    let case = Case {
        scene,
        stack,
        checks: &checks,
        causes: &explained.causes,
        streams: &streams,
        capacity: course.as_ref(),
    };

    let (loss_advice, advice) = advice(&case, &services);
    ScenarioJudgement {
        loss_advice,
        advice,
        failed: of_users.iter().map(|stream| stream.failed).sum(),
        name: scene.name.to_owned(),
        expects: scene.expects,
        must: scene.must.cloned(),
        change: scene.change.to_owned(),
        verdict: Verdict::worst(checks.iter().map(|check| check.verdict)),
        started_at: scene.started,
        ended_at: scene.ended,
        end: end_in_words(scene),
        update,
        services,
        prediction: None,
        nodes: scene.nodes.clone(),
        rollback,
        capacity: course,
        health: HealthStory::all(scene),
        replicas: stories,
        masked: Masked::all(run, scene),
        streams,
        transition_windows: TransitionWindow::all(run, scene),
        outage,
        failures: explained.failures,
        failed_requests: explained.all,
        causes: explained.causes,
        checks,
    }
}

/// How many replicas serve in the end, and how many of them answered often enough; absent if no
/// response names its replica. Each of the users' streams gets to know how many answered it.
fn replicas_that_answered(
    run: &Run,
    scene: &Scene,
    limits: &Limits,
    streams: &mut [StreamStats],
) -> Option<(u64, u64)> {
    let (often, by_stream) = replicas_answering(scene, run, limits.answers_per_replica)?;
    for (stream, seen) in streams.iter_mut().zip(by_stream) {
        if stream.purpose == Purpose::Users {
            stream.replicas_seen = seen.len() as u64;
        }
    }
    Some((scene.tasks.serving_last(scene.aimed_generation()).count() as u64, often))
}

/// The checks of what Swarm did with each service of the stack.
fn done_by_swarm(
    scene: &Scene,
    declared: Option<Declared>,
    rollback: Option<&RollbackStory>,
    stack: &StackFacts,
    services: &[ServiceJudgement],
) -> Vec<Check> {
    let mut checks = match declared {
        Some(declared) => declared.checks(),
        None => swarm_checks(scene, rollback, stack),
    };
    checks.extend(other_services(services));
    checks.extend(one_version(scene));
    checks
}

/// Where the machine or the engine may have broken what was expected, nothing is proven, but for what
/// the settings alone forbid.
fn excuse_what_the_machine_broke(
    scene: &Scene,
    stack: &StackFacts,
    machine: &Machine,
    in_time: bool,
    checks: &mut Vec<Check>,
) {
    if let Some(fault) = MachineFault::of(scene, machine, scene.new_check(stack), in_time) {
        // With `pause` and `continue` Swarm rolls back on no machine.
        let rolls_back = stack.update_config.failure_action == FailureAction::Rollback;
        let settled = |check: &Check| check.name == ROLLBACK_HAPPENED && !rolls_back;
        checks.iter_mut().filter(|check| !settled(check)).for_each(MachineFault::excuse);
        checks.push(fault.check());
    }
}

/// The self-test is mostly over before the first scenario begins.
fn is_in(stream: &StreamStats) -> bool {
    stream.purpose != Purpose::NegativeControl || stream.sent + stream.unsent > 0
}

fn outage(of_users: &[&StreamStats]) -> Outage {
    let gaps: Vec<&[Gap]> = of_users.iter().map(|stream| stream.gaps.as_slice()).collect();
    Outage::of(&gaps)
}

fn all_streams(run: &Run, scene: &Scene) -> Vec<StreamStats> {
    let streams = run.shots.iter();
    streams.map(|(facts, shots)| stream_stats(facts, shots, scene.started, scene.ended)).collect()
}

/// What happened to another service is not to be repaired in the one under test, and does not explain
/// what users lost: that has its own advice, which comes first.
fn advice(case: &Case, services: &[ServiceJudgement]) -> (Option<Advice>, Option<Advice>) {
    let first = case.checks.iter().find(|check| check.verdict == Verdict::Fail);
    let other = services.iter().find_map(ServiceJudgement::named_advice);
    match other.filter(|_| first.is_some_and(|check| check.name == "other-services")) {
        Some(other) => (case.loss_advice(), Some(other)),
        None => (None, case.advice()),
    }
}

/// The checks on Swarm of a scenario that declares nothing else.
pub(super) fn swarm_checks(
    scene: &Scene,
    rollback: Option<&RollbackStory>,
    stack: &StackFacts,
) -> Vec<Check> {
    match scene.expects {
        Expects::Update | Expects::Declared => update_checks(scene, stack),
        Expects::Rollback => rollback_checks(scene, rollback, stack),
        Expects::NoChange => no_change_checks(scene),
    }
}

/// Where the engine was lost, that is the one reason: only what was proven before it still counts.
fn only_the_engine(scene: &Scene, lost: Offset, checks: &mut [Check]) {
    let rolled_back = scene.rollback_seen().is_some_and(|seen| seen < lost - AROUND_LOSS);
    let reason = checks.iter().find(|check| check.name == "observed");
    let Some(reason) = reason.map(|check| check.because.clone()) else { return };
    for check in checks.iter_mut().filter(|check| check.verdict != Verdict::Pass) {
        let proven = match check.name {
            "no-failed-requests" | "longest-gap" => check.verdict == Verdict::Fail,
            "not-rolled-back" => rolled_back,
            _ => false,
        };
        if !proven {
            check.verdict = Verdict::Inconclusive;
            check.because.clone_from(&reason);
            check.remedy = Some(STEADY_ENGINE.to_owned());
        }
    }
}

fn end_in_words(scene: &Scene) -> String {
    let planned = scene.must.is_some_and(|must| must.watch.is_some());
    match scene.end {
        End::Ended(EndReason::Settled) => "the service came to rest".to_owned(),
        End::Ended(EndReason::Deadline { text }) if planned => text.clone(),
        End::Ended(EndReason::Deadline { text }) => format!("timed out: {text}"),
        end => end.unknown().unwrap_or_default(),
    }
}
