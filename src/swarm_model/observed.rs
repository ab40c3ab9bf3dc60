//! How the versions of a service behaved in a recorded update, so that it can be played again.

use std::collections::BTreeMap;

use super::lives::{Life, lives, slots, taken_back};
use super::{
    Behaviour, Behaviours, CheckResult, CheckTimings, Exception, Exit, HopTimes, Input, NEWEST,
    Node, Races, SlotOrder, Spec, StartResult, StopReaction, Version,
};
use crate::Offset;
use crate::record::{Event, EventKind, Run, StackFacts};
use crate::swarm::{EngineVersion, Replaces, SpecChange, TaskState, UpdateState};

/// An update that was recorded: what happened, and the input that plays it again.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The scenario's name.
    pub scenario: String,
    /// What it changed.
    pub change: String,
    /// The states of the update and when each began, counted from the request.
    pub states: Vec<(UpdateState, Offset)>,
    /// The slots that had a task of the new version, in the order of their first one.
    pub touched: Vec<u64>,
    /// When nobody looked any more. Swarm may do more after that: a rollback that left two sound tasks
    /// in a slot is repaired, and called completed once more.
    pub until: Offset,
    /// The same settings, behaviour and order of slots, with the hop times of the run.
    pub input: Input,
}

impl Observed {
    /// The updates of a run, one for each scenario that changed the service, with the specs that the
    /// record says were at work. A record of version 0.1.0 has only the stack's settings; what those do
    /// not show (placement, restart policy, ports) is then as in [`Spec::default`]. Absent for a
    /// service with a task on each node, whose slots the record does not tell apart.
    #[must_use]
    pub fn all(run: &Run) -> Vec<Self> {
        let service = run.meta.stack.service.as_str();
        let mut events: Vec<&Event> = run.events.iter().collect();
        events.sort_by_key(|event| event.at);
        let begins = |event: &&Event| matches!(event.kind, EventKind::ScenarioStarted { .. });
        let starts: Vec<usize> = events
            .iter()
            .enumerate()
            .filter(|(_, event)| begins(event))
            .map(|(at, _)| at)
            .collect();
        let ends = starts.iter().skip(1).copied().chain([events.len()]);
        let idle = HopTimes::default().faster(run.meta.engine.times_faster());
        let check = run.meta.stack.healthcheck.as_ref();
        let hops = HopTimes::measure_beside(&run.events, service, check, idle);
        starts
            .iter()
            .zip(ends)
            .filter_map(|(&from, to)| Self::of(run, hops, &events[..to], from))
            .collect()
    }

    /// The update of the scenario that begins at `events[from]`.
    fn of(run: &Run, hops: HopTimes, events: &[&Event], from: usize) -> Option<Self> {
        let stack = &run.meta.stack;
        let EventKind::ScenarioStarted { name, change, generation: old, replicas, .. } =
            &events[from].kind
        else {
            return None;
        };
        let (submitted, new, wanted, specs) =
            events[from..].iter().find_map(|event| match &event.kind {
                EventKind::Submitted { service, generation, replicas, specs }
                    if *service == stack.service =>
                {
                    Some((event.at, *generation, *replicas, specs))
                }
                _ => None,
            })?;
        let lives = lives(events, &stack.service, [*old, new], submitted);
        if lives.iter().any(|life| life.slot == 0) {
            return None;
        }
        let engine = EngineVersion::parse(&run.meta.engine.version).unwrap_or(NEWEST);
        let SpecChange { before, mut after, replaces } = match specs {
            Some(specs) => (**specs).clone(),
            None if new == *old => from_stack(stack, &lives, Replaces::Nothing),
            None => from_stack(stack, &lives, Replaces::Everything),
        };
        let before = Spec { replicas: *replicas, ..before };
        after.replicas = wanted.unwrap_or(*replicas);
        let stop = usual_stop(&lives);
        let seen = |spec: &Spec| {
            let timings = spec.health.as_ref().map(|check| CheckTimings::of(check, engine));
            Seen { timings, check: hops.check, stop }
        };
        let states = states(&events[from..], &stack.service, submitted);
        let mut touched =
            slots(lives.iter().filter(|life| life.is_new && life.created >= submitted));
        let back = states.iter().find(|(state, _)| *state == UpdateState::RollbackStarted);
        let rollback = back.map_or_else(Vec::new, |(_, at)| taken_back(&lives, submitted + *at));
        if new == *old && replaces == Replaces::Nothing {
            // Nothing is updated: a task in a slot that was there is one that was restarted.
            touched.retain(|slot| slot > replicas);
        }
        let of_new = seen(&after).behaviours(lives.iter().filter(|life| life.is_new));
        let of_old = seen(&before).behaviours(lives.iter().filter(|life| !life.is_new));
        let nodes = usize::try_from(run.meta.engine.nodes.clamp(1, 1_000)).unwrap_or(1);
        let input = Input {
            old: Version { spec: before, behaviours: of_old },
            new: Version { spec: after, behaviours: of_new },
            replaces,
            others: Vec::new(),
            has_previous: true,
            engine,
            nodes: vec![Node::default(); nodes],
            hops,
            order: SlotOrder::Given { update: touched.clone(), rollback },
            races: Races::default(),
            seed: 0,
            patience: Offset::from_millis(2 * 3600 * 1000),
        };
        Some(Self {
            scenario: name.clone(),
            change: change.clone(),
            states,
            touched,
            until: until(&events[from..]) - submitted,
            input,
        })
    }
}

/// The end of the scenario, or the last sign of it.
fn until(events: &[&Event]) -> Offset {
    let ends = |event: &&&Event| matches!(event.kind, EventKind::ScenarioEnded { .. });
    let end = events.iter().find(ends).or(events.last());
    end.map_or(Offset::ZERO, |event| event.at)
}

