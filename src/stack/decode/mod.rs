//! From checked values to the model, as the client's decoder does it, with a few refusals of its
//! own. This file reads the top level, networks, volumes, secrets and configs.

mod deploy;
mod service;
mod values;

use std::collections::BTreeMap;

use super::fault::{Fault, Faults};
use super::model::{
    AccessMode, Capacity, ClusterSpec, Config, External, Extras, FileObject, Network, Texts,
    Topology, Volume,
};
use super::node::{Entry, Mapping, Node, Value};
use super::read::SourceEnv;
use super::warning::Warnings;
use values::{Fields, list, options, pairs, text, wrong};

/// The most ports of a stack: one short form can expand to 65,536.
const MOST_PORTS: usize = 200_000;

/// What the decoder needs besides the values.
pub(crate) struct Decoder<'a> {
    pub(crate) env: &'a SourceEnv<'a>,
    pub(crate) warnings: &'a mut Warnings,
    /// The number after `3.` of the file's version.
    pub(crate) minor: u8,
    /// The number of ports expanded so far.
    pub(crate) ports: usize,
}

impl Decoder<'_> {
    /// Decodes one file that has passed the schema check.
    ///
    /// # Errors
    /// What the client's decoder refuses, a missing `env_file`, contradictions.
    pub(crate) fn config(&mut self, top: &Node, version: String) -> Result<Config, Faults> {
        let mut config = Config { version, ..Config::default() };
        let mut faults = Faults::default();
        let empty = Mapping::default();
        let section = |key: &str| top.get(key).and_then(Node::as_map).unwrap_or(&empty);
        for entry in &section("services").entries {
            let service = faults.take(self.service(entry));
            config.services.extend(service.map(|service| (service.name.clone(), service)));
        }
        for entry in &section("networks").entries {
            let network = faults.take(self.network(entry));
            config.networks.extend(network.map(|network| (entry.key.to_string(), network)));
        }
        for entry in &section("volumes").entries {
            let volume = faults.take(self.volume(entry));
            config.volumes.extend(volume.map(|volume| (entry.key.to_string(), volume)));
        }
        for entry in &section("secrets").entries {
            let secret = faults.take(self.file_object(entry, "secret"));
            config.secrets.extend(secret.map(|secret| (entry.key.to_string(), secret)));
        }
        for entry in &section("configs").entries {
            let object = faults.take(self.file_object(entry, "config"));
            config.configs.extend(object.map(|object| (entry.key.to_string(), object)));
        }
        config.extras = extras(top.as_map());
        faults.or(config)
    }
}

/// The keys that begin with `x-`.
fn extras(map: Option<&Mapping>) -> Extras {
    map.into_iter()
        .flat_map(|map| &map.entries)
        .filter(|entry| entry.key.starts_with("x-"))
        .map(|entry| (entry.key.to_string(), entry.node.clone()))
        .collect::<BTreeMap<_, _>>()
}

impl Decoder<'_> {
    /// A network of the stack.
    fn network(&mut self, entry: &Entry) -> Result<Network, Fault> {
        let mut network = Network::default();
        if matches!(entry.node.value, Value::Null) {
            return Ok(network);
        }
        let fields = Fields::of(&entry.node)?;
        network.name = fields.text("name")?;
        network.driver = fields.text("driver")?;
        network.driver_opts = fields.map_to("driver_opts", options)?;
        if let Some(ipam) = fields.get("ipam") {
            let ipam = Fields::of(ipam)?;
            network.ipam_driver = ipam.text("driver")?;
            let subnets = ipam.map_to("config", |node| {
                list(node)?.iter().map(|item| Fields::of(item)?.text("subnet")).collect()
            })?;
            network.subnets = subnets.unwrap_or_default();
        }
        network.external = fields.map_to("external", external)?.unwrap_or_default();
        network.internal = fields.boolean("internal")?;
        network.attachable = fields.boolean("attachable")?;
        network.labels = fields.map_to("labels", pairs)?.unwrap_or_default();
        if network.external.external {
            self.external_name("network", entry, &mut network.external, &mut network.name, 5)?;
            network.extras = extras(entry.node.as_map());
        }
        Ok(network)
    }

    /// Decides the name of something external: `name`, or the old `external.name`, or the key.
    fn external_name(
        &mut self,
        kind: &str,
        entry: &Entry,
        external: &mut External,
        name: &mut String,
        deprecated_since: u8,
    ) -> Result<(), Fault> {
        let key = &entry.key;
        if external.name.is_empty() {
            if name.is_empty() {
                *name = key.to_string();
            }
            return Ok(());
        }
        if !name.is_empty() {
            return Err(Fault::at(
                entry.mark,
                format!(
                    "{kind} {key}: {kind}.external.name and {kind}.name conflict; only use {kind}.name"
                ),
            ));
        }
        if self.minor >= deprecated_since {
            self.warnings.push(
                entry.mark,
                format!("{kind} {key}: {kind}.external.name is deprecated in favor of {kind}.name"),
            );
        }
        *name = std::mem::take(&mut external.name);
        Ok(())
    }
}

