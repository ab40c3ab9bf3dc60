//! Decodes a service.

use std::collections::BTreeMap;

use super::deploy::deploy;
use super::values::{
    Fields, boolean, hosts, list, low_32_bits, maybe_pairs, options, pairs, shown, text_list, wrong,
};
use super::{Decoder, MOST_PORTS, extras};
use crate::stack::fault::Fault;
use crate::stack::model::{
    Build, CredentialSpec, FileRef, Healthcheck, Logging, Mount, Port, Service, ServiceNetwork,
    Ulimit, VolumeOptions,
};
use crate::stack::node::{Entry, Node, Value};
use crate::stack::settings::SettingMarks;
use crate::stack::short_forms;

impl Decoder<'_> {
    /// A service.
    pub(super) fn service(&mut self, entry: &Entry) -> Result<Service, Fault> {
        let fields = Fields::of(&entry.node)?;
        let mut service = Service {
            name: entry.key.to_string(),
            mark: entry.mark,
            marks: fields.map().entries.iter().map(|e| (e.key.to_string(), e.mark)).collect(),
            settings: SettingMarks::of(fields.map()),
            build: fields.map_to("build", build)?.unwrap_or_default(),
            cap_add: fields.texts("cap_add")?,
            cap_drop: fields.texts("cap_drop")?,
            cgroupns_mode: fields.text("cgroupns_mode")?,
            cgroup_parent: fields.text("cgroup_parent")?,
            command: fields.command("command")?,
            configs: fields.map_to("configs", file_refs)?,
            container_name: fields.text("container_name")?,
            credential_spec: fields.map_to("credential_spec", credential_spec)?.unwrap_or_default(),
            depends_on: fields.texts("depends_on")?,
            deploy: fields.map_to("deploy", deploy)?.unwrap_or_default(),
            devices: fields.texts("devices")?,
            dns: fields.text_or_texts("dns")?,
            dns_search: fields.text_or_texts("dns_search")?,
            domainname: fields.text("domainname")?,
            entrypoint: fields.command("entrypoint")?,
            environment: fields.map_to("environment", maybe_pairs)?.unwrap_or_default(),
            env_file: fields.text_or_texts("env_file")?.unwrap_or_default(),
            expose: fields.map_to("expose", shown_list)?.unwrap_or_default(),
            external_links: fields.texts("external_links")?,
            extra_hosts: fields.map_to("extra_hosts", hosts)?.unwrap_or_default(),
            hostname: fields.text("hostname")?,
            healthcheck: fields.map_to("healthcheck", healthcheck)?,
            image: fields.text("image")?,
            init: fields.map_to("init", boolean)?,
            ipc: fields.text("ipc")?,
            isolation: fields.text("isolation")?,
            labels: fields.map_to("labels", pairs)?.unwrap_or_default(),
            links: fields.texts("links")?,
            logging: fields.map_to("logging", logging)?,
            mac_address: fields.text("mac_address")?,
            network_mode: fields.text("network_mode")?,
            networks: fields.map_to("networks", networks)?.unwrap_or_default(),
            pid: fields.text("pid")?,
            ports: fields.map_to("ports", |node| self.ports(node))?,
            privileged: fields.boolean("privileged")?,
            read_only: fields.boolean("read_only")?,
            restart: fields.text("restart")?,
            secrets: fields.map_to("secrets", file_refs)?,
            security_opt: fields.texts("security_opt")?,
            shm_size: fields.text("shm_size")?,
            stdin_open: fields.boolean("stdin_open")?,
            stop_grace_period: fields.duration("stop_grace_period")?,
            stop_signal: fields.text("stop_signal")?,
            sysctls: fields.map_to("sysctls", pairs)?.unwrap_or_default(),
            tmpfs: fields.text_or_texts("tmpfs")?.unwrap_or_default(),
            tty: fields.boolean("tty")?,
            ulimits: fields.map_to("ulimits", ulimits)?.unwrap_or_default(),
            user: fields.text("user")?,
            userns_mode: fields.text("userns_mode")?,
            volumes: fields.map_to("volumes", |node| self.mounts(node))?,
            working_dir: fields.text("working_dir")?,
            extras: extras(Some(fields.map())),
        };
        if let Some(node) = fields.get("environment") {
            self.note_environment(&service.name, node);
        }
        self.environment(&mut service)?;
        for mount in service.volumes.iter_mut().flatten().filter(|mount| mount.kind == "bind") {
            if mount.source.is_empty() {
                return Err(Fault::at(
                    mount.mark,
                    "invalid mount config for type \"bind\": field Source must not be empty",
                ));
            }
            mount.source = self.env.bind_source(&mount.source);
        }
        Ok(service)
    }

    /// The environment files, then the environment. An empty value takes the caller's variable.
    fn environment(&mut self, service: &mut Service) -> Result<(), Fault> {
        let own = std::mem::take(&mut service.environment);
        let mut files = Vec::new();
        for file in &service.env_file {
            let lines = self
                .env
                .env_file(file)
                .map_err(|message| Fault::at(service.mark_of("env_file"), message))?;
            files.extend(lines);
        }
        // Of several lines in the files, the last one counts; then the caller's variables apply.
        let files: BTreeMap<String, Option<String>> = files.into_iter().collect();
        for (key, value) in files.into_iter().chain(own) {
            let empty = value.as_ref().is_none_or(String::is_empty);
            let value = match self.env.variables.get(&key) {
                Some(variable) if empty => Some(variable.clone()),
                _ => value,
            };
            service.environment.insert(key, value);
        }
        Ok(())
    }

    /// Warns about values that are not what the file seems to say.
    fn note_environment(&mut self, service: &str, node: &Node) {
        let mut look = |mark, key: &str, value: Option<&str>| {
            let path = format!("services.{service}.environment.{key}");
            match (value, self.env.variables.get(key)) {
                (None, None) => self.warnings.push_with(
                    mark,
                    format!(
                        "{path}: the variable {key} is not set, so the container does not get it"
                    ),
                    "set it where you deploy, or give it a value here",
                ),
                (Some(""), Some(set)) if !set.is_empty() => self.warnings.push_with(
                    mark,
                    format!(
                        "{path} is empty, so docker takes the value of your own variable {key}"
                    ),
                    "unset the variable where you deploy if it is to stay empty",
                ),
                _ => {}
            }
        };
        match &node.value {
            Value::Map(map) => {
                for Entry { key, mark, node } in &map.entries {
                    match &node.value {
                        Value::Null => look(*mark, key, None),
                        Value::Text(text) => look(*mark, key, Some(text)),
                        _ => {}
                    }
                }
            }
            Value::List(items) => {
                for item in items {
                    let Value::Text(text) = &item.value else { continue };
                    match text.split_once('=') {
                        Some((key, value)) => look(item.mark, key, Some(value)),
                        None => look(item.mark, text, None),
                    }
                }
            }
            _ => {}
        }
    }

    fn ports(&mut self, node: &Node) -> Result<Vec<Port>, Fault> {
        let Value::List(items) = &node.value else { return Err(wrong(node, "port")) };
        let mut ports = Vec::new();
        for item in items {
            match &item.value {
                Value::Int(n) => self.short_port(item, &n.to_string(), &mut ports)?,
                Value::Text(text) => self.short_port(item, text, &mut ports)?,
                Value::Map(_) => ports.push(long_port(item)?),
                _ => return Err(wrong(item, "port")),
            }
        }
        Ok(ports)
    }

    fn short_port(&mut self, node: &Node, text: &str, ports: &mut Vec<Port>) -> Result<(), Fault> {
        let spec =
            short_forms::parse_port(text).map_err(|message| Fault::at(node.mark, message))?;
        self.ports += spec.count();
        if self.ports > MOST_PORTS {
            return Err(Fault::at(node.mark, "the stack publishes too many ports"));
        }
        if let Some(ip) = spec.ip.filter(|ip| !ip.is_unspecified()) {
            self.warnings.push(
                node.mark,
                format!(
                    "ignoring IP-address ({ip}) of port {text}: service will listen on '0.0.0.0'"
                ),
            );
        }
        ports.extend(spec.expand().into_iter().map(|(published, target)| Port {
            mode: "ingress".to_owned(),
            target: u32::from(target),
            published: u32::from(published),
            protocol: spec.protocol.clone(),
        }));
        Ok(())
    }

    fn mounts(&mut self, node: &Node) -> Result<Vec<Mount>, Fault> {
        let Value::List(items) = &node.value else { return Err(wrong(node, "list")) };
        items
            .iter()
            .map(|item| {
                let mut mount = match &item.value {
                    Value::Text(text) => {
                        if short_forms::takes_letter_for_drive(text) {
                            self.warnings.push(
                                item.mark,
                                format!("docker reads the single letter in {text:?} as a Windows drive, so this is an anonymous volume or a bind mount"),
                            );
                        }
                        short_forms::parse_mount(text)
                            .map_err(|message| Fault::at(item.mark, message))?
                    }
                    _ => long_mount(item)?,
                };
                mount.mark = item.mark;
                Ok(mount)
            })
            .collect()
    }
}

