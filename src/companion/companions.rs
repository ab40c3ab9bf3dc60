//! The companion services of one run.

use std::time::Duration;

use super::ports::free_ports;
use super::remote_prober::{Listening, RemoteProber};
use super::services::{CompanionKind, Surroundings, prober, target};
use super::waiting::{Waiting, http_client, is_running, newest_task, responds};
use crate::Clock;
use crate::Offset;
use crate::deploy::{OwnerMark, Whose, refuse_unless_ours};
use crate::engine::{Engine, published_url};
use crate::error::{Error, Result};
use crate::probe::ProbeOrder;
use crate::record::Shot;
use crate::stack::ServiceBody;

/// How long a companion may take to start and respond.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// The prober's CPU shares; other containers have 1024. The ratio is that of nice -15 among
/// processes.
const PROBER_SHARES: u64 = 29_154;
/// How long their containers may take to disappear.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// Which companions a run needs, and where.
#[derive(Debug, Clone)]
pub struct CompanionOptions {
    /// The manager; the companions run on its node.
    pub engine: Engine,
    /// The host at which that node's ports can be reached.
    pub published_host: String,
    /// The stack under test.
    pub stack: String,
    /// The marks of everything that the run creates.
    pub mark: OwnerMark,
    /// The image of the companions, which is on the engine.
    pub image: String,
    /// The overlay networks of the service under test.
    pub networks: Vec<String>,
    /// The run's clock.
    pub clock: Clock,
    /// The engine's wall clock minus this machine's.
    pub clock_offset: Offset,
    /// Which companions to run.
    pub kinds: Vec<CompanionKind>,
}

/// The companion services of one run. Dropping it removes nothing: the services have the labels of
/// the stack and the run, and are removed with the stack at the latest.
#[derive(Debug)]
pub struct Companions {
    options: CompanionOptions,
    around: Surroundings,
    capabilities: bool,
    http: reqwest::Client,
    /// The ports of the control target and the self-test's target.
    ports: [u16; 2],
}

impl Companions {
    /// Chooses names and ports. Creates nothing yet.
    ///
    /// # Errors
    /// When the engine does not respond or there are too few free ports.
    pub async fn plan(options: CompanionOptions) -> Result<Self> {
        let info = options.engine.info().await?;
        let free =
            free_ports(&options.engine, &options.published_host, &options.mark.run_id, 2).await?;
        let [control, self_test] = free[..] else {
            return Err(Error::environment("no free ports"));
        };
        let around = Surroundings {
            stack: options.stack.clone(),
            mark: options.mark.clone(),
            image: options.image.clone(),
            node: info.node_id,
            networks: options.networks.clone(),
        };
        let capabilities = knows_capabilities(&info.api);
        Ok(Self {
            options,
            around,
            capabilities,
            http: http_client()?,
            ports: [control, self_test],
        })
    }

    /// The names of the companion services.
    #[must_use]
    pub fn services(&self) -> Vec<String> {
        self.options.kinds.iter().map(|kind| kind.service(&self.options.stack)).collect()
    }

    /// The URL of a companion; absent for the prober and for one that this run does not have.
    #[must_use]
    pub fn url(&self, kind: CompanionKind) -> Option<String> {
        let port = self.port(kind).filter(|_| self.options.kinds.contains(&kind))?;
        Some(published_url("http", &self.options.published_host, port, "/"))
    }

    /// Creates the control target and the self-test's target, and waits until they respond.
    /// Removes companions that an earlier run left behind. The image must be on the engine.
    ///
    /// # Errors
    /// When a service of that name was not created by rollproof, the engine refuses, or a target
    /// does not respond.
    pub async fn deploy(&self) -> Result<()> {
        let engine = &self.options.engine;
        let image = &self.options.image;
        if engine.image(image).await?.is_none() {
            return Err(Error::environment(format!("image {image} is not on the engine")));
        }
        self.clear().await?;
        for (kind, body) in self.targets().await? {
            engine.create_service(&body, None).await?;
            tracing::debug!(service = body.name(), ?kind, "created");
        }
        for (kind, body) in self.targets().await? {
            self.until_it_responds(kind, body.force_update()).await?;
        }
        Ok(())
    }