/// The specs of a record that has only the stack's settings.
fn from_stack(stack: &StackFacts, lives: &[Life], replaces: Replaces) -> SpecChange {
    let mut spec = Spec {
        update: stack.update_config.clone(),
        rollback: stack.rollback_config.clone(),
        health: stack.healthcheck.clone(),
        ..Spec::default()
    };
    if let Some(grace) = lives.iter().filter(|life| life.killed).find_map(Life::stop_time) {
        spec.stop_grace = grace.as_secs_f64();
    }
    SpecChange { before: spec.clone(), after: spec, replaces }
}

fn states(events: &[&Event], of: &str, submitted: Offset) -> Vec<(UpdateState, Offset)> {
    let mut states: Vec<(UpdateState, Offset)> = Vec::new();
    for event in events.iter().filter(|event| event.at >= submitted) {
        if let EventKind::Service { service, state, .. } = &event.kind
            && service == of
            && *state != UpdateState::None
            && states.last().is_none_or(|(last, _)| last != state)
        {
            states.push((*state, event.at - submitted));
        }
    }
    states
}

fn code(exit: Option<i64>) -> i32 {
    exit.and_then(|code| i32::try_from(code).ok()).unwrap_or(0)
}

/// How tasks react to their stop signal: the median of those that were stopped.
fn usual_stop(lives: &[Life]) -> StopReaction {
    let mut stops: Vec<(Offset, i32, bool)> = lives
        .iter()
        .filter_map(|life| Some((life.stop_time()?, code(life.exit_code), life.killed)))
        .collect();
    stops.sort_unstable();
    match stops.get(stops.len() / 2) {
        Some((_, code, true)) => StopReaction { time: None, code: *code },
        Some((time, code, false)) => StopReaction { time: Some(*time), code: *code },
        None => StopReaction::default(),
    }
}

/// What turns the lives of tasks into behaviour.
struct Seen {
    timings: Option<CheckTimings>,
    check: Offset,
    stop: StopReaction,
}

impl Seen {
    /// Each slot as its tasks behaved; slots that had none behave as most did.
    fn behaviours<'a>(&self, lives: impl Iterator<Item = &'a Life>) -> Behaviours {
        let mut slots: BTreeMap<u64, Vec<&Life>> = BTreeMap::new();
        for life in lives {
            slots.entry(life.slot).or_default().push(life);
        }
        let told = slots.values().flatten().filter(|life| life.tells());
        let all: Vec<Behaviour> = told.map(|life| self.behaviour(life)).collect();
        let failing = |behaviour: &&Behaviour| fails(behaviour);
        let most_fail = all.iter().filter(failing).count() * 2 >= all.len();
        let usual = all.iter().find(|behaviour| fails(behaviour) == most_fail).cloned();
        let usual = usual.unwrap_or(Behaviour { stop: self.stop, ..Behaviour::default() });
        let mut exceptions = Vec::new();
        for (slot, lives) in slots {
            for (life, nth) in lives.iter().zip(1..).filter(|(life, _)| life.tells()) {
                let first_tasks = if nth == lives.len() as u64 { 0 } else { nth };
                let behaviour = self.behaviour(life);
                exceptions.push(Exception {
                    slots: vec![slot],
                    share: 1.0,
                    first_tasks,
                    behaviour,
                });
            }
        }
        Behaviours { usual, exceptions }
    }

    fn behaviour(&self, life: &Life) -> Behaviour {
        let mut behaviour = Behaviour { stop: self.stop, ..Behaviour::default() };
        let Some(started) = life.started else {
            behaviour.start = match life.last {
                _ if life.stands() => StartResult::ImageMissing,
                Some(TaskState::Rejected) if life.error.contains("No such image") => {
                    StartResult::ImageMissing
                }
                Some(TaskState::Rejected) => StartResult::Rejected,
                Some(TaskState::Failed) => StartResult::CommandMissing,
                _ => StartResult::Starts,
            };
            return behaviour;
        };
        if let Some(time) = life.stop_time() {
            behaviour.stop =
                StopReaction { time: (!life.killed).then_some(time), code: code(life.exit_code) };
        } else if let Some(died) = life.died {
            behaviour.exit = Some(Exit { after: died - started, code: code(life.exit_code) });
        }
        // The check that passed began this long after the start; how long before it the program
        // was ready is not known.
        let healthy = life.healthy.or(life.running.filter(|_| self.timings.is_some()));
        if let Some(healthy) = healthy {
            behaviour.boot = (healthy - started - self.check - SLACK).max(Offset::ZERO);
        }
        if let (Some(unhealthy), Some(timings)) = (life.unhealthy, self.timings) {
            let result = if life.check_hangs { CheckResult::Hang } else { CheckResult::Fail };
            let time = if life.check_hangs { timings.timeout } else { self.check };
            let rounds = i64::try_from(timings.retries.saturating_sub(1)).unwrap_or(0);
            let round = (timings.interval + time).as_nanos().saturating_mul(rounds);
            let first = unhealthy - started - time - Offset::from_nanos(round);
            let from =
                if healthy.is_some() { (first - SLACK).max(Offset::ZERO) } else { Offset::ZERO };
            behaviour.checks = vec![(from, result)];
            if from > Offset::ZERO {
                behaviour.checks.insert(0, (behaviour.boot, CheckResult::Pass));
            }
        }
        behaviour
    }
}

/// How much earlier than a check that found it a change is taken to have come: checks jitter by
/// less.
const SLACK: Offset = Offset::from_millis(100);

fn fails(behaviour: &Behaviour) -> bool {
    behaviour.exit.is_some()
        || behaviour.start != StartResult::Starts
        || behaviour.checks.iter().any(|(_, result)| *result != CheckResult::Pass)
}
