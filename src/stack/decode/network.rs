//! Networks of the stack, and what `external` means.

use super::deploy::list;
use super::fields::Fields;
use super::{Decoder, extras, pairs, scalars};
use crate::stack::fault::Fault;
use crate::stack::model::{External, Network};
use crate::stack::node::{Entry, Node, Value};

impl Decoder<'_> {
    /// A network of the stack.
    pub(super) fn network(&mut self, entry: &Entry) -> Result<Network, Fault> {
        let mut network = Network::default();
        if matches!(entry.node.value, Value::Null) {
            return Ok(network);
        }
        let fields = Fields::of(&entry.node)?;
        network.name = fields.text("name")?;
        network.driver = fields.text("driver")?;
        network.driver_opts = fields.map_to("driver_opts", pairs::options)?;
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
        network.labels = fields.map_to("labels", pairs::texts)?.unwrap_or_default();
        if network.external.external {
            self.external_name("network", entry, &mut network.external, &mut network.name, 5)?;
            network.extras = extras(entry.node.as_map());
        }
        Ok(network)
    }

    /// Settles the name of something external: `name`, or the old `external.name`, or the key.
    pub(super) fn external_name(
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
pub(super) fn external(node: &Node) -> Result<External, Fault> {
    match &node.value {
        Value::Bool(external) => Ok(External { external: *external, name: String::new() }),
        Value::Map(map) => {
            let name = map.get("name").map(scalars::text).transpose()?.unwrap_or_default();
            Ok(External { external: true, name })
        }
        _ => Err(scalars::wrong(node, "external")),
    }
}
