//! What every command has: options, the state folder, the terminal, the user's wish to stop.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::args::GlobalArgs;
use super::ci::{Ci, LogGroup};
use super::event_stream::{EventArgs, EventStream};
use super::format_args::FormatArgs;
use super::output::{put_line, put_line_to_stderr};
use crate::error::Result;
use crate::lab::EngineSource;
use crate::record::Sink;
use crate::report::Recorded;
use crate::run::RunEnv;
use crate::site::{Foreseen, LabUse, OpenOptions, Site, StateFolder};
use crate::stack::Stack;
use crate::ui::{Mode, Screen, Terminal, render_warning, start_log, stderr_colour};

/// What every command has.
pub(super) struct Console {
    pub(super) global: GlobalArgs,
    pub(super) state: StateFolder,
    pub(super) interrupt: CancellationToken,
    terminal: Terminal,
    log_group: Mutex<Option<LogGroup>>,
    events: Mutex<Option<EventStream>>,
    /// Whether the screen explains each step.
    explains: AtomicBool,
    /// What is not said twice.
    told: Mutex<BTreeSet<String>>,
}

impl Console {
    pub(super) fn new(global: GlobalArgs, interrupt: CancellationToken) -> Result<Self> {
        let state = StateFolder::find()?;
        let terminal = Terminal::stderr();
        start_log(global.log.as_deref(), stderr_colour(), &terminal);
        let (log_group, events) = (Mutex::new(None), Mutex::new(None));
        let explains = AtomicBool::new(false);
        let told = Mutex::new(BTreeSet::new());
        Ok(Self { global, state, interrupt, terminal, log_group, events, explains, told })
    }

    /// Opens the engine. Commands that need what is there already do not start a lab.
    pub(super) async fn open_site(&self, lab: LabUse) -> Result<Site> {
        let options = self.open_options(lab);
        let site = Site::open(&options, &self.state, &mut |text| self.tell(text)).await?;
        self.tell(&format!("using the {}", site.reason));
        Ok(site)
    }

    /// Which engine would be opened; nothing is started.
    pub(super) async fn foresee_site(&self, lab: LabUse) -> Result<Foreseen> {
        Foreseen::look(&self.open_options(lab), &self.state).await
    }

    fn open_options(&self, lab: LabUse) -> OpenOptions {
        OpenOptions {
            choice: self.global.engine,
            host: self.global.host.clone(),
            init_swarm: self.global.init_swarm,
            lab,
            nodes: 1,
            lab_engine: self.lab_engine(),
            speed: self.global.speed,
            start_deadline: Duration::from_secs(60),
        }
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

    /// The same, unless it was said before: what two versions of a stack have in common.
    pub(super) fn tell_once(&self, text: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.insert(text.to_owned()) {
            self.tell(text);
        }
    }

    /// Prints warnings about stack files on standard error, each with its line.
    pub(super) fn warn(&self, stack: &Stack) {
        for warning in stack.warnings() {
            self.tell(render_warning(warning, stderr_colour()).trim_end());
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

    /// Opens the event stream of `--events`, before anything starts.
    pub(super) fn open_events(
        &self,
        events: &EventArgs,
        formats: Option<&FormatArgs>,
    ) -> Result<()> {
        *self.events() = events.open(self.global.json, formats)?;
        self.explains.store(events.explain, Ordering::Relaxed);
        Ok(())
    }

    /// Tells the event stream the verdict on a run.
    pub(super) fn tell_judged(&self, recorded: Recorded) {
        if let Some(events) = self.events().as_ref() {
            events.judged(recorded);
        }
    }

    /// Waits until all events are written.
    pub(super) fn end_events(&self) -> Result<()> {
        let events = self.events().take();
        events.map_or(Ok(()), EventStream::finish)
    }

    fn events(&self) -> MutexGuard<'_, Option<EventStream>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether results for people go to standard output. If not, the events do.
    pub(super) fn has_stdout(&self) -> bool {
        !self.events().as_ref().is_some_and(EventStream::is_on_stdout)
    }

    /// Prints a result with a line end: on standard output, unless that is the events'.
    pub(super) fn put_result(&self, text: impl std::fmt::Display) -> Result<()> {
        if self.has_stdout() {
            put_line(text)
        } else {
            put_line_to_stderr(text);
            Ok(())
        }
    }

    /// What a run on this engine works with.
    pub(super) fn run_env<'a>(&'a self, site: &'a Site) -> RunEnv<'a> {
        RunEnv {
            site,
            state: &self.state,
            interrupt: &self.interrupt,
            sinks: Box::new(|| {
                let events = self.events().as_ref().map(EventStream::sink);
                [Some(self.screen()), events].into_iter().flatten().collect()
            }),
        }
    }

    /// What shows a run to the user while it goes on.
    fn screen(&self) -> Box<dyn Sink> {
        let mode = Mode::of_stderr(self.global.quiet);
        let screen = Screen::new(mode, stderr_colour(), self.terminal.clone());
        let explains = self.explains.load(Ordering::Relaxed);
        Box::new(screen.verbose(self.global.verbose).explained(explains))
    }
}
