//! `x-cluster-spec` of a volume. Nothing of it reaches the engine, but what is wrong in it makes
//! the client refuse the file.

use super::deploy::list;
use super::fields::Fields;
use super::pairs;
use crate::stack::fault::Fault;
use crate::stack::model::{AccessMode, Capacity, ClusterSpec, Texts, Topology};
use crate::stack::node::Node;

/// A cluster volume.
pub(super) fn cluster_spec(node: &Node) -> Result<ClusterSpec, Fault> {
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
        .map(|item| Ok(Fields::of(item)?.map_to("segments", pairs::texts)?.unwrap_or_default()))
        .collect()
}
