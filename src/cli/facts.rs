//! The stack's facts for the record.

use std::path::Path;

use crate::error::Result;
use crate::record::StackFacts;
use crate::scenario::{Patience, Target};
use crate::site::Site;
use crate::stack::ServiceBody;

/// The facts of the service under test, its image's health check included.
pub(super) async fn stack_facts(
    site: &Site,
    stack: &str,
    files: &[String],
    body: &ServiceBody,
    target: &Target,
) -> Result<StackFacts> {
    let image = site.manager.image(body.image()).await?;
    let healthcheck =
        body.effective_healthcheck(image.as_ref().and_then(|image| image.healthcheck.as_ref()));
    Ok(StackFacts {
        name: stack.to_owned(),
        files: files.iter().map(|file| shown(file)).collect(),
        service: target.service.clone(),
        replicas: target.replicas,
        update_config: body.update_policy(),
        rollback_config: body.rollback_policy(),
        healthcheck,
        places: std::collections::BTreeMap::new(),
    })
}

/// How long this service's updates may take, whichever of the two health checks is slower: a
/// service without one gets the engine's default timings when a broken one is set.
pub(super) fn patience(facts: &StackFacts, body: &ServiceBody) -> Patience {
    let grace = &body.as_value()["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"];
    let grace = grace.as_f64().map_or(10.0, |nanos| nanos / 1e9);
    let broken = {
        let mut broken = body.clone();
        broken.set_health_cmd("false");
        broken.effective_healthcheck(None)
    };
    let check = facts.healthcheck.as_ref().or(broken.as_ref());
    Patience::new(facts.replicas, &facts.update_config, &facts.rollback_config, check, grace)
}

/// A file as the user would name it: relative to the current folder where it lies below it.
fn shown(file: &str) -> String {
    let relative = std::env::current_dir().ok().and_then(|cwd| {
        Path::new(file).strip_prefix(cwd).ok().map(|path| path.display().to_string())
    });
    relative.unwrap_or_else(|| file.to_owned())
}
