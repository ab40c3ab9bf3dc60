//! `rollproof deploy`.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::deployment::EXAMPLE_STACK;
use super::output::put_line;
use super::prepare::{Prepared, prepare, read, render_warning};
use super::session::new_run_id;
use super::stack_args::StackArgs;
use super::{examples, images};
use crate::Clock;
use crate::deploy::{
    Applied, ApplyOptions, ConvergeOptions, EndpointMode, Kernel, apply, check_owner, converge,
};
use crate::engine::RegistryAuth;
use crate::error::{Error, Result};
use crate::observe::{Observer, Watch};
use crate::record::{Event, EventKind};
use crate::site::{Deployment, LabUse, Ledger, Site};
use crate::ui::{Screen, stderr_colour};

/// Arguments of `rollproof deploy`.
#[derive(Debug, Args)]
pub(super) struct DeployArgs {
    /// The stack's name
    #[arg(value_name = "STACK")]
    stack: Option<String>,

    #[command(flatten)]
    stack_args: StackArgs,

    /// Remove services of the stack that the file no longer has
    #[arg(long)]
    prune: bool,

    /// Print the requests that would be sent, as JSON, and talk to no engine
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: DeployArgs, console: &Console) -> Result<u8> {
    let name = args.stack.as_deref().unwrap_or(EXAMPLE_STACK);
    if args.dry_run {
        return dry_run(&args, name, console);
    }
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::Start).await?;
    console.tell(&format!("using the {}", site.reason));
    let mode = args.stack_args.endpoint_mode;
    let prepared = prepare(console, &args.stack_args.files, name, site.kernel, mode)?;
    images::ensure(console, &site, &prepared.requests.services, &[], None).await?;
    let clock = Clock::start();
    let run_id = new_run_id(&clock);
    let applied =
        deploy(console, &site, &prepared, &run_id, &args.stack_args, args.prune, &|text| {
            console.tell(text);
        })
        .await?;
    let services = applied.services.iter().map(|body| body.name().to_owned()).collect();
    wait(console, &site, clock, services, &args.stack_args).await?;
    let seconds = clock.now().as_secs_f64();
    console.tell(&format!("stack {name} has converged after {seconds:.1} s"));
    if console.global.json {
        put_line(json!({"stack": name, "run_id": run_id, "converged": seconds}))?;
    }
    Ok(0)
}

/// Notes the deployment, then applies it.
pub(super) async fn deploy(
    console: &Console,
    site: &Site,
    prepared: &Prepared,
    run_id: &str,
    args: &StackArgs,
    prune: bool,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Applied> {
    check_owner(&site.manager, &prepared.stack, args.adopt).await?;
    let mut ledger = Ledger::read(&console.state)?;
    ledger.note(Deployment {
        engine: site.address(),
        kind: site.kind,
        stack: prepared.stack.clone(),
        run: run_id.to_owned(),
        files: prepared.files.clone(),
        dnsrr: args.endpoint_mode == Some(EndpointMode::Dnsrr),
        changes: Vec::new(),
    });
    ledger.write()?;
    let options = ApplyOptions {
        stack: prepared.stack.clone(),
        run_id: run_id.to_owned(),
        adopt: args.adopt,
        prune,
        resolve: args.resolve_image,
        auth: args.with_registry_auth.then(|| Arc::new(RegistryAuth::of_cli())),
    };
    apply(&site.manager, prepared.requests.clone(), &options, tell).await
}

/// Shows how the stack converges until it has.
async fn wait(
    console: &Console,
    site: &Site,
    clock: Clock,
    services: Vec<String>,
    args: &StackArgs,
) -> Result<()> {
    let facts = site.facts(&clock).await?;
    let watch = Watch {
        manager: site.manager.clone(),
        engines: site.engines.clone(),
        services: services.clone(),
        clock,
        clock_offset: facts.clock_offset,
    };
    let (sender, inbox) = std::sync::mpsc::channel::<Event>();
    let mut screen = Screen::new(console.mode(), stderr_colour(), console.terminal.clone());
    let now = clock.now();
    let text = "Swarm starts the services' tasks".to_owned();
    let kind = EventKind::Phase { name: "deploy".into(), text };
    screen.event(&Event { at: now, seen: now, kind });
    let draw = move || {
        loop {
            match inbox.recv_timeout(std::time::Duration::from_millis(66)) {
                Ok(event) => screen.event(&event),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
            }
            screen.tick(clock.now());
        }
        screen.finish();
    };
    let drawer =
        std::thread::Builder::new().name("screen".to_owned()).spawn(draw).map_err(|error| {
            Error::environment("cannot start a thread for the screen").caused_by(error)
        })?;
    let observer = Observer::start(
        watch,
        std::sync::Arc::new(move |event| {
            let _ = sender.send(event);
        }),
    );
    let options = ConvergeOptions { services, progress_deadline: args.progress_deadline };
    let converged = converge(observer.snapshots(), &options, &console.interrupt).await;
    observer.stop().await;
    let _ = tokio::task::spawn_blocking(move || drawer.join()).await;
    converged.map_err(|error| {
        error.hint("what was deployed is still there: `rollproof down` removes it")
    })
}

fn dry_run(args: &DeployArgs, name: &str, console: &Console) -> Result<u8> {
    let stack = if args.stack_args.files.is_empty() {
        read(&examples::choose(&console.state, &[], Kernel { ipvs: true })?.files)?
    } else {
        read(&args.stack_args.files)?
    };
    for warning in stack.warnings() {
        anstream::eprintln!("{}", render_warning(warning));
    }
    put_line(stack.requests(name)?.to_json())?;
    Ok(0)
}
