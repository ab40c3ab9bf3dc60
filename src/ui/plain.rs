//! Events as lines of text.

use super::slot::SlotKey;
use super::slot_table::SlotTable;
use super::task_line::TaskLine;
use super::words::{clean, count};
use crate::record::{
    ContainerAction, EndReason, Event, EventKind, Expects, SpecMatch, TaskSeen, TaskState,
    UpdateState,
};

/// The line for an event, without its time; nothing for events that are not worth one.
/// `before` is what was known of the task before the event; `slots` already knows the event.
pub(super) fn line(event: &Event, before: Option<&TaskLine>, slots: &SlotTable) -> Option<String> {
    Some(match &event.kind {
        EventKind::Phase { name, text } => format!("{}: {}", clean(name), clean(text)),
        EventKind::ScenarioStarted { name, expects, service, replicas, generation, change } => {
            format!(
                "scenario {}: {}; {} replicas of {} run version #{generation}; {}",
                clean(name),
                clean(change),
                count(*replicas),
                slots.service_name(service),
                match expects {
                    Expects::Update => "expected: all run the new version in the end",
                    Expects::Rollback => "expected: Swarm returns to this version by itself",
                    Expects::NoChange => "expected: nothing is replaced",
                }
            )
        }
        EventKind::Submitted { service, generation } => {
            format!(
                "{}: the engine took the change, version #{generation}",
                slots.service_name(service)
            )
        }
        EventKind::ScenarioEnded { name, spec, reason } => {
            let spec = match spec {
                SpecMatch::Submitted => "the service has the submitted spec",
                SpecMatch::Previous => "the service has its previous spec again",
                SpecMatch::Other => "the service has a spec that somebody else submitted",
                SpecMatch::Unknown => "the service's spec could not be read",
            };
            let reason = match reason {
                EndReason::Settled => "at rest".to_owned(),
                EndReason::Deadline { text } => format!("gave up waiting: {}", clean(text)),
                EndReason::Interrupted => "stopped by the user".to_owned(),
                EndReason::EngineLost { text } => format!("engine lost: {}", clean(text)),
            };
            format!("scenario {} ended: {reason}; {spec}", clean(name))
        }
        EventKind::Service { service, state, message } => {
            let service = slots.service_name(service);
            match state {
                UpdateState::None => return None,
                state if message.is_empty() => format!("{service}: update state {state}"),
                state => format!("{service}: update state {state} ({})", clean(message)),
            }
        }
        EventKind::Task(seen) => task(seen, before, slots)?,
        EventKind::TaskGone { .. } => return None,
        EventKind::Container { task, action, .. } => {
            let told = match action {
                ContainerAction::Unhealthy => "its health check failed too often: unhealthy",
                ContainerAction::Oom => "its memory ran out",
                _ => return None,
            };
            let task = slots.task(task)?;
            format!("{}  {}", named(&task.seen, slots), told)
        }
        EventKind::ObserverLost { text } => format!("the engine does not answer: {}", clean(text)),
        EventKind::ObserverResumed => "the engine answers again".to_owned(),
        EventKind::Caveat { text } => format!("note: {}", clean(text)),
        EventKind::Interrupted => "stopping, because you asked for it".to_owned(),
    })
}

fn named(seen: &TaskSeen, slots: &SlotTable) -> String {
    let version = TaskLine::new(seen, crate::record::Offset::ZERO).version(true);
    format!("{}  {version}", slots.slot_name(&SlotKey::of(seen)))
}

/// A task's line, if what one would see of it changed: the steps between `new` and `ready`
/// follow each other too fast to be of interest, unless one of them gets stuck.
fn task(seen: &TaskSeen, before: Option<&TaskLine>, slots: &SlotTable) -> Option<String> {
    let task = slots.task(&seen.task)?;
    let now = task.state();
    if before.is_some_and(|before| before.state() == now) {
        return None;
    }
    let worth = task.is_broken()
        || task.is_leaving()
        || matches!(
            seen.state,
            TaskState::Preparing | TaskState::Starting | TaskState::Running | TaskState::Shutdown
        )
        || matches!(seen.state, TaskState::New | TaskState::Pending) && !seen.error.is_empty();
    worth.then(|| format!("{}  {now}", named(seen, slots)))
}
