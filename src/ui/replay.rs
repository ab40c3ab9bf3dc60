//! Event lists for the tests of this room.

use crate::Offset;
use crate::record::{ContainerAction, Event, EventKind, Outcome, Shot, TaskSeen};
use crate::swarm::{TaskState, UpdateState};

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
        intended: Offset::from_millis(due),
        sent: Some(Offset::from_millis(due)),
        connected: None,
        first_byte: None,
        done: Some(Offset::from_millis(done)),
        outcome,
        unsent: None,
        status: None,
        reused: false,
        replica: None,
        slot: None,
        version: None,
        to: None,
    }
}
