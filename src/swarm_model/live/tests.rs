use super::*;
use crate::swarm::{FailureAction, HealthCheck, UpdatePolicy};
use crate::swarm_model::{What, simulate};

fn spec(replicas: u64) -> Spec {
    let mut spec = Spec { replicas, ..Spec::default() };
    spec.health = Some(HealthCheck {
        test: vec!["CMD".into(), "x".into()],
        interval: 1.0,
        timeout: 1.0,
        retries: 2,
        start_period: 0.0,
        start_interval: None,
    });
    let failure_action = FailureAction::Rollback;
    spec.update = UpdatePolicy { parallelism: 2, delay: 1.0, failure_action, ..spec.update };
    spec
}

fn version(replicas: u64, behaviour: Behaviour) -> Version {
    Version { spec: spec(replicas), behaviours: behaviour.into() }
}

fn request(version: Version, template: u64) -> Request {
    Request { version, template, same: false, rollback: false }
}

fn seconds(seconds: i64) -> Offset {
    Offset::from_millis(seconds * 1_000)
}

fn running(live: &Live, steps: &[Step], template: u64) -> usize {
    let is_running = |step: &&Step| {
        let now = live.task(step.task).unwrap();
        step.what == What::Running
            && now.template == template
            && now.died.is_none()
            && now.desired == TaskState::Running
    };
    steps.iter().filter(is_running).count()
}

/// A service that runs, and everything that happened to its tasks.
fn deployed(sound: &Behaviour) -> (Live, Vec<Step>) {
    let base = Input::update(spec(4), sound.clone(), sound.clone());
    let mut live = Live::create(&base, version(4, sound.clone()), 1, seconds(5));
    let (steps, states) = live.advance(seconds(20));
    assert!(states.is_empty(), "{states:?}");
    assert_eq!(running(&live, &steps, 1), 4);
    (live, steps)
}

#[test]
fn an_update_that_is_followed_goes_as_one_that_is_simulated() {
    let sound = Behaviour::default();
    for new in [sound.clone(), sound.clone().never_healthy(), sound.clone().exits(seconds(2), 1)] {
        let input = Input::update(spec(4), sound.clone(), new.clone());
        let simulated = simulate(&input);
        let (mut live, _) = deployed(&sound);
        live.submit(request(version(4, new), 2));
        let (_, states) = live.advance(seconds(20) + seconds(120));
        let seen = |states: &[StateStep], from: Offset| -> Vec<_> {
            states.iter().map(|step| (step.state, step.at - from)).collect()
        };
        assert_eq!(seen(&states, seconds(20)), seen(&simulated.states, Offset::ZERO));
    }
}

#[test]
fn a_second_update_during_the_first_replaces_the_tasks_of_both() {
    let sound = Behaviour::default();
    let (mut live, mut all) = deployed(&sound);
    live.submit(request(version(4, sound.clone()), 2));
    all.extend(live.advance(seconds(24)).0);
    live.submit(request(version(4, sound), 3));
    let (steps, states) = live.advance(seconds(120));
    all.extend(steps);
    assert_eq!(states.last().map(|step| step.state), Some(UpdateState::Completed));
    assert_eq!([1, 2, 3].map(|template| running(&live, &all, template)), [0, 0, 4]);
}

#[test]
fn the_same_spec_during_an_update_that_fails_leaves_it_without_a_state() {
    let sound = Behaviour::default();
    let (mut live, _) = deployed(&sound);
    let bad = version(4, sound.never_healthy());
    live.submit(request(bad.clone(), 2));
    let (_, states) = live.advance(seconds(21));
    assert_eq!(states.last().map(|step| step.state), Some(UpdateState::Updating));
    live.submit(Request { same: true, ..request(bad, 2) });
    let (_, states) = live.advance(seconds(100));
    assert!(states.is_empty(), "swarmkit forgets it: {states:?}");
}

#[test]
fn scaling_replaces_nothing_and_removing_ends_everything() {
    let sound = Behaviour::default();
    let (mut live, mut all) = deployed(&sound);
    live.submit(request(version(2, sound.clone()), 1));
    let (steps, states) = live.advance(seconds(40));
    all.extend(steps);
    assert!(states.is_empty(), "{states:?}");
    assert_eq!(running(&live, &all, 1), 2);
    live.submit(request(version(3, sound), 1));
    all.extend(live.advance(seconds(60)).0);
    assert_eq!(running(&live, &all, 1), 3);
    live.remove();
    live.advance(seconds(90));
    assert!(live.is_over());
    assert_eq!(live.next_at(), None);
}

#[test]
fn a_process_that_ends_by_itself_is_replaced() {
    let (mut live, mut all) = deployed(&Behaviour::default());
    live.exit(0, 139);
    let (steps, _) = live.advance(seconds(40));
    assert!(steps.iter().any(|step| step.what == What::Ended(TaskState::Failed)));
    all.extend(steps);
    assert_eq!(running(&live, &all, 1), 4);
}

#[test]
fn a_rollback_that_is_asked_for_returns_to_the_previous_version() {
    let sound = Behaviour::default();
    let (mut live, mut all) = deployed(&sound);
    live.submit(request(version(4, sound.clone()), 2));
    all.extend(live.advance(seconds(60)).0);
    live.submit(Request { rollback: true, ..request(version(4, sound), 1) });
    let (steps, states) = live.advance(seconds(120));
    all.extend(steps);
    assert_eq!(states.last().map(|step| step.state), Some(UpdateState::RollbackCompleted));
    assert_eq!([1, 2].map(|template| running(&live, &all, template)), [4, 0]);
}
