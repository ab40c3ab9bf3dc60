//! What went wrong with tasks, each thing said once.

use std::collections::BTreeSet;

use super::screen::Scene;
use super::slots::SlotKey;
use super::task_line::{ORDER_SEEN_WITHIN, TaskLine};
use crate::Offset;
use crate::judge::{TaskFailure, whom};
use crate::record::{Event, TaskSeen};
use crate::wording::{cut, list};

/// A task that ended this long before it was first seen is no problem of this run.
const HISTORY: Offset = Offset::from_millis(5_000);
/// How many cells of a problem are shown.
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
    failure: TaskFailure,
}

impl Problems {
    /// Takes news of a task; `before` is what was known of it.
    pub fn task(
        &mut self,
        event: &Event,
        seen: &TaskSeen,
        before: Option<&TaskLine>,
        scene: &Scene,
    ) {
        let of_this_run = event.at >= Offset::ZERO && event.seen - event.at <= HISTORY;
        if before.is_some() || of_this_run {
            self.look(event, &seen.task, scene);
        }
    }

    /// Notes the task's problem after an event about it or its container, if it has one.
    pub fn look(&mut self, event: &Event, id: &str, scene: &Scene) {
        let Some(task) = scene.slots.task(id) else { return };
        let Some(failure) = task.failure() else { return };
        let ours = scene.slots.is_companion(&task.seen.service);
        if !ours && self.noted.insert((task.seen.task.clone(), failure.is_stuck())) {
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

    /// The problems with their times, those of several slots together. A failed health check is
    /// held until it is known whether Swarm told its task to stop: that is no problem.
    pub fn take(&mut self, now: Offset, scene: &Scene) -> Vec<(Offset, String)> {
        let mut lines = Vec::new();
        let known = |problem: &Problem| {
            !matches!(problem.failure, TaskFailure::Unhealthy(_))
                || now - problem.seen > ORDER_SEEN_WITHIN
        };
        let (mut rest, held): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.held).into_iter().partition(known);
        self.held = held;
        while let Some(first) = rest.first() {
            let (at, service) = (first.at, first.task.service.clone());
            let Some(failure) = first.newest(scene) else {
                rest.remove(0);
                continue;
            };
            let (same, others): (Vec<_>, Vec<_>) = rest.into_iter().partition(|problem| {
                problem.task.service == service && problem.newest(scene).as_ref() == Some(&failure)
            });
            rest = others;
            let text = cut(&describe(&same, &failure, scene), REASON);
            if self.reported.insert(text.clone()) {
                lines.push((at, text));
            }
        }
        lines
    }
}

impl Problem {
    /// Why the task failed, as far as it is known by now; absent if it did not fail after all.
    fn newest(&self, scene: &Scene) -> Option<TaskFailure> {
        let task = scene.slots.task(&self.task.task);
        match task.map(TaskLine::failure) {
            Some(None) if task.is_some_and(TaskLine::was_told_to_stop) => None,
            newest => newest.flatten().or_else(|| Some(self.failure.clone())),
        }
    }
}

/// `slots 1 and 4 became unhealthy: 3 checks failed`; for other services than the one under test
/// `proxy.1 became unhealthy`.
fn describe(problems: &[Problem], failure: &TaskFailure, scene: &Scene) -> String {
    let keys: BTreeSet<SlotKey> = problems.iter().map(|p| SlotKey::of(&p.task)).collect();
    let under_test = |key: &SlotKey| scene.narrator.service() == Some(&key.service);
    let names =
        |name: &dyn Fn(&SlotKey) -> String| list(&keys.iter().map(name).collect::<Vec<_>>());
    let who = match keys.first().filter(|key| under_test(key)) {
        Some(_) if keys.len() == 1 => whom(&problems[0].task),
        Some(key) if key.slot > 0 => format!("slots {}", names(&SlotKey::name)),
        _ => names(&|key| scene.slots.slot_name(key)),
    };
    let what = if keys.len() > 1 { failure.of_several(&who) } else { failure.of_whom(&who) };
    match failure.evidence() {
        Some(evidence) => format!("{what}: {evidence}"),
        None => what,
    }
}
