//! Whether Swarm is done with a service.

use crate::observe::ServiceSnapshot;
use crate::swarm::{TaskState, UpdateState};

/// What keeps a service from being at rest, in plain words; absent when it is.
///
/// `replaced` says whether the submitted change replaces tasks at all: without that, Swarm
/// reports no update status.
pub(super) fn unrest(service: &ServiceSnapshot, replaced: bool) -> Option<String> {
    let state = service.view.update.state;
    match state {
        // Only an operator moves it on from here; its failed tasks are restarted for ever.
        UpdateState::Paused | UpdateState::RollbackPaused => return None,
        UpdateState::None if replaced => return Some("Swarm to begin the update".into()),
        UpdateState::Updating | UpdateState::RollbackStarted | UpdateState::Unknown => {
            return Some(moving(service, state));
        }
        UpdateState::None | UpdateState::Completed | UpdateState::RollbackCompleted => {}
    }
    let wanted = service.view.spec.replicas().unwrap_or_else(|| service.current().count() as u64);
    let running = service.running() as u64;
    if running < wanted {
        return Some(format!("{} of {wanted} replicas to run", wanted - running));
    }
    let outgoing = service.outgoing().count();
    if outgoing > 0 {
        let s = if outgoing == 1 { "" } else { "s" };
        return Some(format!("{outgoing} replaced task{s} to end"));
    }
    None
}

fn moving(service: &ServiceSnapshot, state: UpdateState) -> String {
    let starting: Vec<String> = service
        .tasks
        .iter()
        .filter(|task| task.desired <= TaskState::Running && task.state < TaskState::Running)
        .map(|task| format!("{} ({})", task.slot, task.state))
        .collect();
    let what = if state == UpdateState::RollbackStarted { "the rollback" } else { "the update" };
    if starting.is_empty() {
        format!("{what} to end (state {state})")
    } else {
        format!("{what} to end: slot {}", starting.join(", "))
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
}
