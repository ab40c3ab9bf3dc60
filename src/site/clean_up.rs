//! Removing what rollproof created, and reporting what remains.

use super::{EngineKind, Ledger, LoadedImage, Site, StateFolder};
use crate::deploy::{Whose, remove};
use crate::engine::{DockerHost, Engine, StackObjectKind};
use crate::error::{Error, Result};
use crate::image::CONTENT_LABEL;
use crate::lab::{DownReport, Lab, lab_traces};
use crate::simulated::Simulation;
use crate::wording::counted;

type Tell<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Removes everything that was created with this state folder: on the user's engines, and the lab.
/// Returns what remains. `tell` gets each step, `detail` each part of the lab.
///
/// # Errors
/// When the ledger cannot be read or written, or the lab cannot be inspected.
pub async fn remove_everything(
    state: &StateFolder,
    tell: Tell<'_>,
    detail: Tell<'_>,
) -> Result<Vec<String>> {
    let mut left = hosts_down(state, tell).await?;
    if remove_simulation(state)? {
        tell("ended the simulated engine, with everything on it");
    }
    let report = remove_lab(state).await?;
    if !report.removed.is_empty() {
        tell("removed the private engine and everything on it");
    }
    for line in &report.removed {
        detail(line);
    }
    left.extend(report.left);
    Ok(left)
}

/// Ends the simulated engine of a state folder and forgets the stacks on it. Whether there was one.
///
/// # Errors
/// When it does not end, or the ledger cannot be read or written.
pub fn remove_simulation(state: &StateFolder) -> Result<bool> {
    let ended = Simulation::down(state.path())?;
    forget_all_on(state, EngineKind::Simulated)?;
    Ok(ended)
}

/// Removes the lab of a state folder and forgets the stacks on it.
///
/// # Errors
/// When the lab cannot be inspected, or the ledger cannot be read or written.
pub async fn remove_lab(state: &StateFolder) -> Result<DownReport> {
    let report = Lab::down(state.path()).await?;
    forget_all_on(state, EngineKind::Lab)?;
    Ok(report)
}

/// Forgets the stacks on an engine that is gone.
fn forget_all_on(state: &StateFolder, kind: EngineKind) -> Result<()> {
    let mut ledger = Ledger::read(state)?;
    if ledger.forget_all_on(kind) { ledger.write() } else { Ok(()) }
}

/// What [`remove_everything`] would remove. No engine is asked: the ledger and this machine know.
///
/// # Errors
/// When the ledger cannot be read, or the lab cannot be inspected.
pub fn everything(state: &StateFolder) -> Result<Vec<String>> {
    let ledger = Ledger::read(state)?;
    let mut all = Vec::new();
    for known in ledger.stacks.iter().filter(|known| known.kind == EngineKind::Host) {
        all.push(format!("stack {} on the engine at {}", known.stack, known.engine));
    }
    for image in &ledger.images {
        all.push(format!("image {} on the engine at {}", image.name(), image.engine));
    }
    for address in &ledger.swarms {
        all.push(format!("the swarm that was made on the engine at {address}"));
    }
    if Simulation::find(state.path())?.is_some() {
        let stacks = ledger.stacks.iter().filter(|known| known.kind == EngineKind::Simulated);
        let stacks: Vec<&str> = stacks.map(|known| known.stack.as_str()).collect();
        all.push(format!("the simulated engine{}", with_stacks(&stacks)));
    }
    for lab in lab_traces(state.path())?.into_iter().filter(|lab| lab.mine) {
        let stacks = ledger.stacks.iter().filter(|known| known.kind == EngineKind::Lab);
        let stacks: Vec<&str> = stacks.map(|known| known.stack.as_str()).collect();
        let with = with_stacks(&stacks);
        all.push(format!(
            "the private swarm {} of {}{with}",
            lab.id,
            counted(lab.nodes as u64, "node")
        ));
    }
    Ok(all)
}

fn with_stacks(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!(", with the stacks {}", names.join(", ")) }
}

/// The error for things that could not be removed.
#[must_use]
pub fn left_behind(left: &[String]) -> Error {
    let error = Error::environment(format!("could not remove everything: {}", left.join("; ")));
    error.hint("`rollproof down` removes it once nothing uses it any more")
}

impl Site {
    /// Whose the parts of a stack are, one entry for each; none if there is no such stack.
    ///
    /// # Errors
    /// When the engine does not respond.
    pub async fn whose_parts(&self, stack: &str) -> Result<Vec<Whose>> {
        let services = self.manager.stack_services(stack).await?;
        let mut whose: Vec<Whose> =
            services.iter().map(|service| Whose::service(&self.owner, service)).collect();
        for kind in [StackObjectKind::Secret, StackObjectKind::Config, StackObjectKind::Network] {
            for object in self.manager.stack_objects(kind, stack).await? {
                let label = |key: &str| object.labels.get(key).map(String::as_str);
                whose.push(Whose::of(&self.owner, label));
            }
        }
        Ok(whose)
    }

