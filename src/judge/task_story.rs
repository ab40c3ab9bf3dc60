//! The life of every task of a run, for timelines.

use std::collections::BTreeMap;

use super::task_failure::is_told_to_stop;
use super::tasks::{TaskLife, Tasks};
use crate::Offset;
use crate::record::{CheckSeen, ContainerAction, EventKind, LogLine, Run};
use crate::swarm::TaskState;

/// The services that rollproof adds to a stack have this in their names.
pub(super) const COMPANION: &str = "_rollproof-";

/// The tasks of one service, over a whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceStory {
    /// Its name, with the stack's prefix.
    pub service: String,
    /// Its tasks, by slot and in the order in which they were first seen.
    pub tasks: Vec<TaskStory>,
}

/// The life of one task. Instants count from the run's start; absent means not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskStory {
    /// Its place in the order in which the run first saw the service's tasks.
    pub number: usize,
    /// Its id.
    pub task: String,
    /// Its slot; 0 for a service with one task a node.
    pub slot: u64,
    /// Who it is, for people: its slot or node.
    pub whom: String,
    /// Its node's id; empty if it never had one.
    pub node: String,
    /// The version that it was made from, numbered from 1.
    pub generation: u32,
    /// Its image, as written in the spec.
    pub image: String,
    /// Its container's id; empty if it never had one.
    pub container: String,
    /// The states it went through, and when each began.
    pub states: Vec<(Offset, TaskState)>,
    /// When it became RUNNING.
    pub running: Option<Offset>,
    /// When Swarm told it to stop.
    pub told_to_stop: Option<Offset>,
    /// When it stopped to be a target of new requests.
    pub serves_until: Option<Offset>,
    /// When it ended.
    pub ended: Option<Offset>,
    /// Its container's exit code.
    pub exit_code: Option<i64>,
    /// Why it failed, if it did.
    pub failure: Option<String>,
    /// What happened to its container.
    pub marks: Vec<(Offset, TaskMark)>,
    /// The checks of its health, and when each started.
    pub checks: Vec<(Offset, CheckSeen)>,
    /// What it printed, and when.
    pub log: Vec<(Offset, LogLine)>,
    /// Why they made it unhealthy, in numbers.
    pub arithmetic: Option<String>,
}

/// Something that happened to a task's container at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskMark {
    /// It became healthy.
    Healthy,
    /// It became unhealthy: too many health checks failed in a row.
    Unhealthy {
        /// How many; absent if the record does not say.
        failures: Option<u64>,
        /// The last one's exit code; -1 if it timed out.
        exit_code: Option<i64>,
        /// The end of the last one's output.
        output: String,
    },
    /// It got a signal; absent if the record does not say which.
    Signal(Option<i64>),
    /// It ran out of memory.
    OutOfMemory,
    /// It ended, with this exit code.
    Ended(Option<i64>),
}

impl ServiceStory {
    /// The services of a run that have tasks, the one under test first; without those that rollproof
    /// added.
    #[must_use]
    pub fn all(run: &Run) -> Vec<Self> {
        let mut names: Vec<&str> = vec![&run.meta.stack.service];
        for event in &run.events {
            if let EventKind::Task(task) = &event.kind
                && !names.contains(&task.service.as_str())
                && !task.service.contains(COMPANION)
            {
                names.push(&task.service);
            }
        }
        let stories = names.into_iter().map(|service| Self::of(run, service));
        stories.filter(|story| !story.tasks.is_empty()).collect()
    }

