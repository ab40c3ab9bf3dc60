//! What is said at each stage of an update.

use super::super::replay::{event, seen, service, task};
use super::*;
use crate::record::{EndReason, Expects, SpecMatch};
use crate::swarm::TaskState;
use TaskState::{Failed, Pending, Ready, Running, Shutdown, Starting};

/// A scenario on two replicas that was submitted, unless `submitted` is absent.
struct Case {
    narrator: Narrator,
    slots: SlotTable,
}

impl Case {
    fn scenario(submitted: Option<u32>) -> Self {
        let mut case = Self { narrator: Narrator::default(), slots: SlotTable::default() };
        case.slots.stack("demo");
        case.add(EventKind::ScenarioStarted {
            name: "update".into(),
            expects: Expects::Update,
            service: "demo_app".into(),
            replicas: 2,
            generation: 1,
            change: "a new image".into(),
        });
        for slot in 1..=2 {
            case.task(&format!("o{slot}"), slot, 1, Running, Running);
        }
        if let Some(generation) = submitted {
            case.add(EventKind::Submitted {
                service: "demo_app".into(),
                generation,
                replicas: None,
                specs: None,
            });
        }
        case
    }

    fn add(&mut self, kind: EventKind) {
        let event = event(0, kind);
        self.slots.event(&event);
        self.narrator.event(&event);
    }

    fn task(&mut self, id: &str, slot: u64, version: u32, at: TaskState, desired: TaskState) {
        self.add(EventKind::Task(task(id, slot, version, at, desired)));
    }

    fn state(&mut self, state: UpdateState, message: &str) {
        self.add(service(0, state, message).kind);
    }

    fn doing(&self) -> String {
        self.narrator.narrate(&self.slots).doing
    }

    fn waiting(&self) -> String {
        let waiting = self.narrator.narrate(&self.slots).waiting;
        waiting.map(|wait| wait.line(Offset::from_millis(1_000))).unwrap_or_default()
    }
}

const ROLLED: &str = "update rolled back due to failure or early termination of task n1";

#[test]
fn before_and_after_the_change_is_submitted() {
    let case = Case::scenario(None);
    assert_eq!(case.doing(), "Before the change, all 2 replicas are running");
    let mut case = Case::scenario(Some(2));
    assert_eq!(case.doing(), "Swarm accepted the change and has replaced nothing yet");
    assert_eq!(case.waiting(), "waiting for the update to begin, 1 s");
    case.state(UpdateState::Updating, "update in progress");
    assert_eq!(case.doing(), "0 of 2 replicas have been replaced; Swarm turns to the next slot");
    let same = Case::scenario(Some(1));
    assert!(same.doing().contains("replaces nothing"));
}

#[test]
fn a_change_of_scale_counts_the_replicas_that_are_wanted_then() {
    let mut case = Case::scenario(None);
    case.add(EventKind::Submitted {
        service: "demo_app".into(),
        generation: 2,
        replicas: Some(1),
        specs: None,
    });
    case.task("o1", 1, 1, Shutdown, Shutdown);
    case.task("n1", 1, 2, Running, Running);
    // Swarm removes the tasks of slots that are too many.
    case.add(EventKind::TaskGone { task: "o2".into() });
    let rollout = case.narrator.scenario().unwrap().rollout(&case.slots);
    assert!(rollout.is_whole(), "{rollout:?}");
    case.state(UpdateState::RollbackStarted, ROLLED);
    let rollout = case.narrator.scenario().unwrap().rollout(&case.slots);
    assert_eq!((rollout.done, rollout.wanted), (0, 2));
}

#[test]
fn what_an_earlier_update_left_is_not_taken_for_this_one() {
    let mut case = Case::scenario(None);
    case.state(UpdateState::RollbackCompleted, "rollback completed");
    case.add(EventKind::Submitted {
        service: "demo_app".into(),
        generation: 2,
        replicas: None,
        specs: None,
    });
    assert_eq!(case.doing(), "Swarm accepted the change and has replaced nothing yet");
    case.task("n1", 1, 2, Running, Running);
    case.task("n2", 2, 2, Running, Running);
    case.state(UpdateState::Completed, "update completed");
    assert_eq!(case.doing(), "Swarm calls the update completed: all 2 replicas have been replaced");
}

#[test]
fn slots_in_different_steps_share_a_sentence() {
    let mut case = Case::scenario(Some(2));
    case.state(UpdateState::Updating, "");
    case.task("o1", 1, 1, Shutdown, Shutdown);
    case.task("n1", 1, 2, Starting, Running);
    case.task("o2", 2, 1, Running, Shutdown);
    case.task("n2", 2, 2, Ready, Ready);
    assert_eq!(
        case.doing(),
        "Swarm is stopping the old replica in slot 2 before it starts the new one; starting \
         the new replica in slot 1 and waiting for its health check"
    );
    assert_eq!(case.waiting(), "waiting for slot 1 to become healthy, 1 s");
}

#[test]
fn completed_is_not_believed() {
    let mut case = Case::scenario(Some(2));
    case.state(UpdateState::Completed, "update completed");
    assert_eq!(
        case.doing(),
        "Swarm calls the update completed, but 0 of 2 replicas have been replaced"
    );
    case.state(UpdateState::RollbackStarted, "manually requested rollback");
    assert!(
        case.doing()
            .starts_with("Swarm is rolling back, because a rollback was requested; all 2 rep")
    );
    case.state(UpdateState::Completed, "update completed");
    assert!(case.doing().starts_with("Swarm reports `completed` after a rollback: all 2"));
}

#[test]
fn a_rollback_that_is_completed_before_all_are_back() {
    let mut case = Case::scenario(Some(2));
    case.task("o1", 1, 1, Shutdown, Shutdown);
    case.task("n1", 1, 2, Failed, Shutdown);
    case.task("r1", 1, 1, Ready, Ready);
    case.state(UpdateState::RollbackStarted, ROLLED);
    case.state(UpdateState::RollbackCompleted, "rollback completed");
    assert_eq!(
        case.doing(),
        "Swarm calls the rollback completed, but 1 of 2 replicas runs the previous version; \
         it is waiting for the restart delay in slot 1"
    );
}

#[test]
fn an_update_that_finds_no_node_waits_for_ever_and_says_so() {
    let mut case = Case::scenario(Some(2));
    case.state(UpdateState::Updating, "");
    let mut pending = task("n1", 1, 2, Pending, Running);
    pending.error = "no suitable node (insufficient resources on 1 node)".into();
    case.add(seen(0, pending).kind);
    assert!(case.doing().contains("looking for a node for slot 1: no suitable node"));
    assert_eq!(case.waiting(), "waiting for a node for slot 1 (Swarm sets no limit), 1 s");
}

#[test]
fn a_lost_engine_and_an_interruption_outrank_the_rest() {
    let mut case = Case::scenario(Some(2));
    case.add(EventKind::ObserverLost { text: "connection refused".into() });
    assert!(case.doing().starts_with("The engine does not answer (connection refused)"));
    case.add(EventKind::ObserverResumed);
    case.add(EventKind::Interrupted);
    assert_eq!(case.doing(), "Cleaning up; press Ctrl-C again to quit without cleaning up");
    case.add(EventKind::ScenarioEnded {
        name: "update".into(),
        spec: SpecMatch::Unknown,
        reason: EndReason::Interrupted,
    });
    case.add(EventKind::Phase { name: "clean-up".into(), text: "removes the stack".into() });
    assert_eq!(case.doing(), "");
    assert_eq!(case.narrator.phase(), Some(("clean-up", "removes the stack")));
}
