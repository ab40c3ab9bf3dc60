//! The companion services of one run.

use std::time::Duration;

use super::CompanionKind;
use super::bodies::{self, Surroundings, target};
use super::free_ports::free_ports;
use super::remote_prober::{Listening, RemoteProber};
use super::waiting::{Waiting, answers, newest_task, runs};
use crate::Clock;
use crate::Offset;
use crate::engine::{Engine, RUN_LABEL, published_url};
use crate::error::{Error, Result};
use crate::image::COMPANION;
use crate::probe::ProbeOrder;
use crate::record::Shot;
use crate::stack::ServiceBody;

/// How long a companion may take to start and to answer.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The prober's share of the processor time among containers, of which each has 1024: as much
/// more as nice -15 is among processes.
const PROBER_SHARES: u64 = 29_154;
/// How long their containers may take to go.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// What the companions of a run are made for.
#[derive(Debug, Clone)]
pub struct CompanionOptions {
    /// The manager; the companions run on its node.
    pub engine: Engine,
    /// The host under which ports of that node are reached.
    pub published_host: String,
    /// The stack under test.
    pub stack: String,
    /// The run's id.
    pub run_id: String,
    /// The overlay networks of the service under test.
    pub networks: Vec<String>,
    /// The run's clock.
    pub clock: Clock,
    /// The engine's wall clock minus this machine's.
    pub clock_offset: Offset,
    /// Which there are to be.
    pub kinds: Vec<CompanionKind>,
}

/// The companion services of one run. Dropping it removes nothing: they carry the marks of the
/// stack and the run, and go with the stack at the latest.
#[derive(Debug)]
pub struct Companions {
    options: CompanionOptions,
    around: Surroundings,
    capabilities: bool,
    /// Of the control target and the negative control.
    ports: [u16; 2],
}

impl Companions {
    /// Chooses names and ports. Nothing is made yet.
    ///
    /// # Errors
    /// When the engine does not answer or there are no free ports.
    pub async fn plan(options: CompanionOptions) -> Result<Self> {
        let info = options.engine.info().await?;
        let free = free_ports(&options.engine, &options.published_host, &options.run_id, 2).await?;
        let [control, negative] = free[..] else {
            return Err(Error::environment("no free ports"));
        };
        let around = Surroundings {
            stack: options.stack.clone(),
            run_id: options.run_id.clone(),
            node: info.node_id,
            networks: options.networks.clone(),
        };
        let capabilities = knows_capabilities(&info.api);
        Ok(Self { options, around, capabilities, ports: [control, negative] })
    }

