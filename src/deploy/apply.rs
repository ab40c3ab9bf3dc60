//! Creating and updating the parts of a stack, in Docker's order.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::owner::{OwnerMark, Whose, refuse_unless_ours};
use super::resolve::{ResolveImage, resolve_image};
use crate::engine::{Engine, RegistryAuth, STACK_LABEL, StackObject, StackObjectKind};
use crate::error::Result;
use crate::stack::{Requests, ServiceBody};

/// How to deploy.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The stack's name.
    pub stack: String,
    /// The marks of everything that is created.
    pub mark: OwnerMark,
    /// Whether to take over a stack of that name that was not deployed by rollproof.
    pub adopt: bool,
    /// Whether to remove services of the stack that are not in the file.
    pub prune: bool,
    /// When to ask a registry for the images' digests.
    pub resolve: ResolveImage,
    /// Registry logins to pass to the nodes.
    pub auth: Option<Arc<RegistryAuth>>,
}

/// Refuses a stack that is not this state folder's, before anything is noted or created.
///
/// # Errors
/// When a service of the stack is not ours and may not be taken over, or the engine does not
/// respond.
pub async fn check_owner(engine: &Engine, stack: &str, owner: &str, adopt: bool) -> Result<()> {
    for service in engine.stack_services(stack).await? {
        let what = format!("service {} of stack {stack}", service.name());
        refuse_unless_ours(&what, Whose::service(owner, &service), adopt)?;
    }
    Ok(())
}

/// Creates or updates networks, secrets, configs and services, and returns the services as submitted,
/// with their labels. `tell` receives each step.
///
/// # Errors
/// When a part exists that was not deployed by rollproof, or the engine refuses one. As with
/// `docker stack deploy`, nothing is undone.
pub async fn apply(
    engine: &Engine,
    mut requests: Requests,
    options: &ApplyOptions,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Vec<ServiceBody>> {
    let existing = engine.stack_services(&options.stack).await?;
    if options.prune {
        for service in &existing {
            if requests.services.iter().all(|wanted| wanted.name() != service.name()) {
                tell(&format!("Removing service {}", service.name()));
                engine.remove_service(&service.id).await?;
            }
        }
    }
    for network in &requests.networks {
        if engine.network(&network.name).await?.is_none() {
            tell(&format!("Creating network {}", network.name));
            let mut body = network.body.clone();
            // Like the client, send the name beside the other keys of the body.
            body["Name"] = json!(network.name);
            options.mark.on_object(&mut body);
            engine.create_object(StackObjectKind::Network, &body).await?;
        }
    }
    let secrets =
        objects(engine, StackObjectKind::Secret, &requests.secrets, options, tell).await?;
    let configs =
        objects(engine, StackObjectKind::Config, &requests.configs, options, tell).await?;
    requests.resolve_ids(&secrets, &configs)?;
    let mut applied = Vec::new();
    for mut service in requests.services {
        options.mark.on_service(&mut service);
        let old = existing.iter().find(|old| old.name() == service.name());
        let auth = options.auth.as_ref().and_then(|auth| auth.header(service.image()));
        let auth = auth.as_deref();
        let unresolved = resolve_image(engine, &mut service, old, options.resolve, auth).await;
        if let Some(old) = old {
            tell(&format!("Updating service {} (id: {})", service.name(), old.id));
            service.set_force_update(old.spec.force_update());
            for warning in engine.update_service(&service, auth).await? {
                tell(&format!("warning: {warning}"));
            }
            if let Some(warning) = unresolved {
                tell(&format!("warning: {warning}"));
            }
        } else {
            // Like the client, do not warn about an unreachable registry here: local images have
            // none.
            tell(&format!("Creating service {}", service.name()));
            engine.create_service(&service, auth).await?;
        }
        applied.push(service);
    }
    Ok(applied)
}

/// Creates missing secrets or configs and updates existing ones. Returns the ids of all objects of
/// that kind, including external ones.
async fn objects(
    engine: &Engine,
    kind: StackObjectKind,
    bodies: &[Value],
    options: &ApplyOptions,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<BTreeMap<String, String>> {
    let existing: Vec<StackObject> = engine.objects(kind, None).await?;
    let mut ids: BTreeMap<String, String> =
        existing.iter().map(|object| (object.name.clone(), object.id.clone())).collect();
    for body in bodies {
        let name = body["Name"].as_str().unwrap_or_default();
        let mut body = body.clone();
        options.mark.on_object(&mut body);
        if let Some(object) = existing.iter().find(|object| object.name == name) {
            let label = |key: &str| object.labels.get(key).map(String::as_str);
            let whose = match label(STACK_LABEL) {
                Some(stack) if stack == options.stack => Whose::of(&options.mark.owner, label),
                _ => Whose::Foreign,
            };
            refuse_unless_ours(&format!("{} {name}", kind.as_str()), whose, options.adopt)?;
            engine.update_object(object, &body).await?;
        } else {
            tell(&format!("Creating {} {name}", kind.as_str()));
            let id = engine.create_object(kind, &body).await?;
            ids.insert(name.to_owned(), id);
        }
    }
    Ok(ids)
}
