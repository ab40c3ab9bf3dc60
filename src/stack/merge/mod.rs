//! Several files into one, by the client's rules: later values win unless they are empty, maps
//! by key, lists appended or merged by a key of their items.

mod deploy;
mod fields;
mod service;
mod service_parts;

use std::collections::btree_map::Entry;

use super::model::Config;
use super::warning::Warnings;

/// Merges a later file into what the earlier ones gave. Networks, volumes, secrets and configs
/// are replaced as a whole; the later file's `x-*` are dropped.
pub(crate) fn merge(base: &mut Config, later: Config, warnings: &mut Warnings) {
    for (name, service) in later.services {
        match base.services.entry(name) {
            Entry::Occupied(mut entry) => service::merge(entry.get_mut(), service, warnings),
            Entry::Vacant(entry) => {
                entry.insert(service);
            }
        }
    }
    base.networks.extend(later.networks);
    base.volumes.extend(later.volumes);
    base.secrets.extend(later.secrets);
    base.configs.extend(later.configs);
}
