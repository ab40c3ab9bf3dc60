//! A simulated engine: the API of a Docker engine with a swarm, on a Unix socket, moved by the model of
//! Swarm.
//!
//! Services, tasks and updates go as [`swarm_model`](crate::swarm_model) says, in real time or faster.
//! No container runs: a replica is a listener on a loopback address, which answers as the example app
//! does, forwards as its proxy does, or answers anything. `docs/simulated.md` says what is simulated
//! and what is not.
//!
//! * [`Simulation`]: an engine in this process, or one in a process of its own;
//! * `swarm`, `service`, `course`: the objects, and how the model's steps change them;
//! * `api`: a request becomes a reply;
//! * `program`, `faults`, `health_test`, `upstream`: how replicas behave, from spec and image;
//! * `replica`, `answers`, `forward`, `agent`, `traffic`: who answers where.

mod addresses;
mod agent;
mod answers;
mod api;
mod container_log;
mod containers;
mod course;
mod event_log;
mod faults;
mod forward;
mod ground;
mod health_test;
mod ids;
mod images;
mod program;
mod replica;
mod server;
mod service;
mod simulation;
mod swarm;
mod task_record;
mod traffic;
mod upstream;
mod virtual_time;

pub use images::COMPANION;
pub use simulation::{Simulation, SimulationOptions};
