//! A recorded run on one of the user's stacks, up to its first event.

use std::path::PathBuf;

use super::beside::Wanted;
use super::console::Console;
use super::facts::stack_facts;
use super::load_args::LoadArgs;
use super::prepare::Prepared;
use super::probing::Probing;
use super::session::{Session, new_run_id};
use crate::Clock;
use crate::error::Result;
use crate::record::NegativeControl;
use crate::scenario::{StreamKind, Target, Trial};
use crate::site::Site;
use crate::stack::ServiceBody;

/// What a recorded run on a stack is about.
pub(super) struct Plan<'a> {
    pub(super) console: &'a Console,
    pub(super) site: &'a Site,
    pub(super) command: &'a str,
    pub(super) prepared: &'a Prepared,
    pub(super) target: &'a Target,
    /// The service under test before its first change.
    pub(super) body: &'a ServiceBody,
    pub(super) load: &'a LoadArgs,
    /// The streams, unless the user chose.
    pub(super) kinds: &'a [StreamKind],
    pub(super) negative_control: NegativeControl,
}

/// A run that has a record.
pub(super) struct Begun<'a> {
    pub(super) run_id: String,
    pub(super) trial: Trial,
    pub(super) folder: PathBuf,
    pub(super) probing: Probing<'a>,
}

impl<'a> Plan<'a> {
    /// Finds out what can be measured, makes the record and starts to watch. Nothing is made on
    /// the engine yet, and nothing is asked.
    pub(super) async fn begin(&self) -> Result<Begun<'a>> {
        let Self { console, site, prepared, target, body, load, negative_control, .. } = *self;
        let clock = Clock::start();
        let run_id = new_run_id(&clock);
        let engine = site.facts(&clock).await?;
        let mut streams = load.streams(self.kinds);
        let wanted = Wanted { plan: self, run_id: &run_id, clock, engine: &engine };
        let beside = wanted.choose(&mut streams).await?;
        let services = &prepared.requests.services;
        let session = Session {
            console,
            site,
            clock,
            run_id: run_id.clone(),
            command: self.command,
            engine,
            stack: stack_facts(site, &prepared.stack, &prepared.files, body, target).await?,
            target: target.clone(),
            body,
            services: services.iter().map(|body| body.name().to_owned()).collect(),
            beside: beside.services(),
            load,
            caveats: prepared.caveats.clone(),
            negative_control,
        };
        let (trial, folder) = session.begin()?;
        let probing = Probing { console, load, streams, beside, negative_control };
        Ok(Begun { run_id, trial, folder, probing })
    }
}
