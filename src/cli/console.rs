//! What every command has: options, the state folder, the user's wish to stop.

use tokio_util::sync::CancellationToken;

use super::args::GlobalArgs;
use super::interrupts;
use crate::error::Result;
use crate::site::{LabUse, OpenOptions, Site, StateFolder};
use crate::ui::{Mode, Terminal, start_log, stderr_colour};

/// What every command has.
pub(super) struct Console {
    pub(super) global: GlobalArgs,
    pub(super) state: StateFolder,
    pub(super) interrupt: CancellationToken,
    pub(super) terminal: Terminal,
}

impl Console {
    pub(super) fn new(global: GlobalArgs) -> Result<Self> {
        let state = StateFolder::find()?;
        let interrupt = interrupts::listen()?;
        let terminal = Terminal::stderr();
        let filter = std::env::var("ROLLPROOF_LOG").ok();
        start_log(filter.as_deref(), stderr_colour(), &terminal);
        Ok(Self { global, state, interrupt, terminal })
    }

    /// Opens the engine. Commands that need what is there already do not start a lab.
    pub(super) async fn open_site(&self, lab: LabUse) -> Result<Site> {
        let options = OpenOptions {
            choice: self.global.engine,
            host: self.global.host.clone(),
            init_swarm: self.global.init_swarm,
            lab,
            nodes: 1,
            start_deadline: std::time::Duration::from_secs(60),
        };
        Site::open(&options, &self.state, &mut |text| self.tell(text)).await
    }

    /// Tells a step on standard error, unless only results are wanted.
    pub(super) fn tell(&self, text: &str) {
        if !self.global.quiet {
            anstream::eprintln!("{text}");
        }
    }

    /// How a run is shown.
    pub(super) fn mode(&self) -> Mode {
        Mode::of_stderr(self.global.quiet)
    }
}
