//! What holds for every update that the model plays.

use std::collections::HashSet;

use proptest::prelude::*;
use rollproof::record::Expects;
use rollproof::swarm::{FailureAction, HealthCheck, Order, UpdateState};
use rollproof::swarm_model::{
    Behaviour, Behaviours, End, Exception, Input, Names, Outcome, Races, SlotOrder, Spec, What,
    Which, simulate,
};

use crate::judge_story::{SERVICE, Story, judge};
use crate::swarm_model::{check, secs, sound, spec};

fn policies() -> impl Strategy<Value = Spec> {
    let order = prop_oneof![Just(Order::StartFirst), Just(Order::StopFirst)];
    let action = prop_oneof![
        Just(FailureAction::Pause),
        Just(FailureAction::Rollback),
        Just(FailureAction::Continue)
    ];
    let times = (0_u32..12, 1_u32..30, 1_u32..5, 1_u64..4);
    (order, action, 1_u64..9, 0_u64..5, times, 0_u32..11).prop_map(
        |(order, action, replicas, parallelism, (delay, monitor, interval, retries), ratio)| {
            let mut spec = spec(order);
            spec.replicas = replicas;
            spec.health = Some(check(f64::from(interval), retries));
            spec.update.failure_action = action;
            for policy in [&mut spec.update, &mut spec.rollback] {
                policy.parallelism = parallelism;
                policy.delay = f64::from(delay);
                policy.monitor = f64::from(monitor);
                policy.max_failure_ratio = f64::from(ratio) / 10.0;
            }
            spec
        },
    )
}

fn behaviours() -> impl Strategy<Value = Behaviour> {
    let time = 0_u32..20;
    (time, 0_u32..6, 0_u8..6).prop_map(|(after, boot, kind)| {
        let sound = Behaviour::sound(secs(f64::from(boot)), secs(0.1));
        let after = secs(f64::from(after));
        match kind {
            0 => sound.never_healthy(),
            1 => sound.sick_after(after),
            2 => sound.exits(after, 1),
            3 => sound.exits(after, 0),
            _ => sound,
        }
    })
}

fn inputs() -> impl Strategy<Value = Input> {
    (policies(), behaviours(), behaviours(), 0_u64..9, any::<u64>(), 0_usize..4).prop_map(
        |(spec, usual, other, slot, seed, races)| {
            let exception =
                Exception { slots: vec![slot], share: 1.0, first_tasks: 0, behaviour: other };
            let new = Behaviours { usual, exceptions: vec![exception] };
            let mut input = Input::update(spec, sound(), new);
            input.seed = seed;
            input.order = SlotOrder::Random;
            input.races = Races::ALL[races];
            input
        },
    )
}

/// The most slots of which the update had made a task that was not running yet.
fn most_in_flight(outcome: &Outcome) -> usize {
    let mut flying = HashSet::new();
    let mut most = 0;
    for step in &outcome.steps {
        let task = outcome.tasks[step.task as usize];
        if task.version == Which::Old || !task.of_update {
            continue;
        }
        match step.what {
            What::Created => drop(flying.insert(step.task)),
            What::Running | What::Ended(_) => drop(flying.remove(&step.task)),
            _ => {}
        }
        most = most.max(flying.len());
    }
    most
}

