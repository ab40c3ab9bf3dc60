//! The replicated application, run as a process.

mod checks;
mod faults;
mod grpc;
pub mod harness;
mod pages;
mod servers;
mod stop;
mod workers;