    /// The names of the services there will be.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        self.options.kinds.iter().map(|kind| kind.service(&self.options.stack)).collect()
    }

    /// Where a companion answers; absent for the prober and for one that is not to be.
    #[must_use]
    pub fn url(&self, kind: CompanionKind) -> Option<String> {
        let port = self.port(kind).filter(|_| self.options.kinds.contains(&kind))?;
        Some(published_url(&self.options.published_host, port))
    }

    /// Makes the control target and the negative control, and waits until they answer. What an
    /// earlier run left of any companion is removed. The image must be on the engine.
    ///
    /// # Errors
    /// When somebody else has a service of that name, the engine refuses, or one does not answer.
    pub async fn deploy(&self) -> Result<()> {
        let engine = &self.options.engine;
        if engine.image(COMPANION).await?.is_none() {
            return Err(Error::environment(format!("image {COMPANION} is not on the engine")));
        }
        self.clear().await?;
        for (kind, body) in self.targets() {
            engine.create_service(&body, None).await?;
            tracing::debug!(service = body.name(), ?kind, "created");
        }
        for (kind, body) in self.targets() {
            self.until_it_answers(kind, body.force_update()).await?;
        }
        Ok(())
    }

    /// Starts the prober inside the network; [`Companions::deploy`] comes first. `sink` gets each
    /// shot with the index of its stream, counted from `first_stream`, some 50 ms after its end,
    /// on one of the runtime's threads.
    ///
    /// # Errors
    /// When it does not start or has nothing to say, with its own words.
    pub async fn start_prober(
        &self,
        order: &ProbeOrder,
        first_stream: usize,
        sink: impl Fn(usize, Shot) + Send + Sync + 'static,
    ) -> Result<RemoteProber> {
        let engine = &self.options.engine;
        let body = bodies::prober(&self.around, &order.to_text()?, self.capabilities);
        engine.create_service(&body, None).await?;
        let name = body.name();
        let waiting = Waiting::at_most(READY_WITHIN);
        let task = loop {
            let missing = match newest_task(engine, name, 0).await? {
                // One that has ended already has said why.
                Ok(task) if task.state.is_terminal() => break task,
                Ok(task) => match runs(name, &task) {
                    Ok(()) => break task,
                    Err(missing) => missing,
                },
                Err(missing) => missing,
            };
            waiting.for_next_look(&missing).await?;
        };
        if task.container.is_empty() {
            let why = runs(name, &task).err().unwrap_or_default();
            return Err(
                Error::environment("the prober inside the network did not start").caused_by(why)
            );
        }
        // A nice value counts within a container only. Without a share of its own the prober would
        // wait for whatever the others start, and its lag would say so.
        if let Err(error) = engine.set_cpu_shares(&task.container, PROBER_SHARES).await {
            tracing::debug!(%error, "the prober inside the network has an ordinary share");
        }
        RemoteProber::listen(Listening {
            engine: engine.clone(),
            container: task.container,
            clock: self.options.clock,
            clock_offset: self.options.clock_offset,
            first_stream,
            streams: order.streams(),
            sink,
        })
        .await
    }

    /// Performs the update that is known to lose requests, and waits until the negative control
    /// answers again.
    ///
    /// # Errors
    /// When the engine refuses it or the negative control does not answer in time.
    pub async fn lose_requests(&self) -> Result<()> {
        let kind = CompanionKind::SelfTest;
        let name = kind.service(&self.options.stack);
        let service = self.options.engine.service(&name).await?;
        let service = service
            .ok_or_else(|| Error::environment(format!("service {name} is not there any more")))?;
        let mut body = target(&self.around, kind, self.ports[1]);
        let force = service.spec.force_update() + 1;
        body.set_force_update(force);
        self.options.engine.update_service(&body, None).await?;
        self.until_it_answers(kind, force).await
    }

    /// Removes every companion and waits until its container is gone.
    ///
    /// # Errors
    /// When the engine does not answer or a container does not go.
    pub async fn remove(&self) -> Result<()> {
        let engine = &self.options.engine;
        self.clear().await?;
        let waiting = Waiting::at_most(GONE_WITHIN);
        for kind in CompanionKind::ALL {
            let name = kind.service(&self.options.stack);
            let missing = format!("the container of {} is still there", kind.words());
            while !engine.service_containers(&name).await?.is_empty() {
                waiting.for_next_look(&missing).await?;
            }
        }
        Ok(())
    }

    /// Removes the services of these names that this program made.
    async fn clear(&self) -> Result<()> {
        let engine = &self.options.engine;
        for kind in CompanionKind::ALL {
            let name = kind.service(&self.options.stack);
            let Some(old) = engine.service(&name).await? else { continue };
            if old.label(RUN_LABEL).is_none() {
                return Err(Error::usage(format!("service {name} was made by somebody else"))
                    .hint(format!("its name is that of {}: give it another", kind.words())));
            }
            engine.remove_service(&old.id).await?;
        }
        Ok(())
    }

    async fn until_it_answers(&self, kind: CompanionKind, force: u64) -> Result<()> {
        let engine = &self.options.engine;
        let name = kind.service(&self.options.stack);
        let url = self.url(kind).unwrap_or_default();
        let waiting = Waiting::at_most(READY_WITHIN);
        loop {
            let task = newest_task(engine, &name, force).await?;
            let looked = match task.and_then(|task| runs(&name, &task)) {
                Ok(()) => answers(&url).await?,
                Err(missing) => Err(missing),
            };
            let Err(missing) = looked else { return Ok(()) };
            waiting.for_next_look(&missing).await?;
        }
    }

    fn targets(&self) -> Vec<(CompanionKind, ServiceBody)> {
        let kinds = self.options.kinds.iter();
        kinds
            .filter_map(|kind| Some((*kind, target(&self.around, *kind, self.port(*kind)?))))
            .collect()
    }

    fn port(&self, kind: CompanionKind) -> Option<u16> {
        match kind {
            CompanionKind::Prober => None,
            CompanionKind::Control => Some(self.ports[0]),
            CompanionKind::SelfTest => Some(self.ports[1]),
        }
    }
}

/// Services can be given capabilities from API 1.41 on.
fn knows_capabilities(api: &str) -> bool {
    let mut numbers = api.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (1, 41)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_came_with_api_1_41() {
        for (api, wanted) in [("1.40", false), ("1.41", true), ("1.100", true), ("2.0", true)] {
            assert_eq!(knows_capabilities(api), wanted, "{api}");
        }
        assert!(!knows_capabilities(""));
    }
}