    fn of(run: &Run, service: &str) -> Self {
        let lives = Tasks::of(&run.events, service).lives;
        let mut stories: BTreeMap<&str, TaskStory> = lives
            .iter()
            .enumerate()
            .map(|(number, life)| (life.last.task.as_str(), TaskStory::of(number, life)))
            .collect();
        for event in &run.events {
            match &event.kind {
                EventKind::Task(seen) => {
                    if let Some(story) = stories.get_mut(seen.task.as_str()) {
                        story.enter(event.at, seen.state, is_told_to_stop(seen));
                    }
                }
                EventKind::Container { task, action, exit_code, signal, .. } => {
                    if let Some(story) = stories.get_mut(task.as_str()) {
                        story.marks.extend(
                            TaskMark::of(*action, *exit_code, *signal).map(|mark| (event.at, mark)),
                        );
                    }
                }
                EventKind::HealthCheckFailed { task, failures, exit_code, output, .. } => {
                    if let Some(story) = stories.get_mut(task.as_str()) {
                        story.explain_unhealthy(event.at, *failures, *exit_code, output);
                    }
                }
                _ => {}
            }
        }
        let mut tasks: Vec<TaskStory> =
            lives.iter().filter_map(|life| stories.remove(life.last.task.as_str())).collect();
        tasks.sort_by(|one, other| (one.slot, &one.whom).cmp(&(other.slot, &other.whom)));
        Self { service: service.to_owned(), tasks }
    }
}

impl TaskStory {
    fn of(number: usize, life: &TaskLife) -> Self {
        Self {
            number,
            task: life.last.task.clone(),
            slot: life.last.slot,
            whom: life.whom(),
            node: life.last.node.clone(),
            generation: life.last.generation,
            image: life.last.image.clone(),
            container: life.last.container.clone(),
            states: Vec::new(),
            running: life.running,
            told_to_stop: life.told_to_stop,
            serves_until: life.serves_until(),
            ended: life.ended,
            exit_code: life.last.exit_code,
            failure: life.failure().map(|failure| failure.to_string()),
            marks: Vec::new(),
            checks: life.checks.iter().map(|(at, check)| (*at, (*check).clone())).collect(),
            log: life.log.iter().map(|(at, line)| (*at, (*line).clone())).collect(),
            arithmetic: life.health_arithmetic(),
        }
    }

    /// Notes a state. A sight of a state that it is in already changes something else.
    fn enter(&mut self, at: Offset, state: TaskState, told: bool) {
        let same = self.states.last().is_some_and(|last| last.1 == state);
        // What was never more than wanted has no life to show.
        let removed = told && self.states.is_empty() && state.is_terminal();
        if !same && !removed {
            let at = self.states.last().map_or(at, |last| at.max(last.0));
            self.states.push((at, state));
        }
    }

    fn explain_unhealthy(&mut self, at: Offset, failures: u64, exit_code: i64, output: &str) {
        let known = TaskMark::Unhealthy {
            failures: Some(failures),
            exit_code: Some(exit_code),
            output: output.to_owned(),
        };
        let mark =
            self.marks.iter_mut().rfind(|(_, mark)| matches!(mark, TaskMark::Unhealthy { .. }));
        match mark {
            Some(mark) => mark.1 = known,
            None => self.marks.push((at, known)),
        }
    }

    /// When it begins and ends on a timeline that ends at `end`.
    #[must_use]
    pub fn span(&self, end: Offset) -> Option<(Offset, Offset)> {
        let from = self.states.first()?.0;
        Some((from, self.ended.unwrap_or(end).max(from)))
    }

    /// Whether it was RUNNING and not told to stop at that instant.
    #[must_use]
    pub fn serves_at(&self, at: Offset) -> bool {
        self.running.is_some_and(|from| from <= at)
            && self.serves_until.is_none_or(|until| at < until)
    }
}

impl TaskMark {
    fn of(action: ContainerAction, exit_code: Option<i64>, signal: Option<i64>) -> Option<Self> {
        Some(match action {
            ContainerAction::Healthy => Self::Healthy,
            ContainerAction::Unhealthy => {
                Self::Unhealthy { failures: None, exit_code: None, output: String::new() }
            }
            ContainerAction::Kill => Self::Signal(signal),
            ContainerAction::Oom => Self::OutOfMemory,
            ContainerAction::Die => Self::Ended(exit_code),
            ContainerAction::Create | ContainerAction::Start | ContainerAction::Destroy => {
                return None;
            }
        })
    }
}