/// `external`: a boolean, or a mapping with a name.
fn external(node: &Node) -> Result<External, Fault> {
    match &node.value {
        Value::Bool(external) => Ok(External { external: *external, name: String::new() }),
        Value::Map(map) => {
            let name = map.get("name").map(text).transpose()?.unwrap_or_default();
            Ok(External { external: true, name })
        }
        _ => Err(wrong(node, "external")),
    }
}

impl Decoder<'_> {
    /// A volume of the stack.
    fn volume(&mut self, entry: &Entry) -> Result<Volume, Fault> {
        let mut volume = Volume::default();
        if matches!(entry.node.value, Value::Null) {
            return Ok(volume);
        }
        let fields = Fields::of(&entry.node)?;
        volume.name = fields.text("name")?;
        volume.driver = fields.text("driver")?;
        volume.driver_opts = fields.map_to("driver_opts", options)?;
        volume.external = fields.map_to("external", external)?.unwrap_or_default();
        volume.labels = fields.map_to("labels", pairs)?.unwrap_or_default();
        volume.cluster_spec = fields.map_to("x-cluster-spec", cluster_spec)?;
        if volume.external.external {
            let conflict = if !volume.driver.is_empty() {
                Some("driver")
            } else if volume.driver_opts.as_ref().is_some_and(|options| !options.is_empty()) {
                Some("driver_opts")
            } else if !volume.labels.is_empty() {
                Some("labels")
            } else {
                None
            };
            if let Some(conflict) = conflict {
                return Err(Fault::at(
                    fields.mark(conflict).unwrap_or(entry.mark),
                    format!(
                        "conflicting parameters \"external\" and {conflict:?} specified for volume {:?}",
                        &*entry.key
                    ),
                ));
            }
            self.external_name("volume", entry, &mut volume.external, &mut volume.name, 4)?;
            volume.extras = extras(entry.node.as_map());
        }
        Ok(volume)
    }
}

impl Decoder<'_> {
    /// A secret or config (`kind`) of the stack.
    fn file_object(&mut self, entry: &Entry, kind: &str) -> Result<FileObject, Fault> {
        let mut object = FileObject { file_mark: entry.mark, ..FileObject::default() };
        if !matches!(entry.node.value, Value::Null) {
            let fields = Fields::of(&entry.node)?;
            object.name = fields.text("name")?;
            object.file = fields.text("file")?;
            object.file_mark = fields.mark("file").unwrap_or(entry.mark);
            object.external = fields.map_to("external", external)?.unwrap_or_default();
            object.labels = fields.map_to("labels", pairs)?.unwrap_or_default();
            object.driver = fields.text("driver")?;
            object.driver_opts = fields.map_to("driver_opts", options)?;
            object.template_driver = fields.text("template_driver")?;
            object.extras = extras(Some(fields.map()));
        }
        if object.external.external {
            self.external_name(kind, entry, &mut object.external, &mut object.name, 5)?;
        } else if object.driver.is_empty() {
            object.file = self.env.absolute(&object.file);
        } else if !object.file.is_empty() {
            return Err(Fault::at(
                object.file_mark,
                format!(
                    "{kind} {}: {kind}.driver and {kind}.file conflict; only use {kind}.driver",
                    entry.key
                ),
            ));
        }
        Ok(object)
    }
}

/// A cluster volume.
fn cluster_spec(node: &Node) -> Result<ClusterSpec, Fault> {
    let fields = Fields::of(node)?;
    let secrets = fields.map_to("secrets", |node| {
        list(node)?
            .iter()
            .map(|item| {
                let fields = Fields::of(item)?;
                Ok((fields.text("key")?, fields.text("secret")?))
            })
            .collect()
    })?;
    Ok(ClusterSpec {
        group: fields.text("group")?,
        access_mode: fields.map_to("access_mode", access_mode)?,
        accessibility: fields.map_to("accessibility_requirements", |node| {
            let fields = Fields::of(node)?;
            Ok(Topology {
                requisite: fields.map_to("requisite", segments)?.unwrap_or_default(),
                preferred: fields.map_to("preferred", segments)?.unwrap_or_default(),
            })
        })?,
        capacity: fields.map_to("capacity_range", |node| {
            let fields = Fields::of(node)?;
            Ok(Capacity {
                required: fields.size("required_bytes")?,
                limit: fields.size("limit_bytes")?,
            })
        })?,
        secrets: secrets.unwrap_or_default(),
        availability: fields.text("availability")?,
    })
}

fn access_mode(node: &Node) -> Result<AccessMode, Fault> {
    let fields = Fields::of(node)?;
    Ok(AccessMode {
        scope: fields.text("scope")?,
        sharing: fields.text("sharing")?,
        mount_volume: fields.map_to("mount_volume", |node| {
            let fields = Fields::of(node)?;
            Ok((fields.text("fs_type")?, fields.texts("mount_flags")?))
        })?,
        block_volume: fields.map_to("block_volume", Fields::of)?.is_some(),
    })
}

fn segments(node: &Node) -> Result<Vec<Texts>, Fault> {
    list(node)?
        .iter()
        .map(|item| Ok(Fields::of(item)?.map_to("segments", pairs)?.unwrap_or_default()))
        .collect()
}
