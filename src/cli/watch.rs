//! `rollproof watch`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::against_args::AgainstArgs;
use super::args::LoadArgs;
use super::console::Console;
use super::dry_run::{DryRun, DryRunArgs};
use super::event_stream::EventArgs;
use super::format_args::FormatArgs;
use super::limit_args::LimitArgs;
use super::result::conclude;
use super::target_args::AddressArgs;
use super::values::duration;
use crate::error::{Error, Result};
use crate::record::{Expects, NegativeControl};
use crate::run::{Also, RunSpec, Subject};
use crate::scenario::watched_update;
use crate::site::LabUse;
use crate::streams;

/// Watch and probe a service while it is updated elsewhere, and judge that update
///
/// Changes nothing. Waits for the next update of the service, wherever it comes from, follows it
/// until Swarm is done, and gives a verdict with the same exit codes as `update`.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof watch shop_api                    then update shop_api in another terminal\n  \
    rollproof watch shop_api --expect rollback  if the update should fail")]
pub(super) struct WatchArgs {
    /// The service, with its stack's prefix
    #[arg(value_name = "SERVICE")]
    service: String,

    #[command(flatten)]
    address: AddressArgs,

    /// What the update should do
    #[arg(long, value_enum, default_value_t = Expected::Update)]
    expect: Expected,

    /// Stop waiting for an update after this time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    wait: Duration,

    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    against: AgainstArgs,
    #[command(flatten)]
    formats: FormatArgs,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
}

/// What a watched update should do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Expected {
    /// every replica runs the new version in the end
    Update,
    /// the update fails and Swarm rolls back
    Rollback,
}

pub(super) async fn run(args: WatchArgs, console: &Console) -> Result<u8> {
    let load = args.load.load(streams::HARMLESS, &args.address)?;
    let limits = args.limits.limits()?;
    args.formats.check(args.events.file())?;
    let against = args.against.former(console)?;
    let expects = match args.expect {
        Expected::Update => Expects::Update,
        Expected::Rollback => Expects::Rollback,
    };
    let scenario = watched_update(expects, args.wait);
    if args.dry_run.dry_run {
        let engine = console.foresee_site(LabUse::Running).await?;
        let Some(site) = engine.site() else {
            return Err(Error::environment("no service is on an engine without a swarm"));
        };
        let subject = Subject::watched(site, &args.service, args.address.wish(None)).await?;
        args.load.check_found(&subject.target, &args.address)?;
        let dry_run = DryRun {
            engine: &engine,
            deploys: None,
            target: &subject.target,
            load: &load,
            self_test: false,
            body: &subject.body,
            also: &Also::default(),
            next: None,
            scenarios: &[scenario],
            repeat: 1,
            afterwards: "",
        };
        return dry_run.show(console).await;
    }
    console.open_log(args.formats.ci, "rollproof watch")?;
    console.open_events(&args.events, Some(&args.formats))?;
    let site = console.open_site(LabUse::Running).await?;
    let subject = Subject::watched(&site, &args.service, args.address.wish(None)).await?;
    args.load.check_found(&subject.target, &args.address)?;
    let spec = RunSpec {
        command: "watch",
        subject,
        load,
        also: Also::default(),
        next: None,
        scenarios: vec![scenario],
        leave_as_found: false,
        self_test: NegativeControl::None,
        limits,
        against,
    };
    let finished = Box::pin(spec.run(&console.run_env(&site))).await?;
    conclude(console, &args.formats, finished, async { Ok(()) }).await
}
