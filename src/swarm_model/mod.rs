//! A model of Swarm: what an update does to the tasks of a service, in virtual time.
//!
//! [`simulate`] plays one update: the orchestrator, the updater, the restart supervisor, the
//! scheduler, the nodes and their health checks. It asks no clock and no engine, so the same
//! [`Input`] always has the same [`Outcome`], and an hour of an update takes microseconds.
//!
//! ```
//! use rollproof::swarm_model::{Behaviour, Input, Spec, simulate};
//! use rollproof::{Offset, swarm::UpdateState};
//!
//! let spec = Spec { replicas: 3, ..Spec::default() };
//! let input = Input::sound(spec, Offset::from_millis(500), Offset::from_millis(100));
//! let outcome = simulate(&input);
//! assert_eq!(outcome.final_state(), UpdateState::Completed);
//! assert_eq!(outcome.lowest_serving(), 2);
//! ```
//!
//! What other rooms use:
//! * [`simulate`]: an update from start to end;
//! * [`Outcome`]: states, touched slots, durations, capacity, and [`Outcome::events`], the same
//!   events as in the record of a real run;
//! * [`Live`]: a service that is followed while requests come at any moment;
//! * [`Spec::of`]: the input from a service's request body;
//! * [`health_course`] and [`CheckTimings`]: when a container becomes healthy and unhealthy;
//! * [`HopTimes`]: the part of a duration that no setting decides; [`HopTimes::measure`] takes it
//!   from a record;
//! * [`Observed`]: how the versions behaved in a record, to play its updates again.
//!
//! The rules come from the engine's source (swarmkit and moby, named at each rule) and from
//! recorded runs. What the source leaves open, because two parts of the engine race, is in
//! [`Races`]; `Races::ALL` are all ways in which they can end. What the model leaves out: changes of
//! manager, nodes that are lost, jobs; a second update while one is going on is for [`Live`] alone.

mod agent;
mod behaviour;
mod events;
mod health;
mod hop_times;
mod input;
mod live;
mod lives;
mod measure;
mod observed;
mod outcome;
mod queue;
mod reconcile;
mod replay;
mod restart;
mod scheduler;
mod spec;
mod task;
mod updater;
mod world;

pub use crate::swarm::Spec;
pub use behaviour::{
    Behaviour, Behaviours, CheckResult, Exception, Exit, StartResult, StopReaction,
};
pub use events::Names;
pub use health::{CheckTimings, HealthCourse, health_course};
pub use hop_times::HopTimes;
pub use input::{Input, NEWEST, Node, Races, SlotOrder, Version};
pub use live::{Live, Request, TaskNow};
pub use observed::Observed;
pub use outcome::{End, Outcome, StateStep, TaskFacts, Why};
pub use task::{NoRoom, Step, What, Which};

/// Plays one update, from the request until nothing more follows from it.
#[must_use]
pub fn simulate(input: &Input) -> Outcome {
    world::World::new(input).run()
}
