//! Polled services and tasks as events: what changed since the last poll.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::translate::EngineTime;
use super::{Generations, ServiceSnapshot};
use crate::Offset;
use crate::engine::{ServiceView, TaskView};
use crate::record::{Event, EventKind, TaskSeen};
use crate::swarm::{TaskState, UpdateState};

/// What was told about a service's update last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    state: UpdateState,
    message: String,
}

/// An update state that the event stream told. The stream leaves the engine's message out, so
/// it is held until the poll that follows at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    state: UpdateState,
    at: Offset,
    seen: Offset,
}

/// Remembers what was told, and tells what is new.
#[derive(Debug)]
pub(super) struct Changes {
    time: EngineTime,
    generations: Arc<Mutex<Generations>>,
    updates: HashMap<String, Told>,
    heard: HashMap<String, Vec<Heard>>,
    tasks: BTreeMap<String, TaskSeen>,
    changed: HashMap<String, Offset>,
}

impl Changes {
    pub(super) fn new(time: EngineTime, generations: Arc<Mutex<Generations>>) -> Self {
        Self {
            time,
            generations,
            updates: HashMap::new(),
            heard: HashMap::new(),
            tasks: BTreeMap::new(),
            changed: HashMap::new(),
        }
    }

    /// Takes an update state that the event stream told; the next poll tells it on.
    pub(super) fn heard(&mut self, service: &str, state: UpdateState, at: Offset, seen: Offset) {
        self.heard.entry(service.to_owned()).or_default().push(Heard { state, at, seen });
    }

    /// Whether a poll is owed.
    pub(super) fn has_heard(&self) -> bool {
        !self.heard.is_empty()
    }

    /// The events of a poll, and the snapshot it makes.
    pub(super) fn polled(
        &mut self,
        view: ServiceView,
        tasks: &[TaskView],
        events: &mut Vec<Event>,
    ) -> ServiceSnapshot {
        let seen = self.time.clock.now();
        let name = view.name().to_owned();
        // Templates are numbered in the order of their first tasks, so that an old version that
        // still runs has the lower number when a run begins.
        let mut by_age: Vec<&TaskView> = tasks.iter().collect();
        by_age.sort_by_key(|task| task.created_at);
        let template = &view.spec.as_value()["TaskTemplate"];
        let told = events.len();
        let mut seen_tasks = Vec::with_capacity(tasks.len());
        for task in by_age {
            let generation = self.generation(&name, &task.spec);
            let task_seen = task_seen(&name, generation, task);
            self.task_polled(task, &task_seen, seen, events);
            seen_tasks.push(task_seen);
        }
        let generation = self.generation(&name, template);
        self.update_polled(&view, seen, events);
        self.forget_gone(&name, tasks, seen, events);
        let newest = events[told..].iter().map(|event| event.at).max();
        let changed_at = newest.max(self.changed.get(&name).copied()).unwrap_or(seen);
        self.changed.insert(name, changed_at);
        ServiceSnapshot { view, generation, tasks: seen_tasks, changed_at }
    }

    fn generation(&self, service: &str, template: &Value) -> u32 {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.number(service, template)
    }

    fn task_polled(
        &mut self,
        task: &TaskView,
        now: &TaskSeen,
        seen: Offset,
        events: &mut Vec<Event>,
    ) {
        let before = self.tasks.get(&now.task);
        if before == Some(now) {
            return;
        }
        // Only a changed state has an engine timestamp of its own.
        let state_changed = before.is_none_or(|before| before.state != now.state);
        let stamp = task.state_at.filter(|_| state_changed).map(|time| self.time.map(time));
        let at = stamp.map_or(seen, |stamp| stamp.min(seen));
        events.push(Event { at, seen, kind: EventKind::Task(now.clone()) });
        self.tasks.insert(now.task.clone(), now.clone());
    }

