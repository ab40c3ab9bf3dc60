//! The next version of a stack, and how images are looked up for a deployment.

use clap::Args;
use serde_json::Value;

use super::args::StackArgs;
use super::console::Console;
use super::deploy::deployment;
use crate::deploy::{Marking, ResolveImage, StackFiles, Whose};
use crate::error::{Error, Result};
use crate::run::{Deployment, NextChanges, NextForeseen};
use crate::site::Site;
use crate::stack::Requests;
use crate::stack::ServiceBody;

/// The next version of the whole stack.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Change")]
pub(super) struct NextArgs {
    /// Deploy this stack file as the next version, as `docker stack deploy` does: every service that
    /// differs, new configs, secrets and networks; repeat to merge several
    #[arg(long, value_name = "FILE")]
    pub(super) to: Vec<String>,

    /// Remove services of the stack that are not in the next version
    #[arg(long, requires = "to", hide_short_help = true)]
    pub(super) prune: bool,
}

impl NextArgs {
    /// The files, read before any engine is asked; absent without `--to`.
    ///
    /// # Errors
    /// A file that cannot be read, or that docker would refuse too.
    pub(super) fn read(&self, stack: &str) -> Result<Option<NextFiles>> {
        if self.to.is_empty() {
            return Ok(None);
        }
        let files = StackFiles::read(&self.to)?;
        let requests = files.requests(stack)?.unwrap_or_default();
        Ok(Some(NextFiles { files, requests, names: self.to.join(", "), prune: self.prune }))
    }
}

/// The files of the next version as they were read.
#[derive(Debug, Clone)]
pub(super) struct NextFiles {
    files: StackFiles,
    requests: Requests,
    names: String,
    prune: bool,
}

impl NextFiles {
    /// The same files for the stack whose next version they are, once its name is known.
    ///
    /// # Errors
    /// A stack that docker would refuse too.
    pub(super) fn of_stack(self, stack: &str) -> Result<Self> {
        let requests = self.files.requests(stack)?.unwrap_or_default();
        Ok(Self { requests, ..self })
    }

    /// What the files ask the engine for.
    pub(super) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// What differs from the version before.
    ///
    /// # Errors
    /// A usage error if nothing differs, if a config or secret has another content under the same name,
    /// and for what [`NextChanges::check`] refuses.
    pub(super) fn changed_since(&self, before: &Requests) -> Result<NextChanges> {
        check_same_contents("config", &before.configs, &self.requests.configs)?;
        check_same_contents("secret", &before.secrets, &self.requests.secrets)?;
        let changes = NextChanges::between(&before.services, &self.requests, &str::to_owned);
        let changes = if self.prune { changes.pruned() } else { changes };
        changes.check(&self.names, &self.requests)?;
        Ok(changes)
    }

    /// What differs from what runs.
    ///
    /// # Errors
    /// A usage error if nothing differs, what [`NextChanges::check`] and [`Deployment::check`] refuse, or
    /// when the engine does not answer.
    pub(super) async fn changed_on(&self, site: &Site, next: &Deployment) -> Result<NextChanges> {
        // A config with another content under the same name is no difference of a service.
        next.check(site).await?;
        let requests = &next.prepared.requests;
        let changes = NextChanges::on(&site.manager, &next.options, requests).await?;
        changes.check(&self.names, requests)?;
        Ok(changes)
    }

    /// What deploying it would do after a version that would be deployed before it.
    ///
    /// # Errors
    /// A usage error if it changes nothing.
    pub(super) fn foresee_after(
        &self,
        before: &Requests,
        next: &Requests,
        asked: Option<u16>,
    ) -> Result<NextForeseen> {
        self.changed_since(before)?;
        Ok(NextForeseen::after(before, next, self.prune, asked))
    }

    /// What deploying it would do to what runs.
    ///
    /// # Errors
    /// A usage error if it changes nothing, or when the engine does not answer.
    pub(super) async fn foresee_on(
        &self,
        site: &Site,
        next: &Deployment,
        asked: Option<u16>,
    ) -> Result<NextForeseen> {
        let requests = &next.prepared.requests;
        let found = NextForeseen::on(&site.manager, &next.options, requests, asked).await?;
        found.changes.check(&self.names, requests)?;
        Ok(found)
    }

    /// The files as they were read.
    pub(super) fn files(&self) -> StackFiles {
        self.files.clone()
    }

    /// The deployment of the next version. `keeps` says that it is there to stay: then what it
    /// creates in a stack of others is theirs.
    ///
    /// # Errors
    /// A stack that the kernel cannot run, or when the engine does not answer.
    pub(super) async fn deployment(
        &self,
        console: &Console,
        site: &Site,
        stack: &str,
        args: &StackArgs,
        keeps: bool,
    ) -> Result<Deployment> {
        let services = site.manager.stack_services(stack).await?;
        let ours = Whose::stack(&site.owner, &services) == Whose::Ours;
        let mut next = deployment(console, site, stack, self.files.clone(), args, self.prune)?;
        next.options.marking = match keeps {
            _ if ours => Marking::Everything,
            true => Marking::Nothing,
            false => Marking::Created,
        };
        Ok(next)
    }
}

/// Refuses contents that differ under the same name, which Swarm cannot change.
fn check_same_contents(kind: &str, before: &[Value], next: &[Value]) -> Result<()> {
    let differs = |body: &&Value| {
        before.iter().any(|old| old["Name"] == body["Name"] && old["Data"] != body["Data"])
    };
    let Some(body) = next.iter().find(differs) else { return Ok(()) };
    let name = body["Name"].as_str().unwrap_or_default();
    Err(Error::stack(format!(
        "{kind} {name} has another content in the next version, and Swarm cannot change it"
    ))
    .hint(format!("give the changed {kind} a new name in the stack file: `name: …`")))
}

/// How images are looked up.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct RegistryArgs {
    /// When to look up image digests in a registry, as in `docker stack deploy`
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub(super) resolve_image: ResolveImage,

    /// Pass the docker CLI's registry logins on to the nodes
    #[arg(long, hide_short_help = true)]
    pub(super) with_registry_auth: bool,
}

/// A service with the image of a changed one: what else a scenario changes, such as a health check that
/// must fail, is not what the stack says of the image.
pub(super) fn with_image_of(body: &ServiceBody, changed: &ServiceBody) -> ServiceBody {
    let mut same = body.clone();
    same.set_image(changed.image());
    same
}
