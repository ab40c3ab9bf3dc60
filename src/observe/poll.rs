//! Turns polled services and tasks into events: what changed since the last poll.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::event_streams::EngineTime;
use super::{Generations, ServiceSnapshot};
use crate::Offset;
use crate::engine::{ServiceView, TaskView};
use crate::record::{Event, EventKind, TaskSeen};
use crate::swarm::{TaskState, UpdateState};

/// A service's update state as last reported in an event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReportedUpdate {
    state: UpdateState,
    message: String,
    /// Since when.
    at: Offset,
}

/// An update state from the event stream. The stream lacks the engine's message, so the state is
/// held back until the poll that follows immediately.
#[derive(Debug, Clone, PartialEq, Eq)]
struct StreamedUpdate {
    state: UpdateState,
    at: Offset,
    seen: Offset,
}

/// Compares each poll with what was reported before.
#[derive(Debug)]
pub(super) struct Changes {
    time: EngineTime,
    generations: Arc<Mutex<Generations>>,
    reported: HashMap<String, ReportedUpdate>,
    streamed: HashMap<String, Vec<StreamedUpdate>>,
    tasks: BTreeMap<String, TaskSeen>,
    changed: HashMap<String, Offset>,
    /// By service id: the version index that was numbered last, and its generation.
    spec_generations: HashMap<String, (u64, u32)>,
}

impl Changes {
    pub(super) fn new(time: EngineTime, generations: Arc<Mutex<Generations>>) -> Self {
        Self {
            time,
            generations,
            reported: HashMap::new(),
            streamed: HashMap::new(),
            tasks: BTreeMap::new(),
            changed: HashMap::new(),
            spec_generations: HashMap::new(),
        }
    }

    /// Takes an update state from the event stream. The next poll reports it.
    pub(super) fn streamed(&mut self, service: &str, state: UpdateState, at: Offset, seen: Offset) {
        let update = StreamedUpdate { state, at, seen };
        self.streamed.entry(service.to_owned()).or_default().push(update);
    }

    /// Whether a state from the event stream waits for a poll.
    pub(super) fn is_poll_due(&self) -> bool {
        !self.streamed.is_empty()
    }

    /// Ends a poll: states of services that no longer exist wait for nothing.
    pub(super) fn poll_done(&mut self) {
        self.streamed.clear();
    }

    /// Adds the events of one polled service to `events` and returns its snapshot.
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
        let first_event = events.len();
        let mut seen_tasks = Vec::with_capacity(tasks.len());
        for task in by_age {
            let generation = self.task_generation(&name, task);
            let task_seen = task_seen(&name, generation, task);
            self.task_polled(task, &task_seen, seen, events);
            seen_tasks.push(task_seen);
        }
        let generation = self.spec_generation(&view);
        self.update_polled(&view, seen, events);
        self.forget_gone(&name, tasks, seen, events);
        let newest = events[first_event..].iter().map(|event| event.at).max();
        let changed_at = newest.max(self.changed.get(&name).copied()).unwrap_or(seen);
        let state_since = self.reported.get(&name).map_or(seen, |reported| reported.at);
        self.changed.insert(name, changed_at);
        ServiceSnapshot { view, generation, tasks: seen_tasks, changed_at, state_since }
    }

    /// A task's spec never changes, so it is numbered once.
    fn task_generation(&self, service: &str, task: &TaskView) -> u32 {
        let known = self.tasks.get(&task.id).map(|seen| seen.generation);
        known.unwrap_or_else(|| self.generation(service, &task.spec))
    }

    /// A service's spec changes only with its version index.
    fn spec_generation(&mut self, view: &ServiceView) -> u32 {
        match self.spec_generations.get(&view.id) {
            Some((version, generation)) if *version == view.version => *generation,
            _ => {
                let template = &view.spec.as_value()["TaskTemplate"];
                let generation = self.generation(view.name(), template);
                self.spec_generations.insert(view.id.clone(), (view.version, generation));
                generation
            }
        }
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
        // Only the observed state has an engine timestamp.
        let state_changed = before.is_none_or(|before| before.state != now.state);
        let stamp = task.state_at.filter(|_| state_changed).map(|time| self.time.map(time));
        let at = stamp.map_or(seen, |stamp| stamp.min(seen));
        events.push(Event { at, seen, kind: EventKind::Task(now.clone()) });
        self.tasks.insert(now.task.clone(), now.clone());
    }

    /// Reports the states from the event stream and the polled one, each once, with the engine's
    /// message if the poll still has it.
    fn update_polled(&mut self, view: &ServiceView, seen: Offset, events: &mut Vec<Event>) {
        let status = &view.update;
        for streamed in self.streamed.remove(view.name()).unwrap_or_default() {
            let current = streamed.state == status.state;
            let message = if current { status.message.as_str() } else { "" };
            self.report(view.name(), streamed.state, message, streamed.at, streamed.seen, events);
        }
        let stamp = match status.state {
            UpdateState::Updating => status.started_at,
            UpdateState::Completed | UpdateState::RollbackCompleted => status.completed_at,
            _ => None,
        };
        let at = stamp.map_or(seen, |time| self.time.map(time).min(seen));
        self.report(view.name(), status.state, &status.message, at, seen, events);
    }

    fn report(
        &mut self,
        service: &str,
        state: UpdateState,
        message: &str,
        at: Offset,
        seen: Offset,
        events: &mut Vec<Event>,
    ) {
        let before = self.reported.get(service);
        let known = before.is_some_and(|before| {
            before.state == state && (before.message == message || message.is_empty())
        });
        if known {
            return;
        }
        let kind =
            EventKind::Service { service: service.to_owned(), state, message: message.to_owned() };
        events.push(Event { at, seen, kind });
        // Only the message is new when the same state is reported again.
        let at = before.filter(|before| before.state == state).map_or(at, |before| before.at);
        let reported = ReportedUpdate { state, message: message.to_owned(), at };
        self.reported.insert(service.to_owned(), reported);
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
        // Nothing changed.
        assert_eq!(look("running", "running", stamp(Offset::ZERO)), first);
        assert_eq!(look("shutdown", "running", stamp(ended)), ended);
        // The desired state has no timestamp: it counts as new when it is seen.
        let wanted = look("shutdown", "shutdown", stamp(ended));
        assert!(wanted > ended, "{wanted:?}");
        assert_eq!(look("failed", "shutdown", stamp(ended)), wanted, "never backwards");
    }
}
