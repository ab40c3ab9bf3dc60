//! What the model of Swarm says of a recorded update, next to what was measured.

use serde::Serialize;

use crate::Offset;
use crate::record::Run;
use crate::swarm::UpdateState;
use crate::swarm_model::{HopTimes, Observed, Outcome};
use crate::wording::{counted, length, setting};

/// What the model of Swarm says of an update: the settings of the stack, the behaviour of the
/// versions in the record, and the hop times of an idle machine. Instants count from the request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Prediction {
    /// The states and when each begins.
    pub states: Vec<PredictedState>,
    /// When Swarm calls it over; absent if it never does.
    pub finished_s: Option<Offset>,
    /// Whether Swarm then goes on to replace failed tasks, without a limit, because each fails too.
    pub churns: bool,
    /// How many slots get a task of the new version.
    pub touched: u64,
    /// Where it differs from what was measured: in a state, by more than a second and a tenth in a
    /// time, or in the number of slots. Absent if it does not, or if the update was not seen to its
    /// end.
    pub difference: Option<Difference>,
}

/// A predicted state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PredictedState {
    /// The state.
    pub state: UpdateState,
    /// When it begins.
    pub at_s: Offset,
}

/// Where a prediction and what was measured differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs, in plain words.
    pub what: String,
    /// The rule that decides it, in plain words.
    pub rule: String,
    /// The setting of that rule; absent if no setting decides it.
    pub setting: Option<&'static str>,
}

impl Prediction {
    /// The predictions of a run's updates, each with the name of its scenario, in their order.
    pub(super) fn all(run: &Run) -> Vec<(String, Self)> {
        let idle = HopTimes::default().faster(run.meta.engine.times_faster());
        let all = Observed::all(run);
        all.iter().map(|one| (one.scenario.clone(), Self::of(one, idle))).collect()
    }

    fn of(observed: &Observed, idle: HopTimes) -> Self {
        let idle = with_hops(observed, idle);
        let (_, played) = idle.replay();
        let states = played.states.iter();
        Self {
            states: states
                .map(|step| PredictedState { state: step.state, at_s: step.at })
                .collect(),
            finished_s: played.finished(),
            churns: played.churns,
            touched: played.touched.len() as u64,
            difference: (!observed.is_like(&played)).then(|| difference(observed, &played)),
        }
    }
}

fn with_hops(observed: &Observed, hops: HopTimes) -> Observed {
    let mut other = observed.clone();
    other.input.hops = hops;
    other
}

fn difference(observed: &Observed, played: &Outcome) -> Difference {
    let what = what_differs(observed, played);
    let (_, own) = observed.replay();
    if observed.is_like(&own) {
        let (rule, setting) = (slowest_hop(&observed.input.hops), None);
        return Difference { what, rule, setting };
    }
    let (rule, setting) = rule(observed, played);
    Difference { what, rule, setting }
}

fn what_differs(observed: &Observed, played: &Outcome) -> String {
    let pairs = observed.states.iter().zip(&played.states);
    for ((state, at), step) in pairs {
        if *state != step.state {
            return format!("{} was predicted, and {state} came", step.state);
        }
        if !Observed::same_time(*at, step.at) {
            return format!(
                "{state} was predicted after {}, and came after {}",
                length(step.at),
                length(*at)
            );
        }
    }
    match (observed.states.get(played.states.len()), played.states.get(observed.states.len())) {
        (Some((state, _)), _) => format!("{state} came, which was not predicted"),
        (None, Some(step)) => format!("{} was predicted, and did not come", step.state),
        (None, None) => format!(
            "{} predicted to get the new version, and {} did",
            counted(played.touched.len() as u64, "slot"),
            observed.touched.len()
        ),
    }
}

/// The part of the machine's own time that is longest against that of an idle one.
fn slowest_hop(hops: &HopTimes) -> String {
    let idle = HopTimes::default();
    let parts = [
        ("making a container", hops.create, idle.create),
        ("starting a container", hops.start, idle.start),
        ("starting a container beside each other one", hops.crowd, idle.crowd),
        ("a health check", hops.check, idle.check),
        ("the end of a container", hops.teardown, idle.teardown),
    ];
    let longest = parts.into_iter().max_by_key(|(_, here, usual)| (*here - *usual).abs());
    let words = longest.map(|(what, here, usual)| {
        format!("{what} takes {} here, and {} on an idle machine", length(here), length(usual))
    });
    words.unwrap_or_default()
}

/// The rule that decides the first state that differs.
fn rule(observed: &Observed, played: &Outcome) -> (String, Option<&'static str>) {
    let policy = &observed.input.new.spec.update;
    let first = observed
        .states
        .iter()
        .zip(&played.states)
        .find(|((state, at), step)| *state != step.state || !Observed::same_time(*at, step.at));
    let came = first.map(|((state, _), _)| *state);
    let predicted = first.map(|(_, step)| step.state);
    let never_ended = observed.states.last().is_some_and(|(state, _)| !state.is_terminal());
    match (came.or(predicted), predicted) {
        (None, _) if never_ended => (
            "Swarm waits without a deadline for a task that neither runs nor fails: the record does \
             not show why (a node, a port, a reservation)"
                .to_owned(),
            None,
        ),
        (None, _) if observed.states.len() == played.states.len() && policy.delay > 0.0 => {
            ("the record does not show a new task in every slot that was updated".to_owned(), None)
        }
        (None, _) if observed.states.len() == played.states.len() => (
            "without a delay, Swarm may update more slots before it looks at a failure".to_owned(),
            Some("update_config.delay"),
        ),
        (Some(UpdateState::Completed | UpdateState::RollbackCompleted), Some(state))
            if came == Some(state) =>
        {
            let back = state == UpdateState::RollbackCompleted;
            (
                "after the last slot Swarm waits its delay and watches for monitor, and it takes \
                 parallelism slots at once: a task that is slow to run holds its slot"
                    .to_owned(),
                Some(if back { "rollback_config.monitor" } else { "update_config.monitor" }),
            )
        }
        (Some(UpdateState::RollbackStarted | UpdateState::Paused), Some(state))
            if came == Some(state) =>
        {
            ("a task fails once its process ends or its health check says so".to_owned(), Some("healthcheck"))
        }
        _ => (
            format!(
                "a failure counts within monitor ({}) of the start of its task",
                setting(policy.monitor)
            ),
            Some("update_config.monitor"),
        ),
    }
}
