//! Removing what rollproof created, and reporting what remains.

use super::{EngineKind, Ledger, Site, StateFolder};
use crate::deploy::remove;
use crate::engine::{DockerHost, Engine};
use crate::error::{Error, Result};
use crate::lab::Lab;

type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Removes everything that was created with this state folder: on the user's engines, and the lab.
/// Returns what remains.
///
/// # Errors
/// When the ledger cannot be read or written, or the lab cannot be inspected.
pub async fn remove_everything(state: &StateFolder, tell: Tell<'_>) -> Result<Vec<String>> {
    let mut left = hosts_down(state, tell).await?;
    let report = Lab::down(state.path()).await?;
    report.removed.iter().for_each(|line| tell(line));
    left.extend(report.left);
    let mut ledger = Ledger::read(state)?;
    ledger.stacks.retain(|known| known.kind == EngineKind::Host);
    ledger.write()?;
    Ok(left)
}

/// The error for things that could not be removed.
#[must_use]
pub fn left_behind(left: &[String]) -> Error {
    Error::environment(format!("could not remove everything: {}", left.join("; ")))
        .hint("run `rollproof down` again")
}

impl Site {
    /// Removes what rollproof deployed of one stack.
    ///
    /// # Errors
    /// When the engine does not respond, or something could not be removed.
    pub async fn remove_stack(
        &self,
        state: &StateFolder,
        stack: &str,
        tell: Tell<'_>,
    ) -> Result<()> {
        let report = remove(&self.manager, &self.engines, stack, tell).await?;
        if !report.left.is_empty() {
            return Err(left_behind(&report.left));
        }
        let mut ledger = Ledger::read(state)?;
        ledger.forget(&self.address(), stack);
        ledger.write()
    }

    /// Removes what a run created: its stack, and the engine, images and swarm that it brought.
    ///
    /// # Errors
    /// As [`Site::remove_stack`].
    pub async fn after_run(&self, state: &StateFolder, stack: &str, tell: Tell<'_>) -> Result<()> {
        let mut left = Vec::new();
        if self.kind == EngineKind::Lab && self.lab_for_one_run {
            left = Lab::down(state.path()).await?.left;
            let mut ledger = Ledger::read(state)?;
            ledger.forget_engine(&self.address());
            ledger.write()?;
        } else {
            self.remove_stack(state, stack, tell).await?;
            let address = self.address();
            let others = Ledger::read(state)?.stacks.iter().any(|known| known.engine == address);
            if self.kind == EngineKind::Host && !others {
                left = host_down(state, &self.manager, &address, tell).await?;
            }
        }
        if left.is_empty() { Ok(()) } else { Err(left_behind(&left)) }
    }
}

/// Removes everything that the ledger lists on the user's engines.
async fn hosts_down(state: &StateFolder, tell: Tell<'_>) -> Result<Vec<String>> {
    let ledger = Ledger::read(state)?;
    let stacks = ledger.stacks.iter().filter(|known| known.kind == EngineKind::Host);
    let mut addresses: Vec<String> = stacks.map(|known| known.engine.clone()).collect();
    addresses.extend(ledger.images.iter().map(|image| image.engine.clone()));
    addresses.extend(ledger.swarms.iter().cloned());
    addresses.sort();
    addresses.dedup();
    let mut left = Vec::new();
    for address in addresses {
        match Engine::connect(DockerHost::parse(&address)?).await {
            Ok(engine) => left.extend(host_down(state, &engine, &address, tell).await?),
            Err(error) => left.push(format!("anything on the engine at {address}: {error}")),
        }
    }
    Ok(left)
}

async fn host_down(
    state: &StateFolder,
    engine: &Engine,
    address: &str,
    tell: Tell<'_>,
) -> Result<Vec<String>> {
    let mut left = Vec::new();
    let ledger = Ledger::read(state)?;
    for known in ledger.stacks.iter().filter(|known| known.engine == address) {
        let report = remove(engine, std::slice::from_ref(engine), &known.stack, tell).await?;
        if report.left.is_empty() {
            let mut ledger = Ledger::read(state)?;
            ledger.forget(address, &known.stack);
            ledger.write()?;
        }
        left.extend(report.left);
    }
    left.extend(images_down(state, engine, address, tell).await?);
    let mut ledger = Ledger::read(state)?;
    if ledger.swarms.iter().any(|known| known == address) {
        engine.leave_swarm().await?;
        tell(&format!("the engine at {address} left the swarm that was created for the run"));
        ledger.swarms.retain(|known| known != address);
        ledger.write()?;
    }
    Ok(left)
}

/// Removes the images that were loaded into a user's engine, unless they have changed since.
async fn images_down(
    state: &StateFolder,
    engine: &Engine,
    address: &str,
    tell: Tell<'_>,
) -> Result<Vec<String>> {
    let mut ledger = Ledger::read(state)?;
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
            tell(&format!("Removing image {}", image.reference));
        } else {
            left.push(format!("image {}: still in use", image.reference));
            ledger.images.push(image);
        }
    }
    ledger.write()?;
    Ok(left)
}
