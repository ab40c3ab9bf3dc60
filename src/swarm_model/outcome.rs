//! What a simulation found.

use super::HopTimes;
use super::task::{NONE, NoRoom, Step, What, Which};
use super::world::{World, index};
use crate::Offset;
use crate::swarm::{TaskState, UpdateState};

/// What a simulation found. Instants count from the request for the update.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The states of the update, in order; empty if there was nothing to replace.
    pub states: Vec<StateStep>,
    /// What happened to each task, in order.
    pub steps: Vec<Step>,
    /// The tasks, which steps name by their index.
    pub tasks: Vec<TaskFacts>,
    /// How it ended.
    pub end: End,
    /// Whether Swarm then goes on to replace failed tasks in updates without end, because each fails too.
    pub churns: bool,
    /// The last instant that was simulated.
    pub until: Offset,
    /// The version whose spec the service has in the end.
    pub spec: Which,
    /// The slots that had a task of the new version, from 1, in order.
    pub touched: Vec<u64>,
    /// Replicas that each version wants.
    pub replicas: [u64; 2],
    /// The hop times of the simulation.
    pub hops: HopTimes,
}

/// A state of the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateStep {
    /// When it began.
    pub at: Offset,
    /// The state.
    pub state: UpdateState,
    /// Why.
    pub why: Why,
}

/// Why a state of an update began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// There was something to replace.
    Began,
    /// Everything was replaced and watched.
    Done,
    /// Too many tasks failed; the last one was this, by its index.
    Failed(u32),
}

/// How a simulation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The update ended, or there was none.
    Rest,
    /// The update waits for something that does not happen: Swarm has no deadline for it.
    Hangs,
}

/// A task of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskFacts {
    /// Its slot, from 1.
    pub slot: u64,
    /// Its version.
    pub version: Which,
    /// Its node, by its index; absent if it never had one.
    pub node: Option<usize>,
    /// When it got its stop signal.
    pub signal: Option<Offset>,
    /// When its process ended.
    pub died: Option<Offset>,
    /// Whether it was killed after its grace period.
    pub killed: bool,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// Whether the update made it, and not the restart supervisor.
    pub of_update: bool,
    /// When its program could answer, if it ever could, and when it no longer could.
    pub able: (Option<Offset>, Option<Offset>),
}

impl TaskFacts {
    fn of(world: &World, id: u32) -> Self {
        let (task, until) = (&world.tasks[id as usize], world.now);
        let able = |found: Option<Offset>| Some(task.started? + found?);
        let (from, to) = world.behaviour(id).able();
        Self {
            able: (able(from), able(to)),
            slot: u64::from(task.slot) + 1,
            version: task.version,
            node: (task.node != NONE).then_some(task.node as usize),
            signal: task.signal.filter(|at| *at <= until),
            died: task.died,
            killed: task.killed && task.died.is_some(),
            exit_code: task.exit_code.filter(|_| task.died.is_some()),
            of_update: task.updater != 0,
        }
    }
}

impl Outcome {
    pub(super) fn of(world: World, end: End) -> Self {
        let until = world.now;
        let replicas = [&world.input.old.spec, &world.input.new.spec]
            .map(|spec| spec.slots_on(&world.input.nodes));
        let touched = world.touched.iter().zip(1..).filter(|(touched, _)| **touched);
        Self {
            churns: world.churns(),
            touched: touched.map(|(_, slot)| slot).collect(),
            tasks: (0..index(world.tasks.len())).map(|id| TaskFacts::of(&world, id)).collect(),
            states: world.states,
            steps: world.steps,
            end,
            until,
            spec: world.current,
            replicas,
            hops: world.input.hops,
        }
    }

    /// The last state of the update.
    #[must_use]
    pub fn final_state(&self) -> UpdateState {
        self.states.last().map_or(UpdateState::None, |step| step.state)
    }

    /// When a state first began.
    #[must_use]
    pub fn first(&self, state: UpdateState) -> Option<Offset> {
        self.states.iter().find(|step| step.state == state).map(|step| step.at)
    }

    /// Whether the update was rolled back, whatever the last state says.
    #[must_use]
    pub fn rolled_back(&self) -> bool {
        self.states.iter().any(|step| step.state.is_rollback())
    }

    /// When the last state began, if Swarm takes no further action in it.
    #[must_use]
    pub fn finished(&self) -> Option<Offset> {
        self.states.last().filter(|step| step.state.is_terminal()).map(|step| step.at)
    }

    /// When the rollback, or the pause, was decided, and the task whose failure did it.
    #[must_use]
    pub fn trigger(&self) -> Option<(Offset, u32)> {
        self.states.iter().find_map(|step| match step.why {
            Why::Failed(task) => Some((step.at, task)),
            _ => None,
        })
    }

    /// When the first task of the new version failed: by its health check or by ending.
    #[must_use]
    pub fn first_failure(&self) -> Option<Offset> {
        let steps =
            self.steps.iter().filter(|step| self.tasks[step.task as usize].version == Which::New);
        steps
            .filter(|step| match step.what {
                What::Unhealthy => true,
                What::Ended(state) => state != TaskState::Shutdown,
                _ => false,
            })
            .map(|step| step.at)
            .next()
    }