fn shown_list(node: &Node) -> Result<Vec<String>, Fault> {
    match &node.value {
        Value::List(items) => items.iter().map(shown).collect(),
        _ => text_list(node),
    }
}

fn long_port(node: &Node) -> Result<Port, Fault> {
    let fields = Fields::of(node)?;
    let number = |key| fields.map_to(key, low_32_bits);
    Ok(Port {
        mode: fields.text("mode")?,
        target: number("target")?.unwrap_or_default(),
        published: number("published")?.unwrap_or_default(),
        protocol: fields.text("protocol")?,
    })
}

fn long_mount(node: &Node) -> Result<Mount, Fault> {
    let fields = Fields::of(node)?;
    Ok(Mount {
        kind: fields.text("type")?,
        source: fields.text("source")?,
        target: fields.text("target")?,
        read_only: fields.boolean("read_only")?,
        consistency: fields.text("consistency")?,
        propagation: fields.map_to("bind", |node| Fields::of(node)?.text("propagation"))?,
        volume: fields.map_to("volume", |node| {
            let fields = Fields::of(node)?;
            Ok(VolumeOptions {
                nocopy: fields.boolean("nocopy")?,
                subpath: fields.text("subpath")?,
            })
        })?,
        tmpfs: fields.map_to("tmpfs", |node| Fields::of(node)?.signed("size"))?,
        mark: node.mark,
    })
}

