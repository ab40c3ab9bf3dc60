//! The signals that ask the program to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Watches SIGTERM and SIGINT from its creation on.
#[derive(Debug)]
pub struct Stop {
    terminate: Signal,
    interrupt: Signal,
    ignore: bool,
}

impl Stop {
    /// Starts to watch. With `ignore` the signals are only reported.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub fn watch(ignore: bool) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            ignore,
        })
    }

    /// Waits until one of the signals has come and is to be obeyed.
    pub async fn asked(&mut self) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
            };
            if !self.ignore {
                println!("{name}: finishing what is in hand");
                return;
            }
            println!("{name}: ignored");
        }
    }
}