    /// Why tasks of the new version found no node, if any did.
    #[must_use]
    pub fn no_room(&self) -> Option<NoRoom> {
        self.steps.iter().find_map(|step| match step.what {
            What::Pending(reason) => Some(reason),
            _ => None,
        })
    }

    /// How many tasks of each version are in some state from each instant on. `change` says what
    /// a step changes.
    fn levels(&self, which: impl Fn(&TaskFacts) -> bool, count: Count) -> Vec<(Offset, u64)> {
        let mut counted = vec![false; self.tasks.len()];
        let mut levels: Vec<(Offset, u64)> = Vec::new();
        let mut level: u64 = 0;
        for step in &self.steps {
            let index = step.task as usize;
            let begins = count.begins(step.what);
            if begins == counted[index] || !(begins || count.ends(step.what)) {
                continue;
            }
            if !which(&self.tasks[index]) {
                continue;
            }
            counted[index] = begins;
            level = if begins { level + 1 } else { level.saturating_sub(1) };
            match levels.last_mut() {
                Some((at, last)) if *at == step.at => *last = level,
                _ => levels.push((step.at, level)),
            }
        }
        levels
    }

    /// Replicas that serve, from each instant on: `running`, and not told to stop.
    #[must_use]
    pub fn serving(&self) -> Vec<(Offset, u64)> {
        self.levels(|_| true, Count::Serving)
    }

    /// The fewest replicas that serve.
    #[must_use]
    pub fn lowest_serving(&self) -> u64 {
        lowest(&self.serving(), self.replicas[0])
    }

    /// Replicas that can answer, from each instant on: they serve, and their program is ready and
    /// sound. Without a health check a replica serves before it is ready.
    #[must_use]
    pub fn answering(&self) -> Vec<(Offset, u64)> {
        let mut serves: Vec<(Option<Offset>, Option<Offset>)> =
            vec![(None, None); self.tasks.len()];
        for step in &self.steps {
            let serves = &mut serves[step.task as usize];
            if Count::Serving.begins(step.what) {
                serves.0 = Some(step.at);
            } else if Count::Serving.ends(step.what) {
                serves.1.get_or_insert(step.at);
            }
        }
        let mut changes: Vec<(Offset, bool)> = Vec::new();
        for (task, (from, until)) in self.tasks.iter().zip(serves) {
            let Some((from, able)) = from.zip(task.able.0) else { continue };
            let from = from.max(able);
            let until = [until, task.able.1].into_iter().flatten().min();
            if until.is_none_or(|until| until > from) {
                changes.push((from, true));
                changes.extend(until.map(|until| (until, false)));
            }
        }
        // A change of hands at one instant is no dip.
        changes.sort_by_key(|(at, begins)| (*at, !*begins));
        let mut levels: Vec<(Offset, u64)> = Vec::new();
        let mut level: u64 = 0;
        for (at, begins) in changes {
            level = if begins { level + 1 } else { level.saturating_sub(1) };
            match levels.last_mut() {
                Some((last, count)) if *last == at => *count = level,
                _ => levels.push((at, level)),
            }
        }
        levels
    }

    /// The fewest replicas that can answer.
    #[must_use]
    pub fn lowest_answering(&self) -> u64 {
        lowest(&self.answering(), self.replicas[0])
    }

    /// The most tasks that hold a node's resources at once: from getting the node to their end.
    #[must_use]
    pub fn most_tasks(&self) -> u64 {
        self.levels(|_| true, Count::Existing).iter().map(|(_, level)| *level).max().unwrap_or(0)
    }

    /// The same on one node.
    #[must_use]
    pub fn most_tasks_on(&self, node: usize) -> u64 {
        let levels = self.levels(|task| task.node == Some(node), Count::Existing);
        levels.iter().map(|(_, level)| *level).max().unwrap_or(0)
    }

    /// The first instant from `from` on at which every replica of that version serves.
    #[must_use]
    pub fn all_serve(&self, version: Which, from: Offset) -> Option<Offset> {
        let wanted = self.replicas[version.index()];
        let levels = self.levels(|task| task.version == version, Count::Serving);
        let at_from =
            levels.iter().rev().find(|(at, _)| *at <= from).map_or(0, |(_, level)| *level);
        if at_from >= wanted {
            return Some(from);
        }
        levels.iter().find(|(at, level)| *at > from && *level >= wanted).map(|(at, _)| *at)
    }

    /// When the last task of a version ended; absent if one is left.
    #[must_use]
    pub fn last_gone(&self, version: Which) -> Option<Offset> {
        let levels = self.levels(|task| task.version == version, Count::Existing);
        levels.last().filter(|(_, level)| *level == 0).map(|(at, _)| *at)
    }
}

/// The lowest level after all replicas were there for the first time.
fn lowest(levels: &[(Offset, u64)], all: u64) -> u64 {
    levels.iter().map(|(_, level)| *level).skip_while(|level| *level < all).min().unwrap_or(0)
}

/// What is counted.
#[derive(Debug, Clone, Copy)]
enum Count {
    Serving,
    Existing,
}

impl Count {
    fn begins(self, what: What) -> bool {
        match self {
            Self::Serving => what == What::Running,
            Self::Existing => what == What::Assigned,
        }
    }

    fn ends(self, what: What) -> bool {
        let serving = matches!(what, What::ToldToStop | What::Died);
        matches!(what, What::Ended(_)) || (matches!(self, Self::Serving) && serving)
    }
}