    /// Tells the states that were heard and the polled one, each once, with the engine's message
    /// where the poll still has it.
    fn update_polled(&mut self, view: &ServiceView, seen: Offset, events: &mut Vec<Event>) {
        let status = &view.update;
        for heard in self.heard.remove(view.name()).unwrap_or_default() {
            let current = heard.state == status.state;
            let message = if current { status.message.as_str() } else { "" };
            self.tell_state(view.name(), heard.state, message, heard.at, heard.seen, events);
        }
        let stamp = match status.state {
            UpdateState::Updating => status.started_at,
            UpdateState::Completed | UpdateState::RollbackCompleted => status.completed_at,
            _ => None,
        };
        let at = stamp.map_or(seen, |time| self.time.map(time).min(seen));
        self.tell_state(view.name(), status.state, &status.message, at, seen, events);
    }

    fn tell_state(
        &mut self,
        service: &str,
        state: UpdateState,
        message: &str,
        at: Offset,
        seen: Offset,
        events: &mut Vec<Event>,
    ) {
        let told = Told { state, message: message.to_owned() };
        let before = self.updates.get(service);
        let known = before.is_some_and(|before| {
            before.state == state && (before.message == message || message.is_empty())
        });
        if known {
            return;
        }
        let kind =
            EventKind::Service { service: service.to_owned(), state, message: message.to_owned() };
        events.push(Event { at, seen, kind });
        self.updates.insert(service.to_owned(), told);
    }

    fn forget_gone(
        &mut self,
        service: &str,
        tasks: &[TaskView],
        seen: Offset,
        events: &mut Vec<Event>,
    ) {
        let gone: Vec<String> = self
            .tasks
            .values()
            .filter(|task| {
                task.service == service && tasks.iter().all(|other| other.id != task.task)
            })
            .map(|task| task.task.clone())
            .collect();
        for task in gone {
            self.tasks.remove(&task);
            events.push(Event { at: seen, seen, kind: EventKind::TaskGone { task } });
        }
    }
}

fn task_seen(service: &str, generation: u32, task: &TaskView) -> TaskSeen {
    TaskSeen {
        task: task.id.clone(),
        service: service.to_owned(),
        slot: task.slot,
        node: task.node.clone(),
        generation,
        image: short_image(task.image()),
        state: task.state,
        desired: task.desired,
        message: task.message.clone(),
        error: task.error.clone(),
        exit_code: task.exit_code.filter(|_| task.state > TaskState::Running),
        container: task.container.clone(),
        addresses: task.addresses.clone(),
    }
}

/// The image without its digest.
fn short_image(image: &str) -> String {
    image.split('@').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::Clock;

    #[test]
    fn a_change_happened_when_the_engine_says() {
        let clock = Clock::start();
        let time = EngineTime { clock, offset: Offset::ZERO };
        let mut changes = Changes::new(time, Arc::new(Mutex::new(Generations::default())));
        let mut look = |state: &str, desired: &str, stamp: Timestamp| {
            let view = json!({"ID": "s1", "Version": {"Index": 1},
                "Spec": {"Name": "s", "TaskTemplate": {}}});
            let task = json!({"ID": "t1", "ServiceID": "s1", "Slot": 1, "Spec": {},
                "DesiredState": desired,
                "Status": {"State": state, "Timestamp": stamp.to_string()}});
            let view = ServiceView::parse(&view).unwrap();
            let task = TaskView::parse(&task).unwrap();
            changes.polled(view, &[task], &mut Vec::new()).changed_at
        };
        let stamp = |offset: Offset| {
            clock.started_at() + jiff::SignedDuration::from_nanos(offset.as_nanos())
        };
        let first = look("running", "running", stamp(Offset::ZERO));
        let ended = clock.now();
        // Nothing new was said.
        assert_eq!(look("running", "running", stamp(Offset::ZERO)), first);
        assert_eq!(look("shutdown", "running", stamp(ended)), ended);
        // What Swarm wants has no time of its own: it is new when it is seen.
        let wanted = look("shutdown", "shutdown", stamp(ended));
        assert!(wanted > ended, "{wanted:?}");
        assert_eq!(look("failed", "shutdown", stamp(ended)), wanted, "never backwards");
    }
}
