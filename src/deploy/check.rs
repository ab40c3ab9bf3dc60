//! What must be there before a stack is deployed: checked before anything is created.

use std::collections::BTreeSet;
use std::path::Path;

use super::ApplyOptions;
use super::placement::homeless;
use super::stand_ins::{Missing, missing};
use crate::engine::{Engine, ServiceView};
use crate::error::{Error, Result};
use crate::lab::nodes_have;
use crate::stack::{PublishedPort, Requests, ServiceBody};
use crate::swarm::PublishMode;
use crate::wording::list;

/// Where a node of a private engine has files of its own: a `/run` with the engine's socket, and the
/// engine's data.
const OF_NODE: [&str; 3] = ["/run", "/var/run", "/var/lib/docker"];

/// The requests that deploy a stack, and how they are sent.
pub type Part<'a> = (&'a Requests, &'a ApplyOptions);

/// Which files the nodes have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFiles<'a> {
    /// Nobody knows: what services mount is not looked for.
    Unknown,
    /// Those of this machine, as private engines have them.
    Machine,
    /// Those of this folder: private engines with a root of their own.
    Root(&'a Path),
}

/// Refuses versions of a stack whose ports are taken, whose constraints no node fulfils, or whose
/// external networks, secrets, configs or images are missing. `engines` are those that can be asked, the
/// manager first. Where it is known which files the nodes have, what services mount counts too.
///
/// # Errors
/// With everything that is missing for any of them, or when an engine does not respond.
pub async fn check(engines: &[Engine], parts: &[Part<'_>], files: NodeFiles<'_>) -> Result<()> {
    let Some(manager) = engines.first() else { return Ok(()) };
    for (requests, options) in parts {
        check_ports(manager, &options.stack, requests).await?;
        check_external_networks(manager, &requests.external_networks).await?;
        check_contents(manager, requests).await?;
    }
    check_missing(engines, manager, parts, files).await
}

/// Everything that is missing, in one error: external networks, secrets and configs, what services
/// mount, nodes for them, and images.
async fn check_missing(
    engines: &[Engine],
    manager: &Engine,
    parts: &[Part<'_>],
    files: NodeFiles<'_>,
) -> Result<()> {
    let mut objects = Vec::new();
    for (requests, _) in parts.iter().filter(|(_, options)| options.stand_ins.is_none()) {
        for object in missing(manager, requests).await? {
            if !objects.contains(&object) {
                objects.push(object);
            }
        }
    }
    let images = missing_images(engines, parts).await?;
    let mounts = match files {
        NodeFiles::Unknown => BTreeSet::new(),
        NodeFiles::Machine => missing_mounts(manager, parts, None).await?,
        NodeFiles::Root(root) => missing_mounts(manager, parts, Some(root)).await?,
    };
    let (mut nodes, mut help) = (BTreeSet::new(), BTreeSet::new());
    let mut place = None;
    for (requests, options) in parts {
        let found = homeless(manager, requests, options.stand_ins.is_some()).await?;
        nodes.extend(found.nodes);
        help.extend(found.hints);
        place = place.or(found.place);
    }
    if objects.is_empty() && mounts.is_empty() && nodes.is_empty() {
        return images.map_or(Ok(()), Err);
    }
    let mut names: Vec<String> = objects.iter().map(ToString::to_string).collect();
    let mut hints: Vec<String> = objects.iter().map(Missing::command).collect();
    if !objects.is_empty() {
        hints.push("--stand-ins makes stand-ins for them on a private engine".to_owned());
    }
    if !mounts.is_empty() {
        hints.push(
            "a task does not start without what it mounts: make it, or give the mount another source \
             in a second file (-c)"
                .to_owned(),
        );
        if let NodeFiles::Root(root) = files {
            hints.push(format!(
                "these engines have the files of {} instead of this machine's",
                root.display()
            ));
        }
    }
    names.extend(mounts);
    names.extend(nodes);
    hints.extend(help);
    if let Some(error) = images {
        names.push(error.message().to_owned());
        hints.extend(error.hints().iter().cloned());
        place = place.or(error.place().cloned());
    }
    let error = Error::stack(format!("what the stack needs does not exist: {}", list(&names)));
    let error = hints.into_iter().fold(error, Error::hint);
    Err(match place {
        Some(place) => error.at(place),
        None => error,
    })
}

/// What services mount and the nodes of a private engine lack: paths, in `root` if the nodes have one of
/// their own, shares of others, which they cannot reach, and drivers of volumes.
async fn missing_mounts(
    engine: &Engine,
    parts: &[Part<'_>],
    root: Option<&Path>,
) -> Result<BTreeSet<String>> {
    let services = || parts.iter().flat_map(|&(requests, _)| &requests.services);
    let mut missing = BTreeSet::new();
    let drivers: BTreeSet<&str> = services().flat_map(ServiceBody::volume_drivers).collect();
    if !drivers.is_empty() {
        let known = engine.volume_drivers().await?;
        let lacking = drivers.into_iter().filter(|name| !known.iter().any(|known| known == name));
        missing.extend(lacking.map(|name| format!("volume driver {name}")));
    }
    let shares = services().flat_map(ServiceBody::network_shares);
    missing
        .extend(shares.map(|share| format!("share `{share}` (a private engine has no way out)")));
    let own = |path: &&str| OF_NODE.iter().any(|own| Path::new(path).starts_with(own));
    let paths = services().flat_map(ServiceBody::node_paths).filter(|path| !own(path));
    let lacking = paths.filter(|path| !nodes_have(root, Path::new(path)));
    missing.extend(lacking.map(|path| format!("path {path}")));
    Ok(missing)
}

/// Configs that exist with another content, which Swarm cannot change. What stands in a secret is not
/// known.
async fn check_contents(engine: &Engine, requests: &Requests) -> Result<()> {
    if requests.configs.is_empty() {
        return Ok(());
    }
    let existing = engine.config_contents().await?;
    let differs = |body: &&serde_json::Value| {
        let name = body["Name"].as_str().unwrap_or_default();
        let data = body["Data"].as_str().unwrap_or_default();
        existing.get(name).is_some_and(|there| there != data)
    };
    let differing = requests.configs.iter().filter(differs);
    let names: Vec<String> = differing
        .filter_map(|body| body["Name"].as_str())
        .map(|name| format!("config {name}"))
        .collect();
    if names.is_empty() {
        return Ok(());
    }
    let verb = if names.len() == 1 { "exists" } else { "exist" };
    Err(Error::stack(format!(
        "{} {verb} with another content, which cannot be changed",
        list(&names)
    ))
    .hint("give the changed config a new name in the stack file: `name: caddy-2`"))
}

/// The error for images that no engine has and no registry provides. With nodes that cannot be asked,
/// one of them may have the image.
async fn missing_images(engines: &[Engine], parts: &[Part<'_>]) -> Result<Option<Error>> {
    let Some(manager) = engines.first() else { return Ok(None) };
    let all_asked = manager.info().await?.nodes <= engines.len() as u64;
    let auth = parts.iter().find_map(|(_, options)| options.auth.as_ref());
    let services = || {
        parts
            .iter()
            .flat_map(|&(requests, _)| requests.services.iter().map(move |body| (body, requests)))
    };
    let images: BTreeSet<&str> = services().map(|(body, _)| body.image()).collect();
    // One that an earlier run left in a private engine is taken by those who want stand-ins alone.
    let stand_ins = parts.iter().any(|(_, options)| options.stand_in_images);
    let mut missing = Vec::new();
    let mut cause = None;
    for image in images {
        let mut present = false;
        for engine in engines {
            let found = engine.image(image).await?;
            present |= found.is_some_and(|found| stand_ins || !found.is_stand_in());
        }
        if present || !all_asked {
            continue;
        }
        let auth = auth.and_then(|auth| auth.header(image));
        if let Err(error) = manager.distribution(image, auth.as_deref()).await {
            missing.push(image.to_owned());
            cause.get_or_insert(error);
        }
    }
    let Some(cause) = cause else { return Ok(None) };
    let error = Error::environment(format!(
        "the engine neither has nor can pull {} {}",
        if missing.len() == 1 { "image" } else { "images" },
        list(&missing)
    ))
    .caused_by(cause)
    .hint("build or load it into the engine first: `rollproof build --context DIR --tag NAME`")
    .hint("a private engine gets images that the docker CLI's engine has under the same name")
    .hint(
        "--stand-in-images puts a small server in the place of each on a private engine: that tests \
         the stack's settings, and nothing of these programs",
    );
    let error = if missing.iter().any(|image| image.contains('@')) {
        error.hint(
            "an image that is pinned by digest is copied only if both engines have the containerd image \
             store: a test can use its tag",
        )
    } else {
        error
    };
    let place = services()
        .find(|(body, _)| body.image() == missing[0])
        .and_then(|(body, requests)| requests.service_places.get(body.name()));
    Ok(Some(match place {
        Some(place) => error.at(place.clone()),
        None => error,
    }))
}

async fn check_external_networks(engine: &Engine, names: &[String]) -> Result<()> {
    for name in names {
        // These are local to each node, and docker does not inspect them either.
        if matches!(name.as_str(), "host" | "bridge" | "none") {
            continue;
        }
        match engine.network(name).await? {
            Some(network) if network.scope != "swarm" => {
                return Err(Error::stack(format!(
                    "network {name} is declared as external, but has scope {} instead of swarm",
                    network.scope
                ))
                .hint("a stack can only use overlay networks"));
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// Refuses a stack that publishes a port which another service already publishes. The engine only
/// refuses ingress ports; with a host-mode port the task would stay pending forever.
///
/// # Errors
/// When a port is taken, or the engine does not respond.
async fn check_ports(engine: &Engine, stack: &str, requests: &Requests) -> Result<()> {
    if requests.services.iter().all(|body| body.published_ports().is_empty()) {
        return Ok(());
    }
    let ours: BTreeSet<String> =
        engine.stack_services(stack).await?.into_iter().map(|service| service.id).collect();
    let others: Vec<ServiceView> =
        engine.services().await?.into_iter().filter(|other| !ours.contains(&other.id)).collect();
    // With several nodes, a host-mode port may still be free on one of them.
    let one_node = engine.info().await?.nodes == 1;
    for body in &requests.services {
        for port in body.published_ports() {
            let clash = |other: &&ServiceView| {
                other.spec.published_ports().iter().any(|taken| clashes(&port, taken, one_node))
            };
            if let (Some(number), Some(other)) = (port.published, others.iter().find(clash)) {
                let error = Error::environment(format!(
                    "service {} cannot publish port {number}: service {} already publishes it",
                    body.name(),
                    other.name()
                ))
                .hint("choose another port in the stack file, or remove the other service");
                return Err(match requests.service_places.get(body.name()) {
                    Some(place) => error.at(place.clone()),
                    None => error,
                });
            }
        }
    }
    Ok(())
}

fn clashes(wanted: &PublishedPort, taken: &PublishedPort, one_node: bool) -> bool {
    let both_host = wanted.mode == PublishMode::Host && taken.mode == PublishMode::Host;
    wanted.published.is_some()
        && wanted.published == taken.published
        && wanted.protocol == taken.protocol
        && (one_node || !both_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::PortProtocol;

    fn port(published: Option<u16>, mode: PublishMode) -> PublishedPort {
        PublishedPort { target: 80, published, protocol: PortProtocol::Tcp, mode }
    }

    #[test]
    fn host_ports_clash_on_one_node_only() {
        let host = port(Some(80), PublishMode::Host);
        assert!(clashes(&host, &host, true));
        assert!(!clashes(&host, &host, false));
        assert!(clashes(&port(Some(80), PublishMode::Ingress), &host, false));
        assert!(!clashes(
            &port(None, PublishMode::Ingress),
            &port(None, PublishMode::Ingress),
            true
        ));
        assert!(!clashes(&port(Some(81), PublishMode::Host), &host, true));
    }
}