    /// Starts the prober inside the network; call [`Companions::deploy`] first. `sink` gets each
    /// shot with the index of its stream, counted from `first_stream`, about 50 ms after the
    /// request ended, on one of the runtime's threads.
    ///
    /// # Errors
    /// When it does not start or prints nothing. The cause is its error output.
    pub async fn start_prober(
        &self,
        order: &ProbeOrder,
        first_stream: usize,
        sink: impl Fn(usize, Shot) + Send + Sync + 'static,
    ) -> Result<RemoteProber> {
        let engine = &self.options.engine;
        let body = prober(&self.around, &order.to_text()?, self.capabilities);
        engine.create_service(&body, None).await?;
        let name = body.name();
        let waiting = Waiting::at_most(READY_WITHIN);
        let task = loop {
            let missing = match newest_task(engine, name, 0).await? {
                // A task that has already ended has logged the reason.
                Ok(task) if task.state.is_terminal() => break task,
                Ok(task) => match is_running(name, &task) {
                    Ok(()) => break task,
                    Err(missing) => missing,
                },
                Err(missing) => missing,
            };
            waiting.next_check(&missing).await?;
        };
        if task.container.is_empty() {
            let why = is_running(name, &task).err().unwrap_or_default();
            return Err(
                Error::environment("the prober inside the network did not start").caused_by(why)
            );
        }
        // A nice value only counts within a container. Without more CPU shares the prober would
        // wait for other containers, which would increase its send lag.
        if let Err(error) = engine.set_cpu_shares(&task.container, PROBER_SHARES).await {
            tracing::debug!(%error, "cannot raise the CPU shares of the prober inside the network");
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

    /// Runs the self-test: an update that is built to lose requests. Waits until its target
    /// responds again.
    ///
    /// # Errors
    /// When the engine refuses the update or the target does not respond in time.
    pub async fn lose_requests(&self) -> Result<()> {
        let kind = CompanionKind::SelfTest;
        let name = kind.service(&self.options.stack);
        let service = self.options.engine.service(&name).await?;
        let service = service
            .ok_or_else(|| Error::environment(format!("service {name} no longer exists")))?;
        let mut body = target(&self.in_reach().await?, kind, self.ports[1]);
        let force = service.spec.force_update() + 1;
        body.set_force_update(force);
        self.options.engine.update_service(&body, None).await?;
        self.until_it_responds(kind, force).await
    }

    /// Removes all companions and waits until their containers are gone.
    ///
    /// # Errors
    /// When the engine does not respond or a container is not removed.
    pub async fn remove(&self) -> Result<()> {
        let engine = &self.options.engine;
        self.clear().await?;
        let waiting = Waiting::at_most(GONE_WITHIN);
        for kind in CompanionKind::ALL {
            let name = kind.service(&self.options.stack);
            let missing = format!("the container of {} still exists", kind.words());
            while !engine.service_containers(&name).await?.is_empty() {
                waiting.next_check(&missing).await?;
            }
        }
        Ok(())
    }

    /// Removes the companion services that rollproof created.
    async fn clear(&self) -> Result<()> {
        let engine = &self.options.engine;
        for kind in CompanionKind::ALL {
            let name = kind.service(&self.options.stack);
            let Some(old) = engine.service(&name).await? else { continue };
            let whose = Whose::service(&self.options.mark.owner, &old);
            refuse_unless_ours(&format!("service {name}"), whose, false)?;
            engine.remove_service(&old.id).await?;
        }
        Ok(())
    }

    async fn until_it_responds(&self, kind: CompanionKind, force: u64) -> Result<()> {
        let engine = &self.options.engine;
        let name = kind.service(&self.options.stack);
        let url = self.url(kind).unwrap_or_default();
        let waiting = Waiting::at_most(READY_WITHIN);
        loop {
            let task = newest_task(engine, &name, force).await?;
            let checked = match task.and_then(|task| is_running(&name, &task)) {
                Ok(()) => responds(&self.http, &url).await,
                Err(missing) => Err(missing),
            };
            let Err(missing) = checked else { return Ok(()) };
            waiting.next_check(&missing).await?;
        }
    }

    async fn targets(&self) -> Result<Vec<(CompanionKind, ServiceBody)>> {
        let around = self.in_reach().await?;
        let kinds = self.options.kinds.iter();
        Ok(kinds
            .filter_map(|kind| Some((*kind, target(&around, *kind, self.port(*kind)?))))
            .collect())
    }

    /// The surroundings of what is asked from outside: a container whose networks are all internal
    /// has no port on its node, so it joins none of them.
    async fn in_reach(&self) -> Result<Surroundings> {
        let mut around = self.around.clone();
        for name in &self.around.networks {
            if !self.options.engine.is_internal(name).await? {
                return Ok(around);
            }
        }
        around.networks.clear();
        Ok(around)
    }

    fn port(&self, kind: CompanionKind) -> Option<u16> {
        match kind {
            CompanionKind::Prober => None,
            CompanionKind::Control => Some(self.ports[0]),
            CompanionKind::SelfTest => Some(self.ports[1]),
        }
    }
}

/// Services can have capabilities from API 1.41 on.
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
