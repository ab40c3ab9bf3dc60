//! Volumes of the stack.

use super::cluster_spec::cluster_spec;
use super::fields::Fields;
use super::network::external;
use super::{Decoder, extras, pairs};
use crate::stack::fault::Fault;
use crate::stack::model::Volume;
use crate::stack::node::{Entry, Value};

impl Decoder<'_> {
    /// A volume of the stack.
    pub(super) fn volume(&mut self, entry: &Entry) -> Result<Volume, Fault> {
        let mut volume = Volume::default();
        if matches!(entry.node.value, Value::Null) {
            return Ok(volume);
        }
        let fields = Fields::of(&entry.node)?;
        volume.name = fields.text("name")?;
        volume.driver = fields.text("driver")?;
        volume.driver_opts = fields.map_to("driver_opts", pairs::options)?;
        volume.external = fields.map_to("external", external)?.unwrap_or_default();
        volume.labels = fields.map_to("labels", pairs::texts)?.unwrap_or_default();
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
