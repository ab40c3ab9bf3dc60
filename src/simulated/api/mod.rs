//! The engine's API: a request becomes a reply.

mod containers;
mod filters;
mod images;
mod logs;
mod networks;
mod nodes;
mod objects;
mod reply;
mod request;
mod services;
mod spec;
mod system;
mod tasks;

use std::sync::Arc;

use hyper::Method;

pub(super) use reply::{Reply, Stream};
pub(super) use request::Asked;

use super::swarm::Shared;

/// The newest version of the API that is spoken.
pub(super) const API: &str = "1.51";

/// Answers a request.
pub(super) fn answer(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    let (get, post, delete) = (
        asked.method == Method::GET || asked.method == Method::HEAD,
        asked.method == Method::POST,
        asked.method == Method::DELETE,
    );
    match path.as_slice() {
        ["_ping"] if get => system::ping(),
        ["version"] if get => system::version(),
        ["info"] if get => system::info(engine),
        ["events"] if get => system::events(engine, asked),
        ["swarm"] if get => nodes::swarm(engine),
        ["system", "df"] if get => system::disk_usage(),
        ["nodes"] if get => nodes::list(engine, asked),
        ["nodes", id] if get => nodes::inspect(engine, id),
        ["nodes", id, "update"] if post => nodes::update(engine, id, asked),
        ["services"] if get => services::list(engine, asked),
        ["services", "create"] if post => services::create(engine, asked),
        ["services", id] if get => services::inspect(engine, id),
        ["services", id] if delete => services::remove(engine, id),
        ["services", id, "update"] if post => services::update(engine, id, asked),
        ["services", id, "logs"] if get => logs::of_service(engine, id, asked),
        ["tasks"] if get => tasks::list(engine, asked),
        ["tasks", id] if get => tasks::inspect(engine, id),
        ["tasks", id, "logs"] if get => logs::of_task(engine, id, asked),
        ["networks"] if get => networks::list(engine, asked),
        ["networks", "create"] if post => networks::create(engine, asked),
        ["networks", id] if get => networks::inspect(engine, id),
        ["networks", id] if delete => networks::remove(engine, id),
        [kind @ ("configs" | "secrets")] if get => objects::list(engine, kind, asked),
        [kind @ ("configs" | "secrets"), "create"] if post => objects::create(engine, kind, asked),
        [kind @ ("configs" | "secrets"), id] if get => objects::inspect(engine, kind, id),
        [kind @ ("configs" | "secrets"), id] if delete => objects::remove(engine, kind, id),
        [kind @ ("configs" | "secrets"), id, "update"] if post => {
            objects::update(engine, kind, id, asked)
        }
        ["images", "json"] if get => images::list(engine),
        ["images", "create"] if post => images::pull(engine, asked),
        ["images", "load"] if post => images::load(engine, asked),
        ["images", name @ .., "json"] if get => images::inspect(engine, &name.join("/")),
        ["images", name @ .., "tag"] if post => images::tag(engine, &name.join("/"), asked),
        ["images", name @ ..] if delete => images::remove(engine, &name.join("/")),
        ["distribution", name @ .., "json"] if get => images::distribution(&name.join("/")),
        ["containers", "json"] if get => containers::list(engine, asked),
        ["containers", id, "json"] if get => containers::inspect(engine, id),
        ["containers", id, "logs"] if get => logs::of_container(engine, id, asked),
        ["containers", id, "kill"] if post => containers::kill(engine, id, asked),
        ["containers", id, "update"] if post => containers::update(engine, id),
        ["containers", id] if delete => containers::remove(engine, id),
        ["volumes"] if get => Reply::json(&serde_json::json!({"Volumes": [], "Warnings": null})),
        _ => Reply::error(
            501,
            format!("{} /{} is not part of the simulated engine", asked.method, path.join("/")),
        ),
    }
}
