//! One predicted update, as figures.

use serde::Serialize;

use crate::Offset;
use crate::swarm::UpdateState;
use crate::swarm_model::{End, Input, Outcome, Races, What, Which, simulate};

/// One predicted update. Instants count from the request for it; keys end in `_s` in JSON because
/// they are seconds.
#[derive(Debug, Clone, Serialize)]
pub struct Course {
    /// `good`, `broken` or `behaviour`.
    pub name: &'static str,
    /// How the new version behaves, in plain words.
    pub behaviour: String,
    /// The states of the update, in order.
    pub states: Vec<StateAt>,
    /// The last of them; `none` if nothing is replaced.
    pub final_state: UpdateState,
    /// Whether it was rolled back.
    pub rolled_back: bool,
    /// Why the update never ends, if it does not.
    pub hangs: Option<String>,
    /// Whether Swarm then goes on to replace failed tasks, without a limit, because each fails too.
    pub churns: bool,
    /// When Swarm calls it over.
    pub finished_s: Option<Offset>,
    /// When the first new task serves.
    pub first_new_serves_s: Option<Offset>,
    /// When every replica of the new version serves.
    pub new_serves_s: Option<Offset>,
    /// When the last task of the replaced version has ended.
    pub last_replaced_gone_s: Option<Offset>,
    /// When the first new task failed.
    pub first_failure_s: Option<Offset>,
    /// The rollback, if there is one.
    pub rollback: Option<Rollback>,
    /// How many replicas there are.
    pub capacity: Capacity,
    /// The most tasks at once that hold the resources of a node.
    pub most_tasks: u64,
    /// The same on the fullest node.
    pub most_tasks_on_a_node: u64,
    /// The slots that had a task of the new version.
    pub touched_slots: Vec<u64>,
    /// What each slot does over time.
    pub slots: Vec<SlotCourse>,
    /// Other ways in which it can go, because parts of the engine race.
    pub alternatives: Vec<Alternative>,
}

/// A state and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateAt {
    /// The state.
    pub state: UpdateState,
    /// When it began.
    pub at_s: Offset,
}

/// A predicted rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rollback {
    /// When it begins.
    pub started_s: Offset,
    /// When Swarm calls it over.
    pub finished_s: Option<Offset>,
    /// When every replica of the previous version serves again.
    pub restored_s: Option<Offset>,
}

/// How many replicas there are during an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Replicas wanted.
    pub desired: u64,
    /// The fewest that serve: running, and not told to stop.
    pub lowest_serving: u64,
    /// The fewest that can answer: they serve, and their program is ready.
    pub lowest_answering: u64,
    /// How long fewer than `desired` can answer, within what was simulated.
    pub below_desired_s: Offset,
}

/// What a slot does over time.
#[derive(Debug, Clone, Serialize)]
pub struct SlotCourse {
    /// The slot.
    pub slot: u64,
    /// The times, one after the other.
    pub spans: Vec<Span>,
}

/// A time in which a slot does one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// When it begins.
    pub from_s: Offset,
    /// When it ends.
    pub to_s: Offset,
    /// What it does.
    pub doing: Doing,
}

/// What a slot does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// The old version serves.
    OldServes,
    /// The old version serves while a task of the new one starts.
    OldServesNewStarts,
    /// The new version serves.
    NewServes,
    /// The new version serves while a task of the old one starts.
    NewServesOldStarts,
    /// No task of the slot serves.
    NothingServes,
}

/// Another way in which an update can go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// The race that leads to it.
    pub because: &'static str,
    /// The states, in order.
    pub states: Vec<StateAt>,
    /// When Swarm calls it over.
    pub finished_s: Option<Offset>,
    /// The slots that had a task of the new version.
    pub touched_slots: Vec<u64>,
    /// The fewest replicas that can answer.
    pub lowest_answering: u64,
}

impl Course {
    /// The fewest replicas that can answer, however the engine's races end.
    #[must_use]
    pub fn lowest(&self) -> u64 {
        let others = self.alternatives.iter().map(|other| other.lowest_answering);
        others.chain([self.capacity.lowest_answering]).min().unwrap_or(0)
    }

