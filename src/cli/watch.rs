//! `rollproof watch`.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::args::duration;
use super::beside::Beside;
use super::console::Console;
use super::facts::{patience, stack_facts};
use super::load_args::LoadArgs;
use super::probing::{HARMLESS, Probing};
use super::session::{Session, new_run_id};
use super::verdict;
use crate::Clock;
use crate::engine::STACK_LABEL;
use crate::error::{Error, Result};
use crate::record::{EventKind, Expects, NegativeControl};
use crate::scenario::{StreamKind, Streams, Trial, find_target};
use crate::site::{LabUse, Site};
use crate::stack::ServiceBody;

/// Probe and observe a service while somebody else updates it, and judge that
///
/// Changes nothing. Waits for the next update of the service, from wherever it comes, follows it
/// until Swarm is done with it, and gives a verdict with the same exit codes as `update`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// The service, with its stack's prefix
    #[arg(value_name = "SERVICE")]
    service: String,

    /// Address that users ask. Without it: the port that the service's stack publishes
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// What the update is meant to do
    #[arg(long, value_enum, default_value_t = Expected::Update)]
    expect: Expected,

    /// Give up if nobody has updated the service after this time
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = duration)]
    wait: Duration,

    #[command(flatten)]
    load: LoadArgs,
}

/// What a watched update is meant to do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Expected {
    /// Every replica runs the new version in the end
    Update,
    /// It fails, and Swarm returns to the previous version by itself
    Rollback,
}

pub(super) async fn run(args: WatchArgs, console: &Console) -> Result<u8> {
    let site = console.open_site(LabUse::Running).await?;
    console.tell(&format!("using the {}", site.reason));
    let watched = find(&site, &args.service).await?;
    let siblings = siblings(&site, &watched).await?;
    let stack = watched.as_value()["Labels"][STACK_LABEL].as_str().unwrap_or_default().to_owned();
    let target = find_target(
        &siblings,
        &stack,
        Some(watched.name()),
        args.url.as_deref(),
        &site.published_host,
    )?;
    let (streams, left_out) = streams(&args.load)?;
    let clock = Clock::start();
    let facts = stack_facts(&site, &stack, &[], &watched, &target).await?;
    console.state.create()?;
    let session = Session {
        console,
        site: &site,
        clock,
        run_id: new_run_id(&clock),
        command: "watch",
        engine: site.facts(&clock).await?,
        stack: facts,
        target: target.clone(),
        body: &watched,
        services: vec![target.service.clone()],
        load: &args.load,
        caveats: Vec::new(),
        negative_control: NegativeControl::None,
        beside: Vec::new(),
    };
    let (mut trial, folder) = session.begin()?;
    let performed = async {
        let beside = Beside { companions: None, inside: None, left_out };
        let (load, negative_control) = (&args.load, NegativeControl::None);
        let probing = Probing { console, load, streams, beside, negative_control };
        probing.begin(&mut trial, &target).await?;
        let expects = match args.expect {
            Expected::Update => Expects::Update,
            Expected::Rollback => Expects::Rollback,
        };
        let changed = async |trial: &Trial, body: &ServiceBody| {
            let facts = stack_facts(&site, &stack, &[], body, &target).await?;
            let patience = patience(&facts, body);
            trial.recorder().set_stack(facts);
            if let Some(replicas) = body.replicas().filter(|now| *now != target.replicas) {
                let text = format!(
                    "the update changed the number of replicas from {} to {replicas}; it is judged by the former",
                    target.replicas
                );
                trial.recorder().tell(EventKind::Caveat { text });
            }
            Ok(patience)
        };
        trial.watch(expects, args.wait, changed).await?;
        trial.phase("settle", "nothing changes any more");
        trial.wind_down(args.load.baseline).await
    }
    .await;
    let finished = trial.finish().await;
    let judged = verdict::conclude(console, &folder);
    // What broke the record is the cause of what followed.
    finished.and(performed)?;
    Ok(verdict::exit_code(judged?.verdict))
}

/// The streams that need nothing on the engine, and why others are left out.
fn streams(load: &LoadArgs) -> Result<(Streams, Vec<String>)> {
    let mut streams = load.streams(&HARMLESS);
    let needs = |kind: &StreamKind| kind.is_from_inside() || *kind == StreamKind::Control;
    let needed: Vec<&str> =
        streams.kinds.iter().filter(|kind| needs(kind)).map(|k| k.name()).collect();
    if needed.is_empty() {
        return Ok((streams, Vec::new()));
    }
    let why = format!(
        "the streams {} need a service of this program's own beside the stack, and `watch` makes nothing",
        needed.join(", ")
    );
    if load.insists() {
        return Err(Error::usage(why).hint("`rollproof update` and `verify` can have them"));
    }
    streams.kinds.retain(|kind| !needs(kind));
    Ok((streams, vec![why]))
}

async fn find(site: &Site, name: &str) -> Result<ServiceBody> {
    if let Some(found) = site.manager.service(name).await? {
        return Ok(found.spec);
    }
    let all = site.manager.services().await?;
    let mut names: Vec<&str> = all.iter().map(crate::engine::ServiceView::name).collect();
    names.sort_unstable();
    let error = Error::usage(format!("there is no service {name} on the {}", site.reason));
    Err(if names.is_empty() {
        error.hint("no service is deployed there; --host names another engine")
    } else {
        error.hint(format!("its services are: {}", names.join(", ")))
    })
}

/// The services of its stack, or it alone: one of them publishes the port that users ask.
async fn siblings(site: &Site, body: &ServiceBody) -> Result<Vec<ServiceBody>> {
    let Some(stack) = body.as_value()["Labels"][STACK_LABEL].as_str() else {
        return Ok(vec![body.clone()]);
    };
    let services = site.manager.stack_services(stack).await?;
    Ok(services.into_iter().map(|service| service.spec).collect())
}
