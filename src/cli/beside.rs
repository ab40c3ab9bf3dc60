//! The program's own services beside the stack under test.

use std::net::IpAddr;

use super::console::Console;
use super::images;
use super::plan::Plan;
use crate::Clock;
use crate::companion::{CompanionKind, CompanionOptions, Companions, asked_port};
use crate::error::{Error, Result};
use crate::record::{EngineFacts, NegativeControl};
use crate::scenario::{StreamKind, Streams};
use crate::swarm::ResolutionMode;

/// The program's own services beside the stack, and how the service under test is asked from
/// inside its network.
pub(super) struct Beside {
    /// Absent if none is needed.
    pub(super) companions: Option<Companions>,
    /// Name and port of the service under test inside its network.
    pub(super) inside: Option<(String, u16)>,
    /// Why streams that were wanted cannot be had as they were wanted.
    pub(super) left_out: Vec<String>,
}

/// What the services beside a stack are made for.
pub(super) struct Wanted<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) run_id: &'a str,
    pub(super) clock: Clock,
    pub(super) engine: &'a EngineFacts,
}

impl Wanted<'_> {
    /// Finds out what is needed, takes streams that cannot be had out of `streams`, and loads the
    /// image. Nothing else is made yet.
    pub(super) async fn choose(&self, streams: &mut Streams) -> Result<Beside> {
        let Plan { console, site, prepared, body, negative_control, .. } = *self.plan;
        let mut left_out = Vec::new();
        let inside = self.inside(streams, &mut left_out).await?;
        let kinds: Vec<CompanionKind> = [
            (inside.is_some(), CompanionKind::Prober),
            (streams.has(StreamKind::Control), CompanionKind::Control),
            (negative_control == NegativeControl::Planned, CompanionKind::Negative),
        ]
        .into_iter()
        .filter_map(|(wanted, kind)| wanted.then_some(kind))
        .collect();
        if kinds.is_empty() {
            return Ok(Beside { companions: None, inside, left_out });
        }
        images::load_companion(console, site).await.map_err(|error| {
            error.hint("the streams from inside the network, the control and the negative control need it: leave them out with --streams proxy-fresh,proxy-keepalive --no-negative-control")
        })?;
        let companions = Companions::plan(CompanionOptions {
            engine: site.manager.clone(),
            published_host: self.host(),
            stack: prepared.stack.clone(),
            run_id: self.run_id.to_owned(),
            networks: body.networks().into_iter().map(str::to_owned).collect(),
            clock: self.clock,
            clock_offset: self.engine.clock_offset,
            kinds,
        })
        .await?;
        Ok(Beside { companions: Some(companions), inside, left_out })
    }

    /// What to ask inside the network, if anything is to be asked there and can be.
    async fn inside(
        &self,
        streams: &mut Streams,
        left_out: &mut Vec<String>,
    ) -> Result<Option<(String, u16)>> {
        if !streams.kinds.iter().any(|kind| kind.is_from_inside()) {
            return Ok(None);
        }
        let Plan { site, body, load, .. } = *self.plan;
        let image = site.manager.image(body.image()).await?;
        let port = load.service_port.or_else(|| asked_port(body, image.as_ref()));
        let why = match port {
            _ if body.networks().is_empty() => "the service is attached to no network",
            None => "neither the stack nor the image says exactly one port of the service",
            Some(port) => return Ok(Some((self.name(left_out), port))),
        };
        let what =
            "the streams from inside the network (overlay-fresh, overlay-keepalive, each-replica)";
        let hint = "--service-port says which port the service answers on inside its network";
        if load.insists() {
            return Err(Error::usage(format!("{what} cannot be measured: {why}")).hint(hint));
        }
        left_out.push(format!("{what} are left out, because {why}; {hint}"));
        streams.kinds.retain(|kind| !kind.is_from_inside());
        Ok(None)
    }

    /// The host under which ports of the engine's node are reached: the one that the user's URL
    /// has, if that is an address. A name may be that of something in front of the node.
    fn host(&self) -> String {
        let url = reqwest::Url::parse(&self.plan.target.url).ok();
        let host = url.as_ref().and_then(reqwest::Url::host_str);
        let bare = host.map(|host| host.trim_start_matches('[').trim_end_matches(']'));
        let address = bare.filter(|bare| bare.parse::<IpAddr>().is_ok());
        address.map_or_else(|| self.plan.site.published_host.clone(), str::to_owned)
    }

    /// The name that has the service's address, or where a virtual one does not work, those of its
    /// tasks.
    fn name(&self, left_out: &mut Vec<String>) -> String {
        let Plan { site, body, .. } = self.plan;
        let name = body.name();
        if site.kernel.ipvs || body.endpoint_mode() == ResolutionMode::Dnsrr {
            return name.to_owned();
        }
        left_out.push(format!(
            "from inside the network tasks.{name} is asked instead of {name}: the service's virtual \
             address does not work on this kernel, which has no IPVS"
        ));
        format!("tasks.{name}")
    }
}

impl Beside {
    /// The names of the services there will be.
    pub(super) fn services(&self) -> Vec<String> {
        self.companions.as_ref().map(Companions::services).unwrap_or_default()
    }

    /// Makes them, and waits until they answer.
    pub(super) async fn deploy(&self, console: &Console) -> Result<()> {
        let Some(companions) = &self.companions else { return Ok(()) };
        tokio::select! {
            () = console.interrupt.cancelled() => Err(Error::interrupted("interrupted")),
            deployed = companions.deploy() => deployed,
        }
    }

    /// Removes them.
    pub(super) async fn remove(&self) -> Result<()> {
        match &self.companions {
            Some(companions) => companions.remove().await,
            None => Ok(()),
        }
    }
}
