//! One scenario on a stack that is deployed already.

use super::console::Console;
use super::load_args::LoadArgs;
use super::plan::{Begun, Plan};
use super::prepare::prepare;
use super::probing::{HARMLESS, Probing};
use super::stack_args::StackArgs;
use super::target_args::TargetArgs;
use super::verdict;
use crate::deploy::{EndpointMode, keep_resolved};
use crate::engine::RUN_LABEL;
use crate::error::{Error, ErrorKind, Result};
use crate::record::{Expects, NegativeControl, SpecMatch};
use crate::scenario::{Scenario, Target, Trial, find_target};
use crate::site::{Deployment, Site};
use crate::stack::ServiceBody;

/// One scenario on a stack that is deployed already.
pub(super) struct Existing<'a> {
    pub(super) console: &'a Console,
    pub(super) site: &'a Site,
    pub(super) deployment: &'a Deployment,
    pub(super) stack_args: &'a StackArgs,
    pub(super) target: &'a TargetArgs,
    pub(super) load: &'a LoadArgs,
    pub(super) command: &'a str,
}

/// How it ended.
pub(super) struct Ended {
    pub(super) code: u8,
    pub(super) spec: SpecMatch,
    pub(super) service: String,
}

impl Existing<'_> {
    pub(super) async fn run(&self, scenario: &Scenario) -> Result<Ended> {
        let (console, site) = (self.console, self.site);
        let stack = &self.deployment.stack;
        let dnsrr = (self.deployment.dnsrr).then_some(EndpointMode::Dnsrr);
        let mode = self.stack_args.endpoint_mode.or(dnsrr);
        let prepared = prepare(console, &self.deployment.files, stack, site.kernel, mode)?;
        let services = &prepared.requests.services;
        let target = find_target(
            services,
            stack,
            self.target.service.as_deref(),
            self.target.url.as_deref(),
            &site.published_host,
        )?;
        let body = self.current_body(prepared.requests.clone(), &target).await?;
        let mut changed = body.clone();
        for change in &scenario.changes {
            change.apply(&mut changed);
        }
        super::images::ensure(console, site, &[], &[changed.image()], None).await?;

        let plan = Plan {
            console,
            site,
            command: self.command,
            prepared: &prepared,
            target: &target,
            body: &body,
            load: self.load,
            kinds: &HARMLESS,
            negative_control: NegativeControl::None,
        };
        let Begun { mut trial, folder, probing, .. } = plan.begin().await?;
        let performed =
            self.perform(&mut trial, scenario, &body, &changed, &target, &probing).await;
        let finished = trial.finish().await;
        let removed = probing.beside.remove().await;
        let judgement = verdict::conclude(console, &folder);
        // What broke the record is the cause of what followed.
        let spec = finished.and(performed)?;
        removed?;
        let code = verdict::exit_code(judgement?.verdict);
        Ok(Ended { code, spec, service: target.service })
    }

    /// The body that the service has now: the file, the changes since, and the force counter.
    async fn current_body(
        &self,
        mut requests: crate::stack::Requests,
        target: &Target,
    ) -> Result<ServiceBody> {
        let site = self.site;
        let running = site.manager.service(&target.service).await?.ok_or_else(|| {
            Error::usage(format!("service {} is not deployed", target.service))
                .hint("deploy the stack with `rollproof deploy`")
        })?;
        let own = running.label(RUN_LABEL);
        if own.is_none() && !self.stack_args.adopt {
            return Err(Error::usage(format!(
                "service {} was deployed by somebody else",
                target.service
            ))
            .hint("update it all the same with --adopt"));
        }
        crate::deploy::resolve_references(&site.manager, &mut requests).await?;
        let mut body =
            requests.services.into_iter().find(|body| body.name() == target.service).ok_or_else(
                || Error::usage(format!("the stack file has no service {}", target.service)),
            )?;
        keep_resolved(&mut body, &running);
        for (service, change) in &self.deployment.changes {
            if *service == target.service {
                change.apply(&mut body);
            }
        }
        if let Some(own) = own {
            body.set_label(RUN_LABEL, own);
        }
        body.set_force_update(running.spec.force_update());
        Ok(body)
    }

    async fn perform(
        &self,
        trial: &mut Trial,
        scenario: &Scenario,
        body: &ServiceBody,
        changed: &ServiceBody,
        target: &Target,
        probing: &Probing<'_>,
    ) -> Result<SpecMatch> {
        probing.beside.deploy(self.console).await?;
        probing.begin(trial, target).await?;
        let performed = trial.perform(scenario, changed).await;
        let done = match performed {
            Ok(done) => done,
            Err(error) => {
                if error.kind() == ErrorKind::Interrupted && scenario.expects == Expects::Rollback {
                    self.restore(trial, body).await;
                }
                return Err(error);
            }
        };
        trial.phase("settle", "nothing changes any more");
        trial.wind_down(self.load.baseline).await?;
        if scenario.expects == Expects::Rollback && done.spec != SpecMatch::Previous {
            self.restore(trial, body).await;
        }
        Ok(done.spec)
    }

    /// Puts the good version back where Swarm did not do it itself.
    async fn restore(&self, trial: &Trial, body: &ServiceBody) {
        trial.phase("restore", "putting the previous version back, because Swarm did not");
        if let Err(error) = self.site.manager.update_service(body, None).await {
            trial
                .recorder()
                .line(format!("warning: the previous version could not be put back: {error}"));
        }
    }
}