pub fn names() -> Names {
    Names {
        service: SERVICE.to_owned(),
        scenario: "update".to_owned(),
        expects: Expects::Update,
        change: "--force".to_owned(),
        images: ["app:1".to_owned(), "app:2".to_owned()],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_same_input_has_the_same_outcome(input in inputs()) {
        let (one, two) = (simulate(&input), simulate(&input));
        prop_assert_eq!(one.steps, two.steps);
        prop_assert_eq!(one.states, two.states);
    }

    #[test]
    fn sound_versions_never_lose_a_replica_with_start_first(
        spec in policies(), boot in 0_u32..20, stop in 0_u32..20,
    ) {
        let mut spec = spec;
        spec.update.order = Order::StartFirst;
        // Slow to be ready, but not as slow as to be called unhealthy.
        spec.health = Some(HealthCheck { retries: 100, ..check(1.0, 3) });
        let input = Input::sound(spec, secs(f64::from(boot)), secs(f64::from(stop)));
        let outcome = simulate(&input);
        prop_assert_eq!(outcome.final_state(), UpdateState::Completed);
        prop_assert_eq!(outcome.lowest_serving(), input.new.spec.replicas);
        prop_assert_eq!(outcome.touched.len() as u64, input.new.spec.replicas);
    }

    #[test]
    fn stop_first_loses_at_most_parallelism_with_sound_versions(spec in policies()) {
        let mut spec = spec;
        spec.update.order = Order::StopFirst;
        let outcome = simulate(&Input::sound(spec.clone(), secs(0.0), secs(0.1)));
        let lost = spec.replicas - outcome.lowest_serving();
        prop_assert_eq!(lost, spec.update.at_once(spec.replicas));
    }

    #[test]
    fn a_sound_update_takes_the_formulas_time(spec in policies()) {
        let outcome = simulate(&Input::sound(spec.clone(), secs(0.0), secs(0.1)));
        prop_assert_eq!(outcome.final_state(), UpdateState::Completed);
        let policy = &spec.update;
        let rounds = spec.replicas.div_ceil(policy.at_once(spec.replicas));
        let running = outcome.steps.iter().find(|step| {
            step.what == What::Running && outcome.tasks[step.task as usize].version == Which::New
        });
        let slot = running.unwrap().at.as_secs_f64();
        let watch =
            if policy.delay >= policy.monitor { policy.delay + 1.0 } else { policy.monitor };
        #[expect(clippy::cast_precision_loss, reason = "a few rounds")]
        let expected = rounds as f64 * (slot + policy.delay) + watch;
        let took = outcome.finished().unwrap().as_secs_f64();
        // Containers that start together take a little longer, each round by another amount.
        #[expect(clippy::cast_precision_loss, reason = "a few rounds")]
        let slack = 0.9 * rounds as f64;
        prop_assert!((took - expected).abs() <= slack, "{} instead of {}", took, expected);
    }

    #[test]
    fn no_more_slots_than_parallelism_are_in_flight(input in inputs()) {
        let mut input = input;
        // A race makes the updater take one slot more for each worker.
        input.races.over_dispatch = false;
        // A rollback is another updater.
        input.old.spec.rollback.parallelism = input.old.spec.update.parallelism;
        let outcome = simulate(&input);
        let most = input.new.spec.update.at_once(input.new.spec.replicas);
        prop_assert!(most_in_flight(&outcome) as u64 <= most);
    }

    #[test]
    fn every_update_ends_in_a_known_state_or_hangs(input in inputs()) {
        let outcome = simulate(&input);
        match outcome.end {
            End::Rest => prop_assert!(outcome.final_state().is_terminal()),
            End::Hangs => prop_assert!(!outcome.final_state().is_terminal()),
        }
        prop_assert_eq!(outcome.states[0].state, UpdateState::Updating);
        prop_assert!(outcome.states.windows(2).all(|two| two[0].at <= two[1].at));
        prop_assert!(outcome.steps.windows(2).all(|two| two[0].at <= two[1].at));
        prop_assert_eq!(outcome.spec == Which::Old, outcome.rolled_back());
    }

    #[test]
    fn the_judge_reads_simulated_events_like_recorded_ones(input in inputs()) {
        let outcome = simulate(&input);
        let mut run = Story::new(1).run;
        run.events = outcome.events(&names(), secs(10.0));
        let judged = judge(&run);
        let scenario = &judged.scenarios[0];
        let states: Vec<_> = scenario.update.states.iter().map(|seen| seen.state).collect();
        let played: Vec<_> = outcome.states.iter().map(|step| step.state).collect();
        prop_assert_eq!(states, played);
        prop_assert_eq!(scenario.update.rolled_back, outcome.rolled_back());
        let capacity = scenario.capacity.as_ref().unwrap();
        prop_assert_eq!(capacity.min_serving, outcome.lowest_serving());
        if outcome.rolled_back() {
            prop_assert_eq!(scenario.update.spec_restored, Some(true));
            let story = scenario.rollback.as_ref().unwrap();
            let (_, failed) = outcome.trigger().unwrap();
            prop_assert_eq!(story.trigger_slot, Some(outcome.tasks[failed as usize].slot));
        }
    }
}
