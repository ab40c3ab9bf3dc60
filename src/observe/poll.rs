//! Polled services and tasks as events: what changed since the last poll.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::translate::EngineTime;
use super::{Generations, ServiceSnapshot};
use crate::engine::{ServiceView, TaskView};
use crate::record::{Event, EventKind, Offset, TaskSeen, TaskState, UpdateState};

/// What was told about a service's update last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    state: UpdateState,
    message: String,
    seen: Offset,
}

/// Remembers what was told, and tells what is new.
#[derive(Debug)]
pub(super) struct Changes {
    time: EngineTime,
    generations: Arc<Mutex<Generations>>,
    updates: HashMap<String, Told>,
    tasks: BTreeMap<String, TaskSeen>,
}

impl Changes {
    pub(super) fn new(time: EngineTime, generations: Arc<Mutex<Generations>>) -> Self {
        Self { time, generations, updates: HashMap::new(), tasks: BTreeMap::new() }
    }

    /// The events of an update state that the event stream told.
    pub(super) fn state_told(
        &mut self,
        service: &str,
        state: UpdateState,
        at: Offset,
        seen: Offset,
    ) -> Option<Event> {
        if self.updates.get(service).is_some_and(|told| told.state == state) {
            return None;
        }
        let told = Told { state, message: String::new(), seen };
        self.updates.insert(service.to_owned(), told);
        let kind =
            EventKind::Service { service: service.to_owned(), state, message: String::new() };
        Some(Event { at, seen, kind })
    }

    /// The events of a poll that was asked for at `asked`, and the snapshot it makes.
    pub(super) fn polled(
        &mut self,
        view: ServiceView,
        tasks: &[TaskView],
        asked: Offset,
        events: &mut Vec<Event>,
    ) -> ServiceSnapshot {
        let seen = self.time.clock.now();
        let name = view.name().to_owned();
        // Templates are numbered in the order of their first tasks, so that an old version that
        // still runs has the lower number when a run begins.
        let mut by_age: Vec<&TaskView> = tasks.iter().collect();
        by_age.sort_by_key(|task| task.created_at);
        let template = &view.spec.as_value()["TaskTemplate"];
        let mut seen_tasks = Vec::with_capacity(tasks.len());
        for task in by_age {
            let generation = self.generation(&name, &task.spec);
            let task_seen = task_seen(&name, generation, task);
            self.task_polled(task, &task_seen, seen, events);
            seen_tasks.push(task_seen);
        }
        let generation = self.generation(&name, template);
        self.update_polled(&view, asked, seen, events);
        self.forget_gone(&name, tasks, seen, events);
        ServiceSnapshot { view, generation, tasks: seen_tasks }
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

    fn update_polled(
        &mut self,
        view: &ServiceView,
        asked: Offset,
        seen: Offset,
        events: &mut Vec<Event>,
    ) {
        let status = &view.update;
        let before = self.updates.get(view.name());
        // An answer that was under way when the event stream told something newer is stale.
        if before.is_some_and(|before| before.seen > asked) {
            return;
        }
        let same_state = before.is_some_and(|before| before.state == status.state);
        if same_state && before.is_some_and(|before| before.message == status.message) {
            return;
        }
        let told = Told { state: status.state, message: status.message.clone(), seen };
        self.updates.insert(view.name().to_owned(), told);
        let stamp = match status.state {
            UpdateState::Updating => status.started_at,
            UpdateState::Completed | UpdateState::RollbackCompleted => status.completed_at,
            _ => None,
        };
        let at = stamp.map_or(seen, |time| self.time.map(time).min(seen));
        let kind = EventKind::Service {
            service: view.name().to_owned(),
            state: status.state,
            message: status.message.clone(),
        };
        events.push(Event { at, seen, kind });
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
    }
}

/// The image without its digest.
fn short_image(image: &str) -> String {
    image.split('@').next().unwrap_or_default().to_owned()
}