    /// Plays an update, in every way in which its races can end.
    #[must_use]
    pub fn of(name: &'static str, behaviour: String, input: &Input) -> Self {
        let outcome = simulate(input);
        let mut course = Self::from_outcome(name, behaviour, input, &outcome);
        for (races, because) in RACES {
            let other = simulate(&Input { races, ..input.clone() });
            let other = Alternative::of(because, &other);
            let same = |known: &Alternative| {
                known.states == other.states && known.touched_slots == other.touched_slots
            };
            let is_main =
                course.states == other.states && course.touched_slots == other.touched_slots;
            if !is_main && !course.alternatives.iter().any(same) {
                course.alternatives.push(other);
            }
        }
        course
    }

    fn from_outcome(
        name: &'static str,
        behaviour: String,
        input: &Input,
        outcome: &Outcome,
    ) -> Self {
        let rolled_back = outcome.rolled_back();
        let from = outcome.first(UpdateState::RollbackStarted);
        let answering = outcome.answering();
        let desired = outcome.replicas[0].min(outcome.replicas[1]);
        let replaced = if outcome.spec == Which::New { Which::Old } else { Which::New };
        Self {
            name,
            behaviour,
            states: states(outcome),
            final_state: outcome.final_state(),
            rolled_back,
            hangs: (outcome.end == End::Hangs).then(|| why_it_hangs(outcome)),
            churns: outcome.churns,
            finished_s: outcome.finished(),
            first_new_serves_s: outcome
                .steps
                .iter()
                .find(|step| {
                    step.what == What::Running
                        && outcome.tasks[step.task as usize].version == Which::New
                })
                .map(|step| step.at),
            new_serves_s: outcome.all_serve(Which::New, Offset::ZERO),
            last_replaced_gone_s: outcome.last_gone(replaced),
            first_failure_s: outcome.first_failure(),
            rollback: from.map(|started_s| Rollback {
                started_s,
                finished_s: outcome.finished(),
                restored_s: outcome.all_serve(Which::Old, started_s),
            }),
            capacity: Capacity {
                desired,
                lowest_serving: outcome.lowest_serving(),
                lowest_answering: outcome.lowest_answering(),
                below_desired_s: below(&answering, desired, outcome.until),
            },
            most_tasks: outcome.most_tasks(),
            most_tasks_on_a_node: (0..input.nodes.len())
                .map(|node| outcome.most_tasks_on(node))
                .max()
                .unwrap_or(0),
            touched_slots: outcome.touched.clone(),
            slots: super::slot_courses::slot_courses(outcome),
            alternatives: Vec::new(),
        }
    }
}

/// The races, and what they are in plain words.
const RACES: [(Races, &str); 3] = [
    (
        Races { over_dispatch: false, restart_first: true },
        "Swarm replaces the failed task before it begins the rollback",
    ),
    (
        Races { over_dispatch: true, restart_first: false },
        "without a delay, Swarm updates the next slots before it looks at the failure",
    ),
    (
        Races { over_dispatch: true, restart_first: true },
        "Swarm updates the next slots and replaces the failed task before it looks at the failure",
    ),
];

impl Alternative {
    fn of(because: &'static str, outcome: &Outcome) -> Self {
        Self {
            because,
            states: states(outcome),
            finished_s: outcome.finished(),
            touched_slots: outcome.touched.clone(),
            lowest_answering: outcome.lowest_answering(),
        }
    }
}

fn states(outcome: &Outcome) -> Vec<StateAt> {
    outcome.states.iter().map(|step| StateAt { state: step.state, at_s: step.at }).collect()
}

/// How long the level was below `desired`.
fn below(levels: &[(Offset, u64)], desired: u64, until: Offset) -> Offset {
    let ends = levels.iter().skip(1).map(|(at, _)| *at).chain([until]);
    levels
        .iter()
        .zip(ends)
        .filter(|((at, level), end)| *level < desired && *end > *at && *at > Offset::ZERO)
        .fold(Offset::ZERO, |sum, ((at, _), end)| sum + (end - *at))
}

/// What an update that never ends waits for.
fn why_it_hangs(outcome: &Outcome) -> String {
    match outcome.no_room() {
        Some(reason) => format!(
            "no node has room for a new task ({}), and Swarm has no deadline for that",
            reason.as_str()
        ),
        None => "a new task neither runs nor fails, and Swarm has no deadline for that".to_owned(),
    }
}
