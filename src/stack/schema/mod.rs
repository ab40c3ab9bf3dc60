//! Which keys a stack file may have and of which type, for every version from 3.0 to 3.13.
//!
//! The rules are tables of facts: what the client of Docker 28.2 accepts and refuses.

mod check;
mod deploy;
mod number;
mod resources;
mod rule;
mod service;
mod types;
mod version;

pub(crate) use check::check;
pub(crate) use version::Version;
