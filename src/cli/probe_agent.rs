//! `rollproof probe-agent`: the prober inside the network of the stack under test.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{Error, Result};
use crate::probe::{ProbeOrder, run_agent};

/// Does what the order in the environment says and tells each shot on standard output.
pub(super) async fn run() -> Result<u8> {
    let name = ProbeOrder::VARIABLE;
    let text = std::env::var(name).map_err(|error| {
        Error::usage(format!("no order in {name}"))
            .caused_by(error)
            .hint("this command is started by rollproof itself; `rollproof probe` is for people")
    })?;
    let order = ProbeOrder::parse(&text)?;
    let listen = |kind| {
        signal(kind)
            .map_err(|error| Error::environment("cannot listen for signals").caused_by(error))
    };
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let stop = async {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    run_agent(&order, std::io::stdout().lock(), stop).await?;
    Ok(0)
}
