//! From the model to request bodies, as the client's `compose/convert` does it. What the client
//! leaves out when it is empty is left out here; the rest is sent even if it is null.

mod body;
mod container;
mod endpoint;
mod file_objects;
mod file_refs;
mod healthcheck;
mod mounts;
mod networks;
mod policies;
mod resources;
mod service;
mod service_networks;

pub(crate) use file_objects::{Contents, configs, secrets};
pub(crate) use networks::{external_networks, networks};
pub(crate) use service::services;

use super::model::Texts;

/// Label of everything that belongs to a stack.
const NAMESPACE_LABEL: &str = "com.docker.stack.namespace";
/// Service label with the image as the file has it.
const IMAGE_LABEL: &str = "com.docker.stack.image";

/// A name with the stack's prefix.
fn scope(namespace: &str, name: &str) -> String {
    format!("{namespace}_{name}")
}

/// The given name of something, or its key with the stack's prefix.
fn name_or_scoped(namespace: &str, key: &str, name: &str) -> String {
    if name.is_empty() { scope(namespace, key) } else { name.to_owned() }
}

/// Labels with the stack's own one, which nobody can override.
fn labels(namespace: &str, labels: &Texts) -> Texts {
    let mut labels = labels.clone();
    labels.insert(NAMESPACE_LABEL.to_owned(), namespace.to_owned());
    labels
}
