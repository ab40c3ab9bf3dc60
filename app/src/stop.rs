//! The signals that ask the program to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Watches SIGTERM and SIGINT from the moment it is created.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    ignore: bool,
}

impl Stop {
    /// Starts watching. With `ignore`, signals are only reported.
    ///
    /// # Errors
    /// If a handler cannot be installed.
    pub fn watch(ignore: bool) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            ignore,
        })
    }

    /// Waits for a signal that is not ignored, and tells its name.
    pub async fn asked(&mut self) -> &'static str {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if !self.ignore {
                return name;
            }
            println!("{name}: ignored");
        }
    }
}
