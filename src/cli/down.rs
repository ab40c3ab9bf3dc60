//! `rollproof down`.

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::output::put_line;
use crate::deploy::remove;
use crate::engine::{DockerHost, Engine};
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::site::{EngineKind, LabUse, Ledger, Site};

/// Arguments of `rollproof down`.
#[derive(Debug, Args)]
pub(super) struct DownArgs {
    /// Remove this stack alone and leave the private engine; without it: everything
    #[arg(value_name = "STACK")]
    stack: Option<String>,
}

pub(super) async fn run(args: &DownArgs, console: &Console) -> Result<u8> {
    let _lock = console.state.lock()?;
    let mut left = Vec::new();
    if let Some(stack) = &args.stack {
        let site = console.open_site(LabUse::Running).await?;
        remove_stack(console, &site, stack).await?;
    } else {
        left.extend(hosts_down(console).await?);
        let report = Lab::down(console.state.path()).await?;
        for line in &report.removed {
            console.tell(line);
        }
        left.extend(report.left);
        let mut ledger = Ledger::read(&console.state)?;
        ledger.deployments.retain(|known| known.kind == EngineKind::Host);
        ledger.write()?;
    }
    if console.global.json {
        put_line(json!({ "left": left }))?;
    }
    if left.is_empty() {
        console.tell("nothing is left");
        return Ok(0);
    }
    Err(left_behind(&left))
}

/// Removes everything that the ledger lists on the user's engines.
async fn hosts_down(console: &Console) -> Result<Vec<String>> {
    let ledger = Ledger::read(&console.state)?;
    let stacks = ledger.deployments.iter().filter(|known| known.kind == EngineKind::Host);
    let mut addresses: Vec<String> = stacks.map(|known| known.engine.clone()).collect();
    addresses.extend(ledger.images.iter().map(|image| image.engine.clone()));
    addresses.extend(ledger.swarms.iter().cloned());
    addresses.sort();
    addresses.dedup();
    let mut left = Vec::new();
    for address in addresses {
        match Engine::connect(DockerHost::parse(&address)?).await {
            Ok(engine) => left.extend(host_down(console, &engine, &address).await?),
            Err(error) => left.push(format!("whatever is on the engine at {address}: {error}")),
        }
    }
    Ok(left)
}

async fn host_down(console: &Console, engine: &Engine, address: &str) -> Result<Vec<String>> {
    let mut left = Vec::new();
    let ledger = Ledger::read(&console.state)?;
    for known in ledger.deployments.iter().filter(|known| known.engine == address) {
        let tell = |text: &str| console.tell(text);
        let report = remove(engine, std::slice::from_ref(engine), &known.stack, &tell).await?;
        if report.left.is_empty() {
            let mut ledger = Ledger::read(&console.state)?;
            ledger.forget(address, &known.stack);
            ledger.write()?;
        }
        left.extend(report.left);
    }
    left.extend(images_down(console, engine, address).await?);
    let mut ledger = Ledger::read(&console.state)?;
    if ledger.swarms.iter().any(|known| known == address) {
        engine.leave_swarm().await?;
        console
            .tell(&format!("the engine at {address} has left the swarm that was made for the run"));
        ledger.swarms.retain(|known| known != address);
        ledger.write()?;
    }
    Ok(left)
}

/// Removes the images that were loaded into a user's engine, if they are still the same.
async fn images_down(console: &Console, engine: &Engine, address: &str) -> Result<Vec<String>> {
    let mut ledger = Ledger::read(&console.state)?;
    let mut left = Vec::new();
    let (ours, others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut ledger.images).into_iter().partition(|image| image.engine == address);
    ledger.images = others;
    for image in ours {
        let present = engine.image(&image.reference).await?;
        if present.is_none_or(|present| present.id != image.id) {
            continue;
        }
        if engine.remove_image(&image.reference).await? {
            console.tell(&format!("Removing image {}", image.reference));
        } else {
            left.push(format!("image {}: still in use", image.reference));
            ledger.images.push(image);
        }
    }
    ledger.write()?;
    Ok(left)
}

/// Removes one stack and says what is left of it.
pub(super) async fn remove_stack(console: &Console, site: &Site, stack: &str) -> Result<()> {
    let tell = |text: &str| console.tell(text);
    let report = remove(&site.manager, &site.engines, stack, &tell).await?;
    if !report.left.is_empty() {
        return Err(left_behind(&report.left));
    }
    let mut ledger = Ledger::read(&console.state)?;
    ledger.forget(&site.address(), stack);
    ledger.write()
}

/// Takes away what a run made: its stack, and the engine, images and swarm that it brought.
pub(super) async fn after_run(console: &Console, site: &Site, stack: &str) -> Result<()> {
    if site.kind == EngineKind::Lab && site.lab_for_one_run {
        let report = Lab::down(console.state.path()).await?;
        let mut ledger = Ledger::read(&console.state)?;
        ledger.forget_engine(&site.address());
        ledger.write()?;
        return if report.left.is_empty() { Ok(()) } else { Err(left_behind(&report.left)) };
    }
    remove_stack(console, site, stack).await?;
    if site.kind == EngineKind::Host {
        let ledger = Ledger::read(&console.state)?;
        let address = site.address();
        if ledger.deployments.iter().all(|known| known.engine != address) {
            let left = host_down(console, &site.manager, &address).await?;
            if !left.is_empty() {
                return Err(left_behind(&left));
            }
        }
    }
    Ok(())
}

fn left_behind(left: &[String]) -> Error {
    Error::environment(format!("not everything could be removed: {}", left.join("; ")))
        .hint("run `rollproof down` again")
}
