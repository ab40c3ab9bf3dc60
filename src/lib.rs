//! `rollproof` proves whether a Docker Swarm service can be updated, and can fail to be
//! updated, without its users noticing.
//!
//! Data flows one way: a stack file becomes requests to an engine; what the engine does and what
//! the probes measure become one record; the judge turns the record into a verdict, and the
//! reports present it.

pub mod cli;
pub mod clock;
pub mod companion;
pub mod compare;
pub mod deploy;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod exit_code;
pub mod image;
pub mod judge;
pub mod lab;
pub mod lint;
pub mod observe;
mod offset;
pub mod place;
pub mod plan;
pub mod probe;
pub mod record;
pub mod remedy;
pub mod report;
pub mod run;
pub mod scenario;
pub mod serve;
pub mod simulated;
pub mod site;
pub mod stack;
pub mod stats;
pub mod status;
pub mod streams;
pub mod swarm;
pub mod swarm_model;
pub mod ui;
pub mod web;
mod whole_file;
pub mod wording;
mod yaml_file;

pub use clock::Clock;
pub use error::{Error, ErrorKind, Result};
pub use offset::Offset;
pub use place::Place;
