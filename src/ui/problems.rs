//! What went wrong with tasks, each thing said once.

use std::collections::BTreeSet;

use super::screen::Scene;
use super::slots::SlotKey;
use super::task_line::TaskLine;
use crate::Offset;
use crate::record::{ContainerAction, Event, TaskSeen};
use crate::wording::{cut, list};

/// A task that ended this long before it was first seen is no problem of this run.
const HISTORY: Offset = Offset::from_millis(5_000);
/// How many cells of an engine's reason are shown.
const REASON: usize = 200;

/// The problems of tasks that are not reported yet. They are held for a moment: the same thing
/// often happens to several slots, and what a health check said comes a little later.
#[derive(Debug, Default)]
pub(super) struct Problems {
    held: Vec<Problem>,
    /// Tasks whose problem was noted, and whether it was that they got no further.
    noted: BTreeSet<(String, bool)>,
    /// What was reported in this phase: a crash loop is one problem.
    reported: BTreeSet<String>,
}

/// Something that went wrong with a task.
#[derive(Debug)]
struct Problem {
    at: Offset,
    seen: Offset,
    task: TaskSeen,
    failure: String,
}

impl Problems {
    /// Takes news of a task: it may have broken, or get no further.
    pub fn task(
        &mut self,
        event: &Event,
        seen: &TaskSeen,
        before: Option<&TaskLine>,
        scene: &Scene,
    ) {
        let Some(task) = scene.slots.task(&seen.task) else { return };
        let history = before.is_none() && event.seen - event.at > HISTORY;
        if history || task.is_leaving() || before.is_some_and(TaskLine::is_leaving) {
            return;
        }
        if task.is_broken() || task.is_stuck() {
            self.add(event, task, task.failure(), scene);
        }
    }

    /// Takes news of a task's container.
    pub fn container(&mut self, event: &Event, id: &str, action: ContainerAction, scene: &Scene) {
        let Some(task) = scene.slots.task(id) else { return };
        match action {
            ContainerAction::Unhealthy => self.add(event, task, task.failure(), scene),
            ContainerAction::Oom => self.add(event, task, "ran out of memory".into(), scene),
            _ => {}
        }
    }

    fn add(&mut self, event: &Event, task: &TaskLine, failure: String, scene: &Scene) {
        let ours = scene.slots.is_companion(&task.seen.service);
        if !ours && self.noted.insert((task.seen.task.clone(), task.is_stuck())) {
            let (at, seen, task) = (event.at, event.seen, task.seen.clone());
            self.held.push(Problem { at, seen, task, failure });
        }
    }

    /// A new phase begins: what happens again is news again.
    pub fn begin_phase(&mut self) {
        self.reported.clear();
    }

    /// When the oldest one was seen.
    pub fn held_since(&self) -> Option<Offset> {
        self.held.first().map(|problem| problem.seen)
    }

    /// The problems with their times, those of several slots together.
    pub fn take(&mut self, scene: &Scene) -> Vec<(Offset, String)> {
        let mut lines = Vec::new();
        let mut rest = std::mem::take(&mut self.held);
        while let Some(first) = rest.first() {
            let (at, service) = (first.at, first.task.service.clone());
            let failure = first.in_full(scene);
            let (same, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|problem| {
                problem.task.service == service && problem.in_full(scene) == failure
            });
            rest = others;
            let keys = same.iter().map(|problem| SlotKey::of(&problem.task)).collect();
            let text = describe(&keys, &failure, scene);
            if self.reported.insert(text.clone()) {
                lines.push((at, text));
            }
        }
        lines
    }
}

impl Problem {
    /// What went wrong, as far as it is known by now.
    fn in_full(&self, scene: &Scene) -> String {
        let task = scene.slots.task(&self.task.task);
        match task.map(TaskLine::failure_in_full) {
            Some(full) if full.starts_with(&self.failure) => cut(&full, REASON),
            _ => cut(&self.failure, REASON),
        }
    }
}

/// `slots 1 and 4 became unhealthy`; for other services than the one under test
/// `proxy.1 became unhealthy`.
fn describe(keys: &BTreeSet<SlotKey>, failure: &str, scene: &Scene) -> String {
    let failure = match failure.split_once(' ').filter(|_| keys.len() > 1) {
        Some(("was", rest)) => format!("were {rest}"),
        Some(("is", rest)) => format!("are {rest}"),
        _ => failure.to_owned(),
    };
    let of_service = |key: &&SlotKey| scene.narrator.service() == Some(&key.service);
    let who = match keys.first().filter(of_service) {
        Some(key) if keys.len() == 1 => key.place(),
        Some(key) if key.slot > 0 => {
            format!("slots {}", list(&keys.iter().map(SlotKey::name).collect::<Vec<_>>()))
        }
        _ => list(&keys.iter().map(|key| scene.slots.slot_name(key)).collect::<Vec<_>>()),
    };
    format!("{who} {failure}")
}
