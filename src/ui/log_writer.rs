//! Log lines above the live area.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use super::terminal::Terminal;

/// Writes log lines above the live area of a [`Terminal`].
#[derive(Clone)]
pub struct LogWriter {
    terminal: Terminal,
}

impl LogWriter {
    /// A writer to that terminal.
    #[must_use]
    pub fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }
}

impl Write for LogWriter {
    /// The formatter hands over each event in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.terminal.print(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Starts the log of this process: warnings, more with `verbose` (how often `-v` was given),
/// or what `filter` says, in the syntax of `tracing_subscriber::EnvFilter`. A second call in
/// the same process changes nothing.
pub fn start_log(verbose: u8, filter: Option<&str>, colour: bool, terminal: &Terminal) {
    let chosen = filter.unwrap_or(match verbose {
        0 => "warn",
        1 => "warn,rollproof=info",
        2 => "warn,rollproof=debug",
        _ => "debug",
    });
    _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(chosen))
        .with_writer(LogWriter::new(terminal.clone()))
        .with_ansi(colour)
        .with_target(verbose > 1)
        .without_time()
        .try_init();
}
