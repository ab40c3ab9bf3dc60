//! Events as lines of text.

use super::slot::SlotKey;
use super::slot_table::SlotTable;
use super::task_line::TaskLine;
use super::words::{clean, count};
use crate::Offset;
use crate::record::{ContainerAction, EndReason, Event, EventKind, Expects, SpecMatch, TaskSeen};
use crate::swarm::{TaskState, UpdateState};

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
        EventKind::TaskGone { .. }
        | EventKind::Machine(_)
        | EventKind::HealthCheckFailed { .. } => return None,
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
        EventKind::NegativeControlStarted { service } => format!(
            "negative control: an update of {} that loses requests on purpose",
            slots.service_name(service)
        ),
        EventKind::NegativeControlEnded { gave_up: None } => {
            "negative control: it answers again".to_owned()
        }
        EventKind::NegativeControlEnded { gave_up: Some(text) } => {
            format!("negative control: gave up waiting: {}", clean(text))
        }
        EventKind::Caveat { text } => format!("note: {}", clean(text)),
        EventKind::Interrupted => "stopping, because you asked for it".to_owned(),
    })
}

fn named(seen: &TaskSeen, slots: &SlotTable) -> String {
    let version = TaskLine::new(seen, Offset::ZERO).version(true);
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

#[cfg(test)]
mod tests {
    use super::super::replay::{container, event, seen, service, task as made};
    use super::*;
    use TaskState::{Accepted, Failed, New, Pending, Preparing, Running, Shutdown};

    /// The lines for these events, told one after the other.
    fn lines(events: Vec<Event>) -> Vec<String> {
        let mut slots = SlotTable::default();
        slots.stack("demo");
        let mut told = |event: Event| {
            let before = slots.event(&event);
            line(&event, before.as_ref(), &slots)
        };
        events.into_iter().filter_map(&mut told).collect()
    }

    #[test]
    fn a_task_is_told_of_when_what_one_sees_of_it_changes() {
        let mut failed = made("t", 2, 3, Failed, Shutdown);
        failed.exit_code = Some(1);
        let told = lines(vec![
            seen(0, made("t", 2, 3, New, Running)),
            seen(1, made("t", 2, 3, Accepted, Running)),
            seen(2, made("t", 2, 3, Preparing, Running)),
            seen(3, made("t", 2, 3, Preparing, Running)),
            seen(4, made("t", 2, 3, Running, Running)),
            container(5, "t", ContainerAction::Healthy),
            container(6, "t", ContainerAction::Oom),
            container(6, "somebody else's", ContainerAction::Oom),
            seen(7, failed),
            event(8, EventKind::TaskGone { task: "t".into() }),
        ]);
        assert_eq!(
            told,
            [
                "app.2  #3 app:v3  preparing",
                "app.2  #3 app:v3  running",
                "app.2  #3 app:v3  its memory ran out",
                "app.2  #3 app:v3  failed: exit code 1",
            ]
        );
    }

    #[test]
    fn a_task_that_is_stuck_is_told_of_with_the_reason() {
        let mut pending = made("t", 1, 2, Pending, Running);
        pending.error = "no suitable node".into();
        let told = lines(vec![seen(0, made("t", 1, 2, Pending, Running)), seen(1, pending)]);
        assert_eq!(told, ["app.1  #2 app:v2  pending: no suitable node"]);
    }

    #[test]
    fn the_ends_of_a_scenario() {
        let end = |spec, reason| {
            lines(vec![event(0, EventKind::ScenarioEnded { name: "update".into(), spec, reason })])
        };
        let text = "slot 2 never became healthy".to_owned();
        assert_eq!(
            end(SpecMatch::Submitted, EndReason::Deadline { text }),
            ["scenario update ended: gave up waiting: slot 2 never became healthy; the service \
              has the submitted spec"]
        );
        assert_eq!(
            end(SpecMatch::Unknown, EndReason::EngineLost { text: "refused".into() }),
            ["scenario update ended: engine lost: refused; the service's spec could not be read"]
        );
    }

    #[test]
    fn service_states_and_notes() {
        let told = lines(vec![
            service(0, UpdateState::None, ""),
            service(0, UpdateState::Updating, "update in progress"),
            service(0, UpdateState::Paused, ""),
            event(0, EventKind::ObserverLost { text: "refused\u{1b}[2J".into() }),
            event(0, EventKind::ObserverResumed),
            event(0, EventKind::Caveat { text: "no IPVS".into() }),
        ]);
        assert_eq!(
            told,
            [
                "app: update state updating (update in progress)",
                "app: update state paused",
                "the engine does not answer: refused [2J",
                "the engine answers again",
                "note: no IPVS",
            ]
        );
    }
}
