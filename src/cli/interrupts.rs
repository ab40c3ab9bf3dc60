//! Ctrl-C: once to stop and clean up, twice to quit at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};

/// Listens for Ctrl-C and for the signals that ask a program to end. The first fires the token;
/// the second ends the process at once.
pub(super) fn listen() -> Result<CancellationToken> {
    listen_with(
        Some("cleaning up; press Ctrl-C again to quit without cleaning up"),
        "quit without cleaning up; `rollproof down` removes what this run made",
    )
}

/// The same for a command that leaves nothing behind: nothing is printed at the first signal, and
/// `message` at the second.
pub(super) fn listen_quietly(message: &'static str) -> Result<CancellationToken> {
    listen_with(None, message)
}

fn listen_with(first: Option<&'static str>, second: &'static str) -> Result<CancellationToken> {
    let token = CancellationToken::new();
    let failed = |error| Error::environment("cannot listen for signals").caused_by(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
    let mut docker = super::docker_plugin::connection();
    let fire = token.clone();
    tokio::spawn(async move {
        let mut count = 0_u32;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                () = super::docker_plugin::closed(&mut docker) => {}
            }
            count += 1;
            if count == 1 {
                fire.cancel();
                if let Some(first) = first {
                    anstream::eprintln!("{first}");
                }
            } else {
                anstream::eprintln!("{second}");
                std::process::exit(i32::from(ErrorKind::Interrupted.exit_code()));
            }
        }
    });
    Ok(token)
}