    /// Removes what this state folder owns of one stack.
    ///
    /// # Errors
    /// When the engine does not respond, or something could not be removed.
    pub async fn remove_stack(
        &self,
        state: &StateFolder,
        stack: &str,
        tell: Tell<'_>,
    ) -> Result<()> {
        let report = remove(&self.manager, &self.engines, stack, &self.owner, tell).await?;
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
        if self.lab_for_one_run {
            return self.remove_engine(state).await;
        }
        self.remove_stack(state, stack, tell).await?;
        self.remove_run_images(state, tell).await?;
        if self.made_swarm {
            leave_swarm(state, &self.manager, &self.address(), tell).await?;
        }
        Ok(())
    }

    /// Removes the engine that a run brought, before it deployed anything.
    ///
    /// # Errors
    /// As [`Site::remove_stack`].
    pub async fn nothing_done(&self, state: &StateFolder) -> Result<()> {
        if self.lab_for_one_run {
            return self.remove_engine(state).await;
        }
        self.remove_run_images(state, &|_| ()).await?;
        if self.made_swarm {
            leave_swarm(state, &self.manager, &self.address(), &|_| ()).await?;
        }
        Ok(())
    }

    /// Removes the engine that was made for this run alone.
    async fn remove_engine(&self, state: &StateFolder) -> Result<()> {
        if self.kind == EngineKind::Simulated {
            // It ends with this process.
            return forget_all_on(state, EngineKind::Simulated);
        }
        let left = remove_lab(state).await?.left;
        if left.is_empty() { Ok(()) } else { Err(left_behind(&left)) }
    }

    /// Removes the images that were loaded into a user's engine for one run.
    ///
    /// # Errors
    /// As [`Site::remove_stack`].
    pub async fn remove_run_images(&self, state: &StateFolder, tell: Tell<'_>) -> Result<()> {
        if self.kind != EngineKind::Host {
            return Ok(());
        }
        let address = self.address();
        let left =
            images_down(state, &self.manager, &address, &|image| image.for_run, tell).await?;
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
    let owner = state.id()?;
    let ledger = Ledger::read(state)?;
    for known in ledger.stacks.iter().filter(|known| known.engine == address) {
        let report =
            remove(engine, std::slice::from_ref(engine), &known.stack, &owner, tell).await?;
        if report.left.is_empty() {
            let mut ledger = Ledger::read(state)?;
            ledger.forget(address, &known.stack);
            ledger.write()?;
        }
        left.extend(report.left);
    }
    left.extend(images_down(state, engine, address, &|_| true, tell).await?);
    leave_swarm(state, engine, address, tell).await?;
    Ok(left)
}

/// Leaves the swarm that was created for a run, if there is one.
async fn leave_swarm(
    state: &StateFolder,
    engine: &Engine,
    address: &str,
    tell: Tell<'_>,
) -> Result<()> {
    let mut ledger = Ledger::read(state)?;
    if ledger.swarms.iter().any(|known| known == address) {
        engine.leave_swarm().await?;
        tell(&format!("the engine at {address} left the swarm that was created for the run"));
        ledger.swarms.retain(|known| known != address);
        ledger.write()?;
    }
    Ok(())
}

/// Removes the chosen images that were loaded into a user's engine, if they are still the same.
async fn images_down(
    state: &StateFolder,
    engine: &Engine,
    address: &str,
    which: &(dyn Fn(&LoadedImage) -> bool + Sync),
    tell: Tell<'_>,
) -> Result<Vec<String>> {
    let mut ledger = Ledger::read(state)?;
    let mut left = Vec::new();
    let (ours, others): (Vec<_>, Vec<_>) = std::mem::take(&mut ledger.images)
        .into_iter()
        .partition(|image| image.engine == address && which(image));
    ledger.images = others;
    for image in ours {
        let is_ours = engine.image(&image.reference).await?.is_some_and(|present| {
            let same = present.labels[CONTENT_LABEL] == image.content.as_str();
            // What was replaced is known by its id. If it has a name, somebody gave it one.
            same && (!image.is_replaced() || present.tags.is_empty())
        });
        if !is_ours {
            continue;
        }
        match engine.remove_image(&image.reference).await? {
            None => tell(&format!("Removing image {}", image.name())),
            Some(used) => {
                left.push(format!("image {}: {used}", image.name()));
                ledger.images.push(image);
            }
        }
    }
    ledger.write()?;
    Ok(left)
}
