//! The services that a run puts beside the stack under test.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use super::spec::{RunEnv, RunSpec};
use super::subject::Arrival;
use crate::companion::{CompanionKind, CompanionOptions, Companions, asked_port};
use crate::deploy::OwnerMark;
use crate::error::{Error, Result};
use crate::probe::StreamPlan;
use crate::record::{NegativeControl, Purpose};
use crate::streams::StreamKind;
use crate::swarm::ResolutionMode;
use crate::wording::list;
use crate::{Clock, Offset};

/// The services beside the stack, and how the service under test is asked from inside its
/// network.
#[derive(Debug)]
pub(super) struct Beside {
    /// Absent if none is needed.
    pub companions: Option<Companions>,
    /// Name and port of the service under test inside its network.
    pub inside: Option<(String, u16)>,
    /// What a reader must know: which streams are left out, and why.
    pub notes: Vec<String>,
}

impl Beside {
    /// Finds out which services are needed, removes streams that cannot be had from `spec`, and
    /// loads the image. Nothing else is made yet.
    ///
    /// # Errors
    /// When a stream is insisted on that cannot be had, or the image cannot be made.
    pub async fn choose(
        spec: &mut RunSpec,
        env: &RunEnv<'_>,
        run_id: &str,
        clock: Clock,
        clock_offset: Offset,
    ) -> Result<Self> {
        let mut notes = Vec::new();
        if matches!(spec.subject.arrival, Arrival::Watched) {
            leave_out_companions(spec, &mut notes)?;
        }
        let inside = inside(spec, env, &mut notes).await?;
        let has = |purpose| spec.load.streams.iter().any(|kind| kind.purpose == purpose);
        let kinds: Vec<CompanionKind> = [
            (inside.is_some(), CompanionKind::Prober),
            (has(Purpose::Control), CompanionKind::Control),
            (spec.self_test == NegativeControl::Planned, CompanionKind::SelfTest),
        ]
        .into_iter()
        .filter_map(|(wanted, kind)| wanted.then_some(kind))
        .collect();
        if kinds.is_empty() {
            return Ok(Self { companions: None, inside, notes });
        }
        let image = env.site.load_companion(env.state).await.map_err(|error| {
            error.hint("the streams from inside the network, the control target and the self-test need it; to run without them: --streams proxy-fresh,proxy-keepalive --no-self-test")
        })?;
        let companions = Companions::plan(CompanionOptions {
            engine: env.site.manager.clone(),
            published_host: host(spec, env),
            stack: spec.subject.stack.clone(),
            mark: OwnerMark { owner: env.site.owner.clone(), run_id: run_id.to_owned() },
            image,
            networks: spec.subject.body.networks().into_iter().map(str::to_owned).collect(),
            clock,
            clock_offset,
            kinds,
        })
        .await?;
        Ok(Self { companions: Some(companions), inside, notes })
    }

    /// The names of the services there will be.
    pub fn services(&self) -> Vec<String> {
        self.companions.as_ref().map(Companions::services).unwrap_or_default()
    }

    /// Makes them, and waits until they answer.
    pub async fn deploy(&self, interrupt: &CancellationToken) -> Result<()> {
        let Some(companions) = &self.companions else { return Ok(()) };
        tokio::select! {
            () = interrupt.cancelled() => Err(Error::interrupted("interrupted")),
            deployed = companions.deploy() => deployed,
        }
    }

    /// Removes them.
    pub async fn remove(&self) -> Result<()> {
        match &self.companions {
            Some(companions) => companions.remove().await,
            None => Ok(()),
        }
    }
}

/// A run that only watches makes nothing on the engine.
fn leave_out_companions(spec: &mut RunSpec, notes: &mut Vec<String>) -> Result<()> {
    let streams = &mut spec.load.streams;
    let needing: Vec<&str> =
        streams.iter().filter(|kind| kind.needs_companion()).map(|kind| kind.name).collect();
    if needing.is_empty() {
        return Ok(());
    }
    let why = format!(
        "the streams {} need services beside the stack, and `watch` creates none",
        list(&needing)
    );
    if spec.load.insist {
        return Err(Error::usage(why).hint("`rollproof update` and `rollproof verify` have them"));
    }
    streams.retain(|kind| !kind.needs_companion());
    notes.push(why);
    Ok(())
}

/// What to ask inside the network, if anything is to be asked there and can be.
async fn inside(
    spec: &mut RunSpec,
    env: &RunEnv<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<(String, u16)>> {
    let inside: Vec<&str> =
        spec.load.streams.iter().filter(|kind| kind.is_inside()).map(|kind| kind.name).collect();
    if inside.is_empty() {
        return Ok(None);
    }
    let body = &spec.subject.body;
    let image = env.site.manager.image(body.image()).await?;
    let port = spec.load.service_port.or_else(|| asked_port(body, image.as_ref()));
    let why = match port {
        _ if body.networks().is_empty() => "the service is attached to no network",
        _ if cannot_trust(spec) => {
            "the service speaks TLS itself, and a prober in the network trusts no authority; \
             --cacert or --insecure lets it"
        }
        None => "neither the stack nor the image names exactly one port of the service",
        Some(port) => return Ok(Some((name_inside(spec, env, notes), port))),
    };
    let what =
        format!("the streams from inside the network ({}) cannot be measured", list(&inside));
    let hint = "--service-port names the port on which the service answers inside its network";
    if spec.load.insist {
        return Err(Error::usage(format!("{what}: {why}")).hint(hint));
    }
    notes.push(format!("{what}: {why} ({hint})"));
    spec.load.streams.retain(|kind: &&'static StreamKind| !kind.is_inside());
    Ok(None)
}

/// Whether requests from inside would be in TLS, to a server that nobody there can check.
fn cannot_trust(spec: &RunSpec) -> bool {
    let tls = &spec.load.asking.asked.tls;
    let subject = &spec.subject;
    let https = subject.target.url.starts_with("https:");
    https && subject.is_asked_itself() && tls.authorities.is_none() && !tls.insecure
}

/// The name that has the service's address; where a virtual address does not work, the name that
/// has those of its tasks.
fn name_inside(spec: &RunSpec, env: &RunEnv<'_>, notes: &mut Vec<String>) -> String {
    let body = &spec.subject.body;
    let name = body.name();
    if env.site.kernel.ipvs || body.endpoint_mode() == ResolutionMode::Dnsrr {
        return name.to_owned();
    }
    notes.push(format!(
        "inside the network tasks.{name} is asked instead of {name}: virtual addresses do not work \
         on this kernel, which has no IPVS"
    ));
    format!("tasks.{name}")
}

/// The host under which ports of the engine's node are reached: that of the user's URL if it is
/// an address. A name may belong to something in front of the node.
fn host(spec: &RunSpec, env: &RunEnv<'_>) -> String {
    let plan = StreamPlan::new("users", &spec.subject.target.url, 1.0).ok();
    let host = plan.map(|plan| plan.host_name());
    let address = host.filter(|host| host.parse::<IpAddr>().is_ok());
    address.unwrap_or_else(|| env.site.published_host.clone())
}
