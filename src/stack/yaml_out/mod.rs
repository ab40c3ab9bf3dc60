//! Writes a stack as YAML, like `docker stack config`: the whole file, with its networks, volumes,
//! secrets and configs.

mod service;
mod tree;

use std::collections::BTreeMap;

use super::model::{AccessMode, ClusterSpec, Config, External, FileObject, Network, Texts, Volume};
use service::service;
use tree::{Keys, Tree};

/// The whole stack. Reading it again gives the same stack.
pub(crate) fn write(config: &Config) -> String {
    let tree: Tree = top(config);
    // Writing to memory fails only for types that a tree cannot contain.
    serde_yaml::to_string(&tree).unwrap_or_else(|error| format!("# {error}\n"))
}

/// The whole file.
fn top(config: &Config) -> Tree {
    let services = entries(&config.services, service);
    Keys::default()
        .set("version", Tree::Text(config.version.clone()))
        .set("services", Tree::Map(services))
        .map("networks", entries(&config.networks, network))
        .map("volumes", entries(&config.volumes, volume))
        .map("secrets", entries(&config.secrets, file_object))
        .map("configs", entries(&config.configs, file_object))
        .extras(config.extras.iter())
        .finish()
}

fn entries<T>(map: &BTreeMap<String, T>, tree: impl Fn(&T) -> Tree) -> Vec<(String, Tree)> {
    map.iter().map(|(key, value)| (key.clone(), tree(value))).collect()
}

fn network(network: &Network) -> Tree {
    let none = Texts::new();
    let ipam = Keys::default().text("driver", &network.ipam_driver).list(
        "config",
        &network.subnets,
        |subnet| Keys::default().text("subnet", subnet).finish(),
    );
    Keys::default()
        .text("name", &network.name)
        .text("driver", &network.driver)
        .texts("driver_opts", network.driver_opts.as_ref().unwrap_or(&none))
        .keys("ipam", ipam)
        .maybe("external", external(&network.external))
        .flag("internal", network.internal)
        .flag("attachable", network.attachable)
        .texts("labels", &network.labels)
        .extras(network.extras.iter())
        .finish()
}

fn volume(volume: &Volume) -> Tree {
    let none = Texts::new();
    Keys::default()
        .text("name", &volume.name)
        .text("driver", &volume.driver)
        .texts("driver_opts", volume.driver_opts.as_ref().unwrap_or(&none))
        .maybe("external", external(&volume.external))
        .texts("labels", &volume.labels)
        .extras(volume.extras.iter().filter(|(key, _)| *key != "x-cluster-spec"))
        .maybe("x-cluster-spec", volume.cluster_spec.as_ref().map(cluster_spec))
        .finish()
}

fn file_object(object: &FileObject) -> Tree {
    let none = Texts::new();
    Keys::default()
        .text("name", &object.name)
        .text("file", &object.file)
        .maybe("external", external(&object.external))
        .texts("labels", &object.labels)
        .extras(object.extras.iter())
        .text("driver", &object.driver)
        .texts("driver_opts", object.driver_opts.as_ref().unwrap_or(&none))
        .text("template_driver", &object.template_driver)
        .finish()
}

fn external(external: &External) -> Option<Tree> {
    if !external.name.is_empty() {
        return Some(Keys::default().text("name", &external.name).finish());
    }
    external.external.then_some(Tree::Bool(true))
}

fn cluster_spec(spec: &ClusterSpec) -> Tree {
    let topologies = |list: &Vec<Texts>, key: &str, keys: Keys| {
        keys.list(key, list, |segments| Keys::default().texts("segments", segments).finish())
    };
    let accessibility = spec.accessibility.as_ref().map(|topology| {
        let keys = topologies(&topology.requisite, "requisite", Keys::default());
        topologies(&topology.preferred, "preferred", keys).finish()
    });
    let capacity = spec.capacity.as_ref().map(|capacity| {
        Keys::default()
            .size("required_bytes", capacity.required)
            .size("limit_bytes", capacity.limit)
            .finish()
    });
    Keys::default()
        .text("group", &spec.group)
        .maybe("access_mode", spec.access_mode.as_ref().map(access_mode))
        .maybe("accessibility_requirements", accessibility)
        .maybe("capacity_range", capacity)
        .list("secrets", &spec.secrets, |(key, secret)| {
            Keys::default().text("key", key).text("secret", secret).finish()
        })
        .text("availability", &spec.availability)
        .finish()
}

fn access_mode(mode: &AccessMode) -> Tree {
    let mount = mode.mount_volume.as_ref().map(|(fs_type, flags)| {
        Keys::default().text("fs_type", fs_type).lines("mount_flags", flags).finish()
    });
    Keys::default()
        .text("scope", &mode.scope)
        .text("sharing", &mode.sharing)
        .maybe("mount_volume", mount)
        .maybe("block_volume", mode.block_volume.then(|| Keys::default().finish()))
        .finish()
}
