//! What keeps a service from being at rest.

use crate::observe::ServiceSnapshot;
use crate::record::TaskSeen;
use crate::swarm::{TaskState, UpdateState};
use crate::wording::{clean, counted, list};

/// What keeps a service from being at rest, in plain words; absent when it is.
///
/// `replaced` says whether the submitted change replaces tasks at all: without that, Swarm
/// reports no update status.
pub(super) fn unrest(service: &ServiceSnapshot, replaced: bool) -> Option<String> {
    let state = service.view.update.state;
    match state {
        held if is_held(held) => return None,
        UpdateState::None if replaced => return Some("Swarm to begin the update".into()),
        UpdateState::Updating | UpdateState::RollbackStarted | UpdateState::Unknown => {
            return Some(moving(service, state));
        }
        _ => {}
    }
    let spec = &service.view.spec;
    // What has ended for good is waited for no longer, however it ended.
    let ended = service.ended().count();
    let known = spec.replicas().or_else(|| spec.completions());
    let wanted = known.unwrap_or_else(|| (service.current().count() + ended) as u64);
    let running = if spec.is_job() { ended } else { service.running() + ended } as u64;
    if running < wanted {
        let starting: Vec<String> = service
            .stuck()
            .chain(service.broken_for_good())
            .take(1)
            .map(|task| format!(": slot {}", standing(task)))
            .collect();
        return Some(format!(
            "{} of {} to run{}",
            wanted - running,
            counted(wanted, "replica"),
            starting.concat()
        ));
    }
    let outgoing = service.outgoing().count() as u64;
    if outgoing > 0 {
        return Some(format!("{} to end", counted(outgoing, "replaced task")));
    }
    None
}

/// Whether only an operator moves an update on from here.
pub(super) fn is_held(state: UpdateState) -> bool {
    matches!(state, UpdateState::Paused | UpdateState::RollbackPaused)
}

fn moving(service: &ServiceSnapshot, state: UpdateState) -> String {
    let starting: Vec<String> = service
        .tasks
        .iter()
        .filter(|task| task.desired <= TaskState::Running && task.state < TaskState::Running)
        .map(standing)
        .collect();
    let what = if state == UpdateState::RollbackStarted { "the rollback" } else { "the update" };
    // On a node that is lost, the old task never reports its end.
    let mut leaving: Vec<u64> = service
        .outgoing()
        .filter(|task| task.desired > TaskState::Running)
        .map(|task| task.slot)
        .collect();
    leaving.sort_unstable();
    leaving.dedup();
    if starting.is_empty() && !leaving.is_empty() {
        let slots: Vec<String> = leaving.iter().map(u64::to_string).collect();
        let slot = if slots.len() == 1 { "slot" } else { "slots" };
        format!("{what} to end: the old task in {slot} {} to stop", list(&slots))
    } else if starting.is_empty() {
        format!("{what} to end (state {state})")
    } else {
        format!("{what} to end: slot {}", starting.join(", "))
    }
}

/// A task that does not run yet: its slot, its state, and the engine's error if there is one.
fn standing(task: &TaskSeen) -> String {
    match clean(task.error.trim()) {
        error if error.is_empty() => format!("{} ({})", task.slot, task.state),
        error => format!("{} ({}: {error})", task.slot, task.state),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Offset;
    use crate::engine::ServiceView;
    use crate::record::TaskSeen;

    fn task(slot: u64, generation: u32, state: TaskState, desired: TaskState) -> TaskSeen {
        TaskSeen {
            task: format!("t{slot}-{generation}"),
            service: "s".into(),
            slot,
            node: "n".into(),
            generation,
            image: "i".into(),
            state,
            desired,
            message: String::new(),
            error: String::new(),
            exit_code: None,
            container: String::new(),
            addresses: vec![],
        }
    }

    fn service(state: &str, tasks: Vec<TaskSeen>) -> ServiceSnapshot {
        let view = json!({"ID": "x", "Version": {"Index": 1}, "UpdateStatus": {"State": state},
            "Spec": {"Name": "s", "Mode": {"Replicated": {"Replicas": 2}}}});
        ServiceSnapshot {
            view: ServiceView::parse(&view).unwrap(),
            generation: 2,
            tasks,
            changed_at: Offset::ZERO,
            state_since: Offset::ZERO,
        }
    }

    #[test]
    fn a_completed_update_rests_only_when_the_old_tasks_are_gone() {
        use TaskState::{Running, Shutdown};
        let new = || vec![task(1, 2, Running, Running), task(2, 2, Running, Running)];
        assert_eq!(unrest(&service("completed", new()), true), None);
        let mut draining = new();
        draining.push(task(1, 1, Running, Shutdown));
        assert_eq!(
            unrest(&service("completed", draining), true).unwrap(),
            "1 replaced task to end"
        );
        let half = vec![task(1, 2, Running, Running)];
        assert_eq!(unrest(&service("completed", half), true).unwrap(), "1 of 2 replicas to run");
    }

    #[test]
    fn an_absent_status_rests_only_when_nothing_is_replaced() {
        use TaskState::Running;
        let tasks = vec![task(1, 2, Running, Running), task(2, 2, Running, Running)];
        assert!(unrest(&service("", tasks.clone()), true).is_some());
        assert_eq!(unrest(&service("", tasks), false), None);
        assert_eq!(unrest(&service("paused", vec![]), true), None);
    }

    #[test]
    fn the_error_of_a_task_that_waits_is_said_at_once() {
        use TaskState::{Pending, Rejected, Running, Shutdown};
        let mut waits = task(1, 2, Pending, Running);
        waits.error = "no suitable node (host-mode port already in use on 1 node)".into();
        let old = || vec![task(1, 1, Running, Running), task(2, 2, Running, Running)];
        let tasks = [old(), vec![waits]].concat();
        assert_eq!(
            unrest(&service("updating", tasks), true).unwrap(),
            "the update to end: slot 1 (pending: no suitable node (host-mode port already in use \
             on 1 node))"
        );
        let stops = |slot| task(slot, 1, Running, Shutdown);
        assert_eq!(
            unrest(&service("updating", vec![stops(2), stops(1)]), true).unwrap(),
            "the update to end: the old task in slots 1 and 2 to stop"
        );
        let mut rejected = task(1, 2, Rejected, Shutdown);
        rejected.error = "No such image: app:v9".into();
        let tasks = vec![rejected, task(2, 2, Running, Running)];
        assert_eq!(
            unrest(&service("completed", tasks), true).unwrap(),
            "1 of 2 replicas to run: slot 1 (rejected: No such image: app:v9)"
        );
    }
}
