//! The model against what engines really did. The records are fixed, so the times are too.

use std::path::Path;

use rollproof::Offset;
use rollproof::judge::{ScenarioJudgement, judge};
use rollproof::record::RecordReader;
use rollproof::swarm::{EngineVersion, UpdateState};
use rollproof::swarm_model::{
    Behaviour, End, HopTimes, Input, NoRoom, Outcome, Spec, StartResult, StopReaction, simulate,
};

use crate::swarm_model::{secs, sound};

/// The scenarios of a record, and the service's settings in it.
fn recorded(name: &str) -> (Vec<ScenarioJudgement>, Spec, EngineVersion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name);
    let run = RecordReader::open(&folder).unwrap();
    let stack = run.meta.stack.clone();
    let engine = EngineVersion::parse(&run.meta.engine.version).unwrap();
    let spec = Spec {
        replicas: stack.replicas,
        update: stack.update_config,
        rollback: stack.rollback_config,
        health: stack.healthcheck,
        ..Spec::default()
    };
    (judge(&run, &rollproof::judge::Limits::default()).scenarios, spec, engine)
}

fn states(outcome: &Outcome) -> Vec<UpdateState> {
    outcome.states.iter().map(|step| step.state).collect()
}

fn recorded_states(scenario: &ScenarioJudgement) -> Vec<UpdateState> {
    scenario.update.states.iter().map(|seen| seen.state).collect()
}

/// Each state came when the model says, within 3 %.
fn assert_same_times(outcome: &Outcome, scenario: &ScenarioJudgement) {
    assert_eq!(states(outcome), recorded_states(scenario));
    let submitted = scenario.update.submitted_at.unwrap();
    for (step, seen) in outcome.states.iter().zip(&scenario.update.states) {
        let (played, measured) = (step.at.as_secs_f64(), (seen.at - submitted).as_secs_f64());
        let off = (played - measured).abs();
        assert!(off <= 0.03 * measured + 0.01, "{:?}: {played} for {measured}", step.state);
    }
}

#[test]
fn a_good_and_a_broken_update_with_start_first() {
    let (scenarios, mut spec, engine) = recorded("new-version-404");
    // Its program ignores the stop signal, and its stack file sets a grace period of 2 s.
    spec.stop_grace = 2.0;
    let deaf = Behaviour {
        stop: StopReaction { time: None, code: 0 },
        check_time: Some(secs(0.05)),
        ..Behaviour::default()
    };
    let mut input = Input::update(spec, deaf.clone(), deaf.clone());
    input.engine = engine;
    let good = simulate(&input);
    assert_same_times(&good, &scenarios[0]);
    assert_eq!(good.lowest_serving(), scenarios[0].capacity.as_ref().unwrap().min_serving);
    let gone = good.last_gone(rollproof::swarm_model::Which::Old).unwrap();
    let measured = scenarios[0].update.converged_after_s.last_old_gone.unwrap();
    assert!((gone - measured).abs() < secs(0.5), "{gone} for {measured}");
    input.new.behaviours = deaf.never_healthy().into();
    let broken = simulate(&input);
    assert_same_times(&broken, &scenarios[1]);
    assert_eq!(broken.lowest_serving(), scenarios[1].capacity.as_ref().unwrap().min_serving);
}

#[test]
fn an_image_that_cannot_be_resolved_hangs_on_29() {
    let (scenarios, spec, engine) = recorded("image-unresolvable-29");
    let missing = Behaviour { start: StartResult::ImageMissing, ..Behaviour::default() };
    let mut input = Input::update(spec, sound(), missing);
    input.engine = engine;
    let outcome = simulate(&input);
    assert_eq!(outcome.end, End::Hangs);
    assert_eq!(states(&outcome), recorded_states(&scenarios[0]));
    assert_eq!(outcome.touched.len(), 2);
    // Earlier engines reject the task, and the update is rolled back.
    input.engine = EngineVersion::new(28, 5, 2);
    assert_eq!(simulate(&input).final_state(), UpdateState::RollbackCompleted);
}

#[test]
fn a_host_port_that_start_first_cannot_have_hangs() {
    let (scenarios, mut spec, engine) = recorded("host-port-start-first");
    spec.host_ports = vec![8080];
    let mut input = Input::sound(spec, Offset::ZERO, secs(0.1));
    input.engine = engine;
    let outcome = simulate(&input);
    assert_eq!((outcome.end, outcome.no_room()), (End::Hangs, Some(NoRoom::HostPort)));
    assert_eq!(states(&outcome), recorded_states(&scenarios[0]));
}

#[test]
fn a_change_of_scale_has_no_state() {
    let (scenarios, spec, _) = recorded("scaled-down");
    let mut input = Input::sound(spec, Offset::ZERO, secs(0.1));
    input.replaces = rollproof::swarm::Replaces::Nothing;
    input.new.spec.replicas = 2;
    let outcome = simulate(&input);
    assert_eq!(states(&outcome), []);
    let seen = recorded_states(&scenarios[0]);
    assert!(seen.iter().all(|state| *state == UpdateState::None), "{seen:?}");
}

#[test]
fn hop_times_are_measured_from_a_record() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/new-version-404");
    let run = RecordReader::open(&folder).unwrap();
    let stack = &run.meta.stack;
    let hops = HopTimes::measure(&run.events, &stack.service, stack.healthcheck.as_ref());
    let near = |found: Offset, expected: f64| (found - secs(expected)).abs() <= secs(0.06);
    // Read from the record by hand: 0.29 to 0.40 s from `starting` to the start, 1.06 to 1.09 s from
    // there to the first healthy check, 0.08 to 0.17 s from an end to the task's last state.
    assert!(near(hops.start, 0.33), "{hops:?}");
    assert!(near(hops.check, 0.06), "{hops:?}");
    assert!(near(hops.teardown, 0.11), "{hops:?}");
    // Nothing of the service in the record: the defaults.
    assert_eq!(HopTimes::measure(&run.events, "nosuch", None), HopTimes::default());
}
