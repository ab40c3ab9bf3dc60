//! Deploying a stack, and waiting until it has converged.

use std::time::Duration;

use super::recorder::Recorder;
use super::spec::RunEnv;
use crate::Clock;
use crate::deploy::{
    Applied, ApplyOptions, ConvergeOptions, EndpointMode, NodeFiles, OwnerMark, Prepared, apply,
    check, check_owner, converge,
};
use crate::error::Result;
use crate::observe::{Observer, Watch};
use crate::site::{EngineKind, Ledger, NotedStack, Site, StateFolder};
use crate::stack::ServiceBody;

/// A stack that is about to be deployed.
#[derive(Debug, Clone)]
pub struct Deployment {
    /// What is sent.
    pub prepared: Prepared,
    /// How; the marks are filled in when the run's id is known.
    pub options: ApplyOptions,
    /// How its services are reached, if not as the stack file says.
    pub endpoint_mode: Option<EndpointMode>,
    /// The longest time without any progress.
    pub progress_deadline: Duration,
}

impl Deployment {
    /// Refuses what cannot be deployed, before anything is noted or created: a stack that belongs
    /// to others, ports that are taken, missing images, external networks, secrets and configs.
    ///
    /// # Errors
    /// With what is missing, or when the engine does not respond.
    pub async fn check(&self, site: &Site) -> Result<()> {
        check_all(site, &[self]).await
    }
}

/// The same for several versions of a stack: what any of them lacks is named at once.
///
/// # Errors
/// As of [`Deployment::check`].
pub(super) async fn check_all(site: &Site, deployments: &[&Deployment]) -> Result<()> {
    for Deployment { options, .. } in deployments {
        check_owner(&site.manager, &options.stack, &site.owner, options.adopt).await?;
    }
    let parts: Vec<_> = deployments
        .iter()
        .map(|deployment| (&deployment.prepared.requests, &deployment.options))
        .collect();
    let nodes = match (site.kind, &site.node_root) {
        (EngineKind::Lab, Some(root)) => NodeFiles::Root(root),
        (EngineKind::Lab, None) => NodeFiles::Machine,
        _ => NodeFiles::Unknown,
    };
    check(&site.engines, &parts, nodes).await
}

/// Notes the deployment in the ledger, then applies it. [`Deployment::check`] comes first.
///
/// # Errors
/// When the stack belongs to others, the ledger cannot be written or the engine refuses a part.
pub async fn deploy(
    site: &Site,
    state: &StateFolder,
    deployment: &Deployment,
    run_id: &str,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Vec<ServiceBody>> {
    let mark = OwnerMark { owner: site.owner.clone(), run_id: run_id.to_owned() };
    let options = ApplyOptions { mark, ..deployment.options.clone() };
    note(site, state, deployment, run_id)?;
    let mut done = Applied::default();
    let requests = deployment.prepared.requests.clone();
    apply(&site.manager, requests, &options, &mut done, tell).await?;
    Ok(done.services.into_iter().map(|(_, body)| body).collect())
}

/// Notes a deployment in the ledger, for what removes it and for later commands.
///
/// # Errors
/// When the ledger cannot be written.
pub(super) fn note(
    site: &Site,
    state: &StateFolder,
    deployment: &Deployment,
    run_id: &str,
) -> Result<()> {
    let mut ledger = Ledger::read(state)?;
    ledger.note(NotedStack {
        engine: site.address(),
        kind: site.kind,
        stack: deployment.options.stack.clone(),
        run: run_id.to_owned(),
        files: deployment.prepared.files.clone(),
        dnsrr: deployment.endpoint_mode == Some(EndpointMode::Dnsrr),
        for_run: site.for_one_run,
    });
    ledger.write()
}

/// Shows how services converge until they have.
///
/// # Errors
/// When they do not, see [`converge`].
pub async fn until_converged(
    env: &RunEnv<'_>,
    clock: Clock,
    services: Vec<String>,
    progress_deadline: Duration,
) -> Result<()> {
    let recorder = Recorder::start(clock, (env.sinks)())?;
    let watch = Watch {
        manager: env.site.manager.clone(),
        engines: env.site.engines.clone(),
        services: services.clone(),
        checked: services.clone(),
        logged: Vec::new(),
        clock,
        clock_offset: env.site.facts(&clock).await?.clock_offset,
    };
    recorder.phase("deploy", "waiting until every task runs");
    let observer = Observer::start(watch, recorder.event_sink());
    let options = ConvergeOptions { services, progress_deadline };
    let converged = converge(observer.snapshots(), &options, env.interrupt).await;
    observer.stop().await;
    recorder.finish()?;
    converged
}
