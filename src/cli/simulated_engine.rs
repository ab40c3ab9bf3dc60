//! `rollproof simulated-engine`: the process of a simulated engine.

use std::path::PathBuf;

use clap::Args;

use super::interrupts;
use super::values::speed;
use crate::error::Result;
use crate::simulated::Simulation;

/// Which engine to serve.
#[derive(Debug, Args)]
pub(super) struct SimulatedEngineArgs {
    /// The state folder that it belongs to
    state: PathBuf,
    /// How much faster than real its time passes
    #[arg(value_parser = speed, default_value = "1")]
    speed: f64,
}

/// Serves until it is told to stop, or its folder is gone.
pub(super) async fn run(args: &SimulatedEngineArgs) -> Result<u8> {
    let interrupt = interrupts::listen_quietly("the simulated engine ends")?;
    Simulation::serve(&args.state, args.speed, interrupt.cancelled()).await?;
    Ok(0)
}
