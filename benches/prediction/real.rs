//! What a record says of a real update.

use rollproof::record::{EventKind, MachineLoad, Run};
use rollproof::swarm::UpdateState;
use rollproof::swarm_model::{Observed, Outcome};

/// What really happened.
pub struct Real {
    pub update: Observed,
    /// How busy the machine was.
    pub load: Load,
}

impl Real {
    pub fn of(run: &Run) -> Self {
        let update = Observed::all(run).into_iter().next().unwrap();
        Self { update, load: Load::of(run) }
    }

    /// The relative errors of the times at which an outcome has the same states.
    pub fn errors(&self, outcome: &Outcome) -> Vec<f64> {
        self.update
            .states
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
