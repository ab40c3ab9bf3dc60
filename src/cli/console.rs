//! What every command has: options, the state folder, the terminal, the user's wish to stop.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::args::GlobalArgs;
use super::ci::{Ci, LogGroup};
use super::interrupts;
use crate::error::Result;
use crate::lab::EngineSource;
use crate::record::Sink;
use crate::run::RunEnv;
use crate::site::{LabUse, OpenOptions, Site, StateFolder};
use crate::ui::{Mode, Screen, Terminal, start_log, stderr_colour};

/// What every command has.
pub(super) struct Console {
    pub(super) global: GlobalArgs,
    pub(super) state: StateFolder,
    pub(super) interrupt: CancellationToken,
    terminal: Terminal,
    log_group: Mutex<Option<LogGroup>>,
}

impl Console {
    pub(super) fn new(global: GlobalArgs) -> Result<Self> {
        let state = StateFolder::find()?;
        let interrupt = interrupts::listen()?;
        let terminal = Terminal::stderr();
        start_log(global.log.as_deref(), stderr_colour(), &terminal);
        Ok(Self { global, state, interrupt, terminal, log_group: Mutex::new(None) })
    }

    /// Opens the engine. Commands that need what is there already do not start a lab.
    pub(super) async fn open_site(&self, lab: LabUse) -> Result<Site> {
        let options = OpenOptions {
            choice: self.global.engine,
            host: self.global.host.clone(),
            init_swarm: self.global.init_swarm,
            lab,
            nodes: 1,
            lab_engine: self.lab_engine(),
            start_deadline: Duration::from_secs(60),
        };
        let site = Site::open(&options, &self.state, &mut |text| self.tell(text)).await?;
        self.tell(&format!("using the {}", site.reason));
        Ok(site)
    }

    /// Where the engines of a private swarm come from.
    pub(super) fn lab_engine(&self) -> EngineSource {
        self.global.lab_root.clone().map_or(EngineSource::System, EngineSource::Root)
    }

    /// Prints a step on standard error, unless only results are wanted.
    pub(super) fn tell(&self, text: &str) {
        if !self.global.quiet {
            anstream::eprintln!("{text}");
        }
    }

    /// Prints a detail on standard error, with -v.
    pub(super) fn detail(&self, text: &str) {
        if self.global.verbose {
            anstream::eprintln!("  {text}");
        }
    }

    /// Folds what follows away where a CI system can do that, until [`Self::close_log`].
    pub(super) fn open_log(&self, ci: Option<Ci>, title: &str) -> Result<()> {
        let group = LogGroup::open(Ci::here(ci), title)?;
        *self.log_group.lock().unwrap_or_else(PoisonError::into_inner) = group;
        Ok(())
    }

    /// What follows is the result.
    pub(super) fn close_log(&self) {
        self.log_group.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// What a run on this engine works with.
    pub(super) fn run_env<'a>(&'a self, site: &'a Site) -> RunEnv<'a> {
        RunEnv {
            site,
            state: &self.state,
            interrupt: &self.interrupt,
            screen: Box::new(|| self.screen()),
        }
    }

    /// What shows a run to the user while it goes on.
    fn screen(&self) -> Box<dyn Sink> {
        let mode = Mode::of_stderr(self.global.quiet);
        let screen = Screen::new(mode, stderr_colour(), self.terminal.clone());
        Box::new(screen.verbose(self.global.verbose))
    }
}
