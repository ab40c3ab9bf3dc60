//! Creating and updating the parts of a stack, in Docker's order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::owner::{OwnerMark, Whose, is_companion, refuse_unless_ours};
use super::resolve::{ResolveImage, resolve_image};
use super::stand_ins::{StandIns, label_nodes, missing, stand_in};
use crate::engine::{Engine, RegistryAuth, STACK_LABEL, ServiceView, StackObject, StackObjectKind};
use crate::error::Result;
use crate::stack::{Requests, ServiceBody};

/// How to deploy.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The stack's name.
    pub stack: String,
    /// The marks of what rollproof creates.
    pub mark: OwnerMark,
    /// What gets them.
    pub marking: Marking,
    /// Whether to take over a stack of that name that was not deployed by rollproof.
    pub adopt: bool,
    /// Whether to remove services of the stack that are not in the file.
    pub prune: bool,
    /// When to ask a registry for the images' digests.
    pub resolve: ResolveImage,
    /// What stands in for external networks, secrets and configs that the engine lacks; absent: they
    /// are an error.
    pub stand_ins: Option<StandIns>,
    /// Whether an image may be a stand-in.
    pub stand_in_images: bool,
    /// Registry logins to pass to the nodes.
    pub auth: Option<Arc<RegistryAuth>>,
}

/// What gets rollproof's marks when a stack is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// Everything: the stack is this state folder's from then on.
    Everything,
    /// What is created, so that it can be removed again. What was there keeps the marks that it has.
    Created,
    /// Nothing: what is created belongs to whom the stack belongs.
    Nothing,
}

/// What a deployment did, as far as it came.
#[derive(Debug, Clone, Default)]
pub struct Applied {
    /// The services as submitted, with their labels and pinned images, and when each was sent.
    pub services: Vec<(Instant, ServiceBody)>,
    /// The services that were created, by name.
    pub created_services: Vec<String>,
    /// The networks, secrets and configs that were created.
    pub created_objects: Vec<StackObject>,
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

/// Creates or updates networks, secrets, configs and services. `done` takes what was done, also
/// where that ends early; `tell` receives each step.
///
/// # Errors
/// When a part exists that was not deployed by rollproof, or the engine refuses one. As with
/// `docker stack deploy`, nothing is undone.
pub async fn apply(
    engine: &Engine,
    mut requests: Requests,
    options: &ApplyOptions,
    done: &mut Applied,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<()> {
    let existing = engine.stack_services(&options.stack).await?;
    if options.prune {
        for service in pruned(&existing, &requests) {
            tell(&format!("Removing service {}", service.name()));
            engine.remove_service(&service.id).await?;
        }
    }
    if let Some(stand_ins) = &options.stand_ins {
        let missing = missing(engine, &requests).await?;
        stand_in(engine, &options.stack, &missing, stand_ins, &options.mark, tell).await?;
        label_nodes(engine, &requests, tell).await?;
    }
    for network in &requests.networks {
        if engine.network(&network.name).await?.is_none() {
            tell(&format!("Creating network {}", network.name));
            let mut body = network.body.clone();
            // Like the client, send the name beside the other keys of the body.
            body["Name"] = json!(network.name);
            if is_before_1_44(&engine.info().await?.api) {
                body["CheckDuplicate"] = json!(true);
            }
            create(engine, StackObjectKind::Network, body, options, done).await?;
        }
    }
    let (secrets, configs) = (StackObjectKind::Secret, StackObjectKind::Config);
    let secrets = objects(engine, secrets, &requests.secrets, options, done, tell).await?;
    let configs = objects(engine, configs, &requests.configs, options, done, tell).await?;
    requests.resolve_ids(&secrets, &configs)?;
    for mut service in requests.services {
        let old = existing.iter().find(|old| old.name() == service.name());
        mark_service(&mut service, old, options);
        let auth = options.auth.as_ref().and_then(|auth| auth.header(service.image()));
        let auth = auth.as_deref();
        let unresolved = resolve_image(engine, &mut service, old, options.resolve, auth).await;
        let sent = Instant::now();
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
            done.created_services.push(service.name().to_owned());
        }
        done.services.push((sent, service));
    }
    Ok(())
}

/// Whether the client asks an engine with this API to look for a network of the same name; newer ones
/// always do (docker/cli, moby `client/network_create.go`).
fn is_before_1_44(api: &str) -> bool {
    let minor = api.strip_prefix("1.").and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor < 44)
}

/// The services of a stack that are no longer in its files. What rollproof runs beside it never was.
pub fn pruned<'a>(
    existing: &'a [ServiceView],
    requests: &'a Requests,
) -> impl Iterator<Item = &'a ServiceView> {
    let gone =
        |old: &&ServiceView| requests.services.iter().all(|wanted| wanted.name() != old.name());
    existing.iter().filter(|old| !is_companion(old.name())).filter(gone)
}

fn mark_service(service: &mut ServiceBody, old: Option<&ServiceView>, options: &ApplyOptions) {
    match (options.marking, old) {
        (Marking::Everything, _) | (Marking::Created, None) => options.mark.on_service(service),
        (_, Some(old)) => OwnerMark::keep_on_service(service, &old.spec),
        (Marking::Nothing, None) => {}
    }
}

async fn create(
    engine: &Engine,
    kind: StackObjectKind,
    mut body: Value,
    options: &ApplyOptions,
    done: &mut Applied,
) -> Result<String> {
    if options.marking != Marking::Nothing {
        options.mark.on_object(&mut body);
    }
    let id = engine.create_object(kind, &body).await?;
    let name = body["Name"].as_str().unwrap_or_default();
    done.created_objects.push(StackObject::new(kind, &id, name));
    Ok(id)
}

/// Creates missing secrets or configs and updates existing ones. Returns the ids of all objects of
/// that kind, including external ones.
async fn objects(
    engine: &Engine,
    kind: StackObjectKind,
    bodies: &[Value],
    options: &ApplyOptions,
    done: &mut Applied,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<BTreeMap<String, String>> {
    let existing: Vec<StackObject> = engine.objects(kind, None).await?;
    let mut ids: BTreeMap<String, String> =
        existing.iter().map(|object| (object.name.clone(), object.id.clone())).collect();
    for body in bodies {
        let name = body["Name"].as_str().unwrap_or_default();
        if let Some(object) = existing.iter().find(|object| object.name == name) {
            let label = |key: &str| object.labels.get(key).map(String::as_str);
            let whose = match label(STACK_LABEL) {
                Some(stack) if stack == options.stack => Whose::of(&options.mark.owner, label),
                _ => Whose::Foreign,
            };
            refuse_unless_ours(&format!("{} {name}", kind.as_str()), whose, options.adopt)?;
            let mut body = body.clone();
            if options.marking == Marking::Everything {
                options.mark.on_object(&mut body);
            } else {
                OwnerMark::keep_on_object(&mut body, label);
            }
            engine.update_object(object, &body).await?;
        } else {
            tell(&format!("Creating {} {name}", kind.as_str()));
            let id = create(engine, kind, body.clone(), options, done).await?;
            ids.insert(name.to_owned(), id);
        }
    }
    Ok(ids)
}
