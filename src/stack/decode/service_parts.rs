//! Parts of a service.

use std::collections::BTreeMap;

use super::deploy::list;
use super::fields::{Fields, texts};
use super::{pairs, scalars};
use crate::stack::fault::Fault;
use crate::stack::model::{
    Build, CredentialSpec, FileRef, Healthcheck, Logging, ServiceNetwork, Ulimit,
};
use crate::stack::node::{Node, Value};

/// `build`: a text is the context.
pub(super) fn build(node: &Node) -> Result<Build, Fault> {
    if let Value::Text(context) = &node.value {
        return Ok(Build { context: context.to_string(), ..Build::default() });
    }
    let fields = Fields::of(node)?;
    Ok(Build {
        context: fields.text("context")?,
        dockerfile: fields.text("dockerfile")?,
        args: fields.map_to("args", pairs::maybe_texts)?.unwrap_or_default(),
        labels: fields.map_to("labels", pairs::texts)?.unwrap_or_default(),
        cache_from: fields.text_or_texts("cache_from")?.unwrap_or_default(),
        extra_hosts: fields.map_to("extra_hosts", pairs::hosts)?.unwrap_or_default(),
        network: fields.text("network")?,
        target: fields.text("target")?,
    })
}

/// `credential_spec`.
pub(super) fn credential_spec(node: &Node) -> Result<CredentialSpec, Fault> {
    let fields = Fields::of(node)?;
    Ok(CredentialSpec {
        config: fields.text("config")?,
        file: fields.text("file")?,
        registry: fields.text("registry")?,
    })
}

/// `secrets` and `configs`: a text is the source.
pub(super) fn file_refs(node: &Node) -> Result<Vec<FileRef>, Fault> {
    list(node)?
        .iter()
        .map(|item| {
            let mark = item.mark;
            if let Value::Text(source) = &item.value {
                return Ok(FileRef { source: source.to_string(), mark, ..FileRef::default() });
            }
            let fields = Fields::of(item)?;
            Ok(FileRef {
                source: fields.text("source")?,
                target: fields.text("target")?,
                uid: fields.text("uid")?,
                gid: fields.text("gid")?,
                mode: fields.map_to("mode", scalars::low_32_bits)?,
                mark,
            })
        })
        .collect()
}

/// `healthcheck`: a text is a shell command.
pub(super) fn healthcheck(node: &Node) -> Result<Healthcheck, Fault> {
    let fields = Fields::of(node)?;
    let test = fields.map_to("test", |node| match &node.value {
        Value::Text(command) => Ok(vec!["CMD-SHELL".to_owned(), command.to_string()]),
        _ => texts(node),
    })?;
    Ok(Healthcheck {
        test: test.unwrap_or_default(),
        timeout: fields.duration("timeout")?,
        interval: fields.duration("interval")?,
        retries: fields.unsigned("retries")?,
        start_period: fields.duration("start_period")?,
        start_interval: fields.duration("start_interval")?,
        disable: fields.boolean("disable")?,
    })
}

/// `logging`.
pub(super) fn logging(node: &Node) -> Result<Logging, Fault> {
    let fields = Fields::of(node)?;
    Ok(Logging {
        driver: fields.text("driver")?,
        options: fields.map_to("options", pairs::options)?,
    })
}

/// `networks`: a list of names, or a mapping whose values may be empty.
pub(super) fn networks(node: &Node) -> Result<BTreeMap<String, Option<ServiceNetwork>>, Fault> {
    match &node.value {
        Value::List(_) => Ok(texts(node)?.into_iter().map(|name| (name, None)).collect()),
        Value::Map(map) => map
            .entries
            .iter()
            .map(|entry| {
                let network = match entry.node.value {
                    Value::Null => None,
                    _ => Some(service_network(&entry.node)?),
                };
                Ok((entry.key.to_string(), network))
            })
            .collect(),
        _ => Err(scalars::wrong(node, "networks")),
    }
}

fn service_network(node: &Node) -> Result<ServiceNetwork, Fault> {
    let fields = Fields::of(node)?;
    Ok(ServiceNetwork {
        aliases: fields.texts("aliases")?,
        driver_opts: fields.map_to("driver_opts", pairs::options)?,
        ipv4_address: fields.text("ipv4_address")?,
        ipv6_address: fields.text("ipv6_address")?,
    })
}

/// `ulimits`. The client crashes where a number has a fraction part, even `.0`.
pub(super) fn ulimits(node: &Node) -> Result<BTreeMap<String, Ulimit>, Fault> {
    let whole = |node: &Node| match node.value {
        Value::Int(n) => Ok(n),
        _ => Err(scalars::wrong(node, "int")),
    };
    let Some(map) = node.as_map() else { return Err(scalars::wrong(node, "ulimits")) };
    map.entries
        .iter()
        .map(|entry| {
            let ulimit = match &entry.node.value {
                Value::Map(limits) => {
                    let limit = |key: &str| {
                        limits
                            .get(key)
                            .map_or_else(|| Err(scalars::wrong(&entry.node, "int")), whole)
                    };
                    Ulimit { single: 0, soft: limit("soft")?, hard: limit("hard")? }
                }
                _ => Ulimit { single: whole(&entry.node)?, ..Ulimit::default() },
            };
            Ok((entry.key.to_string(), ulimit))
        })
        .collect()
}
