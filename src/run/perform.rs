//! The course of a run: the stack is there, is asked, and goes through its scenarios.

use std::time::Duration;

use super::begin::Run;
use super::deployment::deploy;
use super::subject::Arrival;
use super::withdrawn::cuts_off;
use crate::deploy::{ConvergeOptions, converge};
use crate::error::{Error, Result};
use crate::scenario::Act;
use crate::stack::ServiceBody;
use crate::wording::list;

impl Run<'_> {
    /// Deploys the stack if the run does that, starts to ask, and performs the scenarios one
    /// after the other.
    ///
    /// # Errors
    /// When the stack cannot be deployed or does not converge, the service does not answer, the
    /// engine refuses a change, the user stops the run or the record breaks.
    pub async fn perform(&mut self) -> Result<()> {
        // Said before anything is deployed.
        for port in self.spec.withdrawn() {
            self.recorder.line(format!("warning: {}", cuts_off(&port)));
        }
        self.arrive().await?;
        self.find_node_to_ask().await?;
        self.beside.deploy(self.env.interrupt).await?;
        self.start_probing().await?;
        self.scenarios().await
    }

    async fn arrive(&mut self) -> Result<()> {
        let deployment = match &self.spec.subject.arrival {
            Arrival::Deploy(deployment) => deployment,
            Arrival::Present => return self.rest_before().await,
            Arrival::Watched => return Ok(()),
        };
        self.recorder.phase("deploy", format!("deploying stack {}", self.spec.subject.stack));
        let tell = |text: &str| self.recorder.line(text);
        let (site, state) = (self.env.site, self.env.state);
        let applied = deploy(site, state, deployment, &self.id, &tell).await?;
        let service = &self.spec.subject.target.service;
        let body = applied.into_iter().find(|body| body.name() == service);
        self.body =
            body.ok_or_else(|| Error::environment(format!("service {service} was not deployed")))?;
        let options = ConvergeOptions {
            services: self.spec.subject.service_names(),
            progress_deadline: deployment.progress_deadline,
        };
        converge(self.snapshots.clone(), &options, self.env.interrupt).await
    }

    async fn scenarios(&mut self) -> Result<()> {
        let performed = self.each_scenario().await;
        self.restore().await;
        performed
    }

    async fn each_scenario(&mut self) -> Result<()> {
        let baseline = self.baseline();
        let declarations = self.spec.scenarios.clone();
        let fresh = matches!(self.spec.subject.arrival, Arrival::Deploy(_));
        for (index, declaration) in declarations.iter().enumerate() {
            if index > 0 {
                self.settle(baseline, "between two scenarios");
                self.steady(baseline).await?;
            }
            self.plan_also(declaration, fresh).await?;
            let scenario = declaration.scenario(fresh, &self.body).at_speed(self.env.site.speed());
            if !self.scenario(&scenario).await? {
                break;
            }
            let left = &declarations[index + 1..];
            if matches!(scenario.act, Act::Deploy) && !left.is_empty() && self.is_cut_off() {
                let names: Vec<&str> = left.iter().map(|one| one.name.as_str()).collect();
                self.recorder.caveat(format!(
                    "not performed, because the port that users ask is closed: {}; test the new version by itself: `rollproof verify -c`",
                    list(&names)
                ));
                break;
            }
        }
        let afterwards = self.spec.load.baseline;
        self.settle(afterwards, "after the last change");
        self.wind_down(afterwards).await
    }

    /// Whether the next version runs, and does not publish the port that users ask.
    fn is_cut_off(&self) -> bool {
        let asked = self.spec.subject.target.port;
        let runs = self.body != self.spec.subject.body;
        runs && self.spec.withdrawn().iter().any(|port| Some(port.port) == asked)
    }

    fn settle(&self, time: Duration, when: &str) {
        let time = crate::wording::setting(time.as_secs_f64());
        self.recorder.phase("settle", format!("measuring {time} {when}"));
    }

    /// Gives a stack that stays its good version back: the one from before the run if that was
    /// asked for, else the one from before a broken update that Swarm did not roll back. Waits until
    /// the service is at rest again.
    async fn restore(&mut self) {
        if !matches!(self.spec.subject.arrival, Arrival::Present) {
            return;
        }
        let good = if self.spec.leave_as_found { &self.spec.subject.body } else { &self.body };
        let good = good.clone();
        let changed =
            self.spec.leave_as_found && (self.body != good || self.deployed.has_changed());
        if !self.left_broken && !changed {
            return;
        }
        self.recorder.phase("restore", "restoring the previous version");
        let restored = async {
            let at = self.clock.now();
            let now = self.env.site.manager.service(good.name()).await?;
            let template = |body: &ServiceBody| {
                self.observer.generation(body.name(), &body.as_value()["TaskTemplate"])
            };
            let replaced = now.as_ref().is_none_or(|now| template(&now.spec) != template(&good));
            if now.is_none_or(|now| now.spec != good) {
                self.env.site.manager.update_service(&good, None).await?;
            }
            self.undo_services().await?;
            self.rest_after_restore(replaced, at).await?;
            self.undo_objects().await
        };
        match restored.await {
            Ok(()) if self.env.interrupt.is_cancelled() => self.recorder.line(format!(
                "Swarm restores the previous version of {}; `docker service ps {0}` shows how far it is",
                good.name()
            )),
            Ok(()) => {}
            Err(error) => self.recorder.line(format!(
                "warning: the previous version of {} was not restored: {error}",
                good.name()
            )),
        }
    }
}
