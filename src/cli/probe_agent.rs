//! `rollproof probe-agent`: the prober inside the network of the stack under test.

use super::interrupts;
use crate::error::{Error, Result};
use crate::probe::{ProbeOrder, run_agent};

/// Follows the order in the environment and writes each shot to standard output.
pub(super) async fn run() -> Result<u8> {
    let name = ProbeOrder::VARIABLE;
    let text = std::env::var(name).map_err(|error| {
        Error::usage(format!("{name} is not set"))
            .caused_by(error)
            .hint("rollproof starts this command itself; use `rollproof probe`")
    })?;
    let order = ProbeOrder::parse(&text)?;
    let interrupt = interrupts::listen_quietly("stopped before all shots were reported")?;
    run_agent(&order, std::io::stdout().lock(), interrupt.cancelled()).await?;
    Ok(0)
}