/// `build`; a string is the context.
fn build(node: &Node) -> Result<Build, Fault> {
    if let Value::Text(context) = &node.value {
        return Ok(Build { context: context.to_string(), ..Build::default() });
    }
    let fields = Fields::of(node)?;
    Ok(Build {
        context: fields.text("context")?,
        dockerfile: fields.text("dockerfile")?,
        args: fields.map_to("args", maybe_pairs)?.unwrap_or_default(),
        labels: fields.map_to("labels", pairs)?.unwrap_or_default(),
        cache_from: fields.text_or_texts("cache_from")?.unwrap_or_default(),
        extra_hosts: fields.map_to("extra_hosts", hosts)?.unwrap_or_default(),
        network: fields.text("network")?,
        target: fields.text("target")?,
    })
}

/// `credential_spec`.
fn credential_spec(node: &Node) -> Result<CredentialSpec, Fault> {
    let fields = Fields::of(node)?;
    Ok(CredentialSpec {
        config: fields.text("config")?,
        file: fields.text("file")?,
        registry: fields.text("registry")?,
    })
}

/// `secrets` and `configs`; a string is the source.
fn file_refs(node: &Node) -> Result<Vec<FileRef>, Fault> {
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
                mode: fields.map_to("mode", low_32_bits)?,
                mark,
            })
        })
        .collect()
}

/// `healthcheck`; a string as `test` is a shell command.
fn healthcheck(node: &Node) -> Result<Healthcheck, Fault> {
    let fields = Fields::of(node)?;
    let test = fields.map_to("test", |node| match &node.value {
        Value::Text(command) => Ok(vec!["CMD-SHELL".to_owned(), command.to_string()]),
        _ => text_list(node),
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
fn logging(node: &Node) -> Result<Logging, Fault> {
    let fields = Fields::of(node)?;
    Ok(Logging { driver: fields.text("driver")?, options: fields.map_to("options", options)? })
}

/// `networks`: a list of names, or a mapping whose values may be null.
fn networks(node: &Node) -> Result<BTreeMap<String, Option<ServiceNetwork>>, Fault> {
    match &node.value {
        Value::List(_) => Ok(text_list(node)?.into_iter().map(|name| (name, None)).collect()),
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
        _ => Err(wrong(node, "networks")),
    }
}

fn service_network(node: &Node) -> Result<ServiceNetwork, Fault> {
    let fields = Fields::of(node)?;
    Ok(ServiceNetwork {
        aliases: fields.texts("aliases")?,
        driver_opts: fields.map_to("driver_opts", options)?,
        ipv4_address: fields.text("ipv4_address")?,
        ipv6_address: fields.text("ipv6_address")?,
    })
}

/// `ulimits`. The client crashes if a number has a fraction, even `.0`.
fn ulimits(node: &Node) -> Result<BTreeMap<String, Ulimit>, Fault> {
    let whole = |node: &Node| match node.value {
        Value::Int(n) => Ok(n),
        _ => Err(wrong(node, "int")),
    };
    let Some(map) = node.as_map() else { return Err(wrong(node, "ulimits")) };
    map.entries
        .iter()
        .map(|entry| {
            let ulimit = match &entry.node.value {
                Value::Map(limits) => {
                    let limit = |key: &str| {
                        limits.get(key).map_or_else(|| Err(wrong(&entry.node, "int")), whole)
                    };
                    Ulimit { single: 0, soft: limit("soft")?, hard: limit("hard")? }
                }
                _ => Ulimit { single: whole(&entry.node)?, ..Ulimit::default() },
            };
            Ok((entry.key.to_string(), ulimit))
        })
        .collect()
}
