//! Beginning a recorded run, and ending it.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::console::Console;
use super::facts::patience;
use super::load_args::LoadArgs;
use crate::Clock;
use crate::error::Result;
use crate::record::{
    EngineFacts, Meta, NegativeControl, RecordWriter, RunFolder, SCHEMA_VERSION, StackFacts,
};
use crate::scenario::{Recorder, Target, Trial, TrialOptions};
use crate::site::Site;
use crate::stack::ServiceBody;
use crate::ui::{Screen, stderr_colour};

/// What a run needs to begin.
pub(super) struct Session<'a> {
    pub(super) console: &'a Console,
    pub(super) site: &'a Site,
    pub(super) clock: Clock,
    pub(super) run_id: String,
    pub(super) command: &'a str,
    pub(super) engine: EngineFacts,
    pub(super) stack: StackFacts,
    pub(super) target: Target,
    /// The body of the service under test.
    pub(super) body: &'a ServiceBody,
    /// Every service of the stack, by name.
    pub(super) services: Vec<String>,
    /// The program's own services beside it.
    pub(super) beside: Vec<String>,
    pub(super) load: &'a LoadArgs,
    pub(super) caveats: Vec<String>,
    /// Whether an update that is known to lose requests is part of the run.
    pub(super) negative_control: NegativeControl,
}

impl Session<'_> {
    /// Makes the record and starts to watch.
    pub(super) fn begin(self) -> Result<(Trial, PathBuf)> {
        let mut caveats = self.caveats;
        if self.engine.nodes > self.site.engines.len() as u64 {
            caveats.push(format!(
                "the swarm has {} nodes and this run reaches {} engine: containers on the other nodes are seen through task states only",
                self.engine.nodes,
                self.site.engines.len()
            ));
        }
        let patience = patience(&self.stack, self.body);
        let clock_offset = self.engine.clock_offset;
        let meta = Meta {
            schema_version: SCHEMA_VERSION,
            run_id: self.run_id.clone(),
            started_at: self.clock.started_at().to_string(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.command.to_owned(),
            engine: self.engine,
            stack: self.stack,
            streams: Vec::new(),
            caveats,
            negative_control: self.negative_control,
        };
        let folder = RunFolder::create(self.console.state.path(), &self.run_id)?;
        let path = folder.path().to_owned();
        let writer = RecordWriter::create(&folder, &meta)?;
        folder.mark_latest()?;
        let mut screen =
            Screen::new(self.console.mode(), stderr_colour(), self.console.terminal.clone());
        screen.facts(&meta.stack);
        let recorder = Recorder::start(self.clock, writer, screen)?;
        let options = TrialOptions {
            manager: self.site.manager.clone(),
            engines: self.site.engines.clone(),
            clock: self.clock,
            clock_offset,
            services: self.services,
            beside: self.beside,
            target: self.target,
            settle: self.load.settle,
            patience,
            interrupt: self.console.interrupt.clone(),
        };
        Ok((Trial::begin(options, recorder), path))
    }
}

/// A run id that sorts by time: `20261121-011409-4f2a`.
pub(super) fn new_run_id(clock: &Clock) -> String {
    let now: Timestamp = clock.started_at();
    let seed = format!("{}-{}", std::process::id(), now.as_nanosecond());
    let random = hex::encode(&Sha256::digest(seed.as_bytes())[..2]);
    format!("{}-{random}", now.strftime("%Y%m%d-%H%M%S"))
}

/// How long users may need to get their first answers after the stack has converged: a proxy
/// that resolves names once a minute, as some do, gets its minute.
pub(super) const FIRST_ANSWERS_WITHIN: Duration = Duration::from_secs(75);
