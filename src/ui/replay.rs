//! Event lists for the tests of this room.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use super::terminal::{Size, Terminal};
use crate::Offset;
use crate::record::{ContainerAction, Event, EventKind, Outcome, Shot, StackFacts, TaskSeen};
use crate::swarm::{FailureAction, HealthCheck, Order, TaskState, UpdatePolicy, UpdateState};

/// An event that was seen when it happened.
pub(super) fn event(millis: i64, kind: EventKind) -> Event {
    let at = Offset::from_millis(millis);
    Event { at, seen: at, kind }
}

/// News of a task.
pub(super) fn seen(millis: i64, task: TaskSeen) -> Event {
    event(millis, EventKind::Task(task))
}

/// A task of `demo_app` whose image carries its generation.
pub(super) fn task(
    id: &str,
    slot: u64,
    generation: u32,
    state: TaskState,
    desired: TaskState,
) -> TaskSeen {
    TaskSeen {
        task: id.into(),
        service: "demo_app".into(),
        slot,
        node: String::new(),
        generation,
        image: format!("app:v{generation}"),
        state,
        desired,
        message: String::new(),
        error: String::new(),
        exit_code: None,
        container: String::new(),
        addresses: vec![],
    }
}

/// A container's event.
pub(super) fn container(millis: i64, task: &str, action: ContainerAction) -> Event {
    let (task, container, service) = (task.into(), format!("c-{task}"), "demo_app".into());
    let (exit_code, signal) = (None, None);
    event(millis, EventKind::Container { container, task, service, action, exit_code, signal })
}

/// News of the service's update state.
pub(super) fn service(millis: i64, state: UpdateState, message: &str) -> Event {
    let (service, message) = ("demo_app".into(), message.into());
    event(millis, EventKind::Service { service, state, message })
}

/// A request that was due and known at these milliseconds.
pub(super) fn shot(due: i64, done: i64, outcome: Outcome) -> Shot {
    Shot {
        sent: Some(Offset::from_millis(due)),
        done: Some(Offset::from_millis(done)),
        ..Shot::new(Offset::from_millis(due), outcome)
    }
}

/// The settings of a stack `demo` whose service `app` has six replicas.
pub(super) fn facts() -> StackFacts {
    let policy = |failure_action| UpdatePolicy {
        parallelism: 2,
        delay: 2.0,
        failure_action,
        monitor: 5.0,
        max_failure_ratio: 0.0,
        order: Order::StopFirst,
    };
    StackFacts {
        name: "demo".into(),
        files: vec!["stack.yml".into()],
        service: "demo_app".into(),
        replicas: 6,
        update_config: policy(FailureAction::Rollback),
        rollback_config: policy(FailureAction::Pause),
        healthcheck: Some(HealthCheck {
            test: vec!["CMD".into(), "app".into(), "health".into()],
            interval: 2.0,
            timeout: 1.0,
            retries: 3,
            start_period: 0.0,
            start_interval: None,
        }),
        places: std::collections::BTreeMap::new(),
        entry: None,
        healthcheck_off: false,
        own_url: None,
        polling: None,
        ports_moved: false,
        stand_in: false,
    }
}

/// Keeps what a screen prints.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    /// The terminal that is kept, 80 cells wide.
    pub fn terminal(&self) -> Terminal {
        Terminal::to(self.clone(), || Size { columns: 80, rows: 24 })
    }

    /// What was printed.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
