//! Images.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asked, Reply};
use crate::simulated::images::{architecture, digest_of, full, is_in_a_registry};
use crate::simulated::swarm::Shared;

pub(super) fn list(engine: &Arc<Shared>) -> Reply {
    let swarm = engine.now();
    let one = |(name, image): (&str, &crate::simulated::images::Image)| {
        json!({
            "Id": image.id,
            "ParentId": "",
            "RepoTags": [name],
            "RepoDigests": [],
            "Created": 0,
            "Size": 0,
            "SharedSize": -1,
            "Containers": -1,
            "Labels": image.config["Labels"],
        })
    };
    Reply::json(&swarm.ground.images.all().map(one).collect())
}

pub(super) fn inspect(engine: &Arc<Shared>, name: &str) -> Reply {
    let swarm = engine.now();
    match swarm.ground.images.find(name) {
        Some((name, image)) => Reply::json(&image.inspected(name)),
        None => Reply::error(404, format!("No such image: {}", full(name))),
    }
}

pub(super) fn pull(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let name = asked.parameter("fromImage").unwrap_or_default();
    let reference = match asked.parameter("tag") {
        Some(tag) if tag.contains(':') => format!("{name}@{tag}"),
        Some(tag) => format!("{name}:{tag}"),
        None => name.to_owned(),
    };
    let mut swarm = engine.now();
    if !swarm.ground.images.pull(&reference) {
        return Reply::error(
            404,
            format!("manifest for {reference} not found: the simulated engine asks no registry"),
        );
    }
    swarm.has_image(&full(&reference), true);
    Reply::json(&json!({ "status": format!("Status: Image is up to date for {reference}") }))
}

pub(super) fn load(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    match engine.now().ground.images.load(&asked.body) {
        Ok(names) => {
            let lines: Vec<String> =
                names.iter().map(|name| format!("Loaded image: {name}\n")).collect();
            Reply::json(&json!({ "stream": lines.concat() }))
        }
        Err(why) => Reply::error(400, why),
    }
}

pub(super) fn tag(engine: &Arc<Shared>, name: &str, asked: &Asked) -> Reply {
    let repo = asked.parameter("repo").unwrap_or_default();
    let tag = asked.parameter("tag").unwrap_or("latest");
    if engine.now().ground.images.tag(name, &format!("{repo}:{tag}")) {
        Reply::done(201)
    } else {
        Reply::error(404, format!("No such image: {}", full(name)))
    }
}

pub(super) fn remove(engine: &Arc<Shared>, name: &str) -> Reply {
    let mut swarm = engine.now();
    match swarm.ground.images.remove(name) {
        Some((name, _)) => {
            swarm.has_image(&name, is_in_a_registry(&name));
            Reply::json(&json!([{ "Untagged": name }]))
        }
        None => Reply::error(404, format!("No such image: {}", full(name))),
    }
}

/// What a registry would say. None is asked: an image that could be in one is taken to be.
pub(super) fn distribution(name: &str) -> Reply {
    if !is_in_a_registry(name) {
        return Reply::error(
            403,
            format!("no registry has {name}: the simulated engine asks none"),
        );
    }
    let platform: Value = json!({"architecture": architecture(), "os": "linux"});
    Reply::json(&json!({
        "Descriptor": {
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": digest_of(&full(name)),
            "size": 0,
        },
        "Platforms": [platform],
    }))
}
