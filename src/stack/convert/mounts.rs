//! Mounts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Body, labels, name_or_scoped};
use crate::stack::fault::Fault;
use crate::stack::model::{Mount, Service, Texts, Volume};

/// The mounts of a service.
///
/// # Errors
/// An undefined volume, options of another type, a source that is missing or not allowed.
pub(super) fn mounts(
    service: &Service,
    volumes: &BTreeMap<String, Volume>,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let mounts = service.volumes.iter().flatten();
    mounts
        .map(|mount| {
            convert(mount, volumes, namespace).map_err(|reason| {
                Fault::at(mount.mark, format!("service {}: {reason}", service.name))
            })
        })
        .collect()
}

fn convert(
    mount: &Mount,
    volumes: &BTreeMap<String, Volume>,
    namespace: &str,
) -> Result<Value, String> {
    let kind = match mount.kind.as_str() {
        "" | "volume" => return volume(mount, volumes, namespace),
        kind => kind,
    };
    let allowed: &[&str] = match kind {
        "bind" | "npipe" => &["bind"],
        "tmpfs" => &["tmpfs"],
        "image" | "cluster" => &[],
        _ => return Err("volume type must be volume, bind, tmpfs, npipe, or cluster".into()),
    };
    if kind == "tmpfs" && !mount.source.is_empty() {
        return Err("invalid tmpfs source, source must be empty".into());
    }
    if kind != "tmpfs" && mount.source.is_empty() {
        return Err(format!("invalid {kind} source, source cannot be empty"));
    }
    refuse_options(mount, kind, allowed)?;
    let bind = mount.propagation.as_ref();
    let bind = bind.map(|propagation| Body::default().text("Propagation", propagation).finish());
    let tmpfs = mount.tmpfs.map(|size| Body::default().number("SizeBytes", size).finish());
    let body = base(mount).maybe("BindOptions", bind).maybe("TmpfsOptions", tmpfs);
    if kind != "cluster" {
        return Ok(body.finish());
    }
    let body = body.set("ClusterOptions", json!({}));
    // A group is not declared and gets no prefix.
    if mount.source.starts_with("group:") {
        return Ok(body.finish());
    }
    let declared = declared(mount, volumes)?;
    Ok(body.set("Source", name_or_scoped(namespace, &mount.source, &declared.name)).finish())
}

fn volume(
    mount: &Mount,
    volumes: &BTreeMap<String, Volume>,
    namespace: &str,
) -> Result<Value, String> {
    refuse_options(mount, "volume", &["volume"])?;
    // An anonymous volume: the client drops the options.
    if mount.source.is_empty() {
        return Ok(base(mount).finish());
    }
    let declared = declared(mount, volumes)?;
    let mut options = Body::default();
    if let Some(own) = &mount.volume {
        options = options.flag("NoCopy", own.nocopy).text("Subpath", &own.subpath);
    }
    if !declared.external.external {
        options = options.texts("Labels", &labels(namespace, &declared.labels));
        if !declared.driver.is_empty() || declared.driver_opts.is_some() {
            let none = Texts::new();
            let driver_opts = declared.driver_opts.as_ref().unwrap_or(&none);
            let driver =
                Body::default().text("Name", &declared.driver).texts("Options", driver_opts);
            options = options.set("DriverConfig", driver.finish());
        }
    }
    Ok(base(mount)
        .set("Source", name_or_scoped(namespace, &mount.source, &declared.name))
        .set("VolumeOptions", options.finish())
        .finish())
}

fn declared<'a>(
    mount: &Mount,
    volumes: &'a BTreeMap<String, Volume>,
) -> Result<&'a Volume, String> {
    volumes.get(&mount.source).ok_or_else(|| format!("undefined volume {:?}", mount.source))
}

/// Refuses options that belong to another type of mount.
fn refuse_options(mount: &Mount, kind: &str, allowed: &[&str]) -> Result<(), String> {
    let given = [
        ("tmpfs", mount.tmpfs.is_some()),
        ("bind", mount.propagation.is_some()),
        ("volume", mount.volume.is_some()),
    ];
    match given.iter().find(|(option, given)| *given && !allowed.contains(option)) {
        Some((option, _)) => Err(format!("{option} options are incompatible with type {kind}")),
        None => Ok(()),
    }
}

fn base(mount: &Mount) -> Body {
    Body::default()
        .text("Type", &mount.kind)
        .text("Source", &mount.source)
        .text("Target", &mount.target)
        .flag("ReadOnly", mount.read_only)
        .text("Consistency", &mount.consistency)
}
