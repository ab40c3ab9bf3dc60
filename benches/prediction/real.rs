//! What a record says of a real update.

use rollproof::Offset;
use rollproof::record::{EventKind, MachineLoad, Run};
use rollproof::swarm::UpdateState;
use rollproof::swarm_model::Outcome;

/// What really happened.
pub struct Real {
    /// The states and when each began, counted from the request.
    pub states: Vec<(UpdateState, Offset)>,
    /// The touched slots, in the order of their first new tasks.
    pub order: Vec<u64>,
    /// When nobody looked any more.
    pub until: Offset,
    /// How busy the machine was.
    pub load: Load,
}

impl Real {
    pub fn of(run: &Run) -> Self {
        let service = &run.meta.stack.service;
        let submitted = run.events.iter().find_map(|event| match &event.kind {
            EventKind::Submitted { generation, .. } => Some((event.at, *generation)),
            _ => None,
        });
        let (from, generation) = submitted.unwrap();
        let mut order: Vec<u64> = Vec::new();
        let mut states: Vec<(UpdateState, Offset)> = Vec::new();
        for event in &run.events {
            match &event.kind {
                EventKind::Task(task)
                    if task.service == *service
                        && task.generation == generation
                        && !order.contains(&task.slot) =>
                {
                    order.push(task.slot);
                }
                EventKind::Service { service: of, state, .. }
                    if of == service
                        && event.at >= from
                        && *state != UpdateState::None
                        && states.last().is_none_or(|(last, _)| last != state) =>
                {
                    states.push((*state, event.at - from));
                }
                _ => {}
            }
        }
        let ended = run.events.iter().find(|event| {
            matches!(event.kind, EventKind::ScenarioEnded { .. }) && event.at >= from
        });
        let until = ended.or(run.events.last()).map_or(from, |event| event.at) - from;
        Self { states, order, until, load: Load::of(run) }
    }

    /// The relative errors of the times at which an outcome has the same states.
    pub fn errors(&self, outcome: &Outcome) -> Vec<f64> {
        self.states
            .iter()
            .zip(&outcome.states)
            .filter(|((state, _), step)| *state == step.state && *state != UpdateState::Updating)
            .map(|((_, at), step)| {
                (step.at - *at).abs().as_secs_f64() / at.as_secs_f64().max(0.001)
            })
            .collect()
    }
}

/// How busy the machine was in a run, from its record: shares of the time.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Processors in use, what the hypervisor gave to others included.
    pub busy: f64,
    /// Something waited for a processor (`some` in `/proc/pressure/cpu`).
    pub waiting: f64,
}

impl Load {
    fn of(run: &Run) -> Self {
        let loads: Vec<MachineLoad> = run
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Machine(load) => Some(*load),
                _ => None,
            })
            .collect();
        let mean = |of: fn(&MachineLoad) -> u16| {
            let sum: f64 = loads.iter().map(|load| f64::from(of(load))).sum();
            sum / f64::from(u32::try_from(loads.len()).unwrap()).max(1.0) / 1000.0
        };
        let busy = mean(|load| load.busy + load.stolen);
        Self { busy, waiting: mean(|load| load.waiting.unwrap_or(0)) }
    }

    /// Whether the engine had the machine nearly to itself.
    pub fn is_quiet(self) -> bool {
        self.waiting < 0.5
    }
}
