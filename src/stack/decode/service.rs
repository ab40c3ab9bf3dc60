//! A service.

use super::deploy::deploy;
use super::fields::{Fields, texts};
use super::service_parts::{
    build, credential_spec, file_refs, healthcheck, logging, networks, ulimits,
};
use super::{Decoder, extras, pairs, scalars};
use crate::stack::fault::Fault;
use crate::stack::model::{Mount, Port, Service, VolumeOptions};
use crate::stack::node::{Entry, Node, Value};
use crate::stack::{short_port, short_volume};

impl Decoder<'_> {
    /// A service.
    pub(super) fn service(&mut self, entry: &Entry) -> Result<Service, Fault> {
        let fields = Fields::of(&entry.node)?;
        let mut service = Service {
            name: entry.key.to_string(),
            mark: entry.mark,
            marks: fields.map().entries.iter().map(|e| (e.key.to_string(), e.mark)).collect(),
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
            environment: fields.map_to("environment", pairs::maybe_texts)?.unwrap_or_default(),
            env_file: fields.text_or_texts("env_file")?.unwrap_or_default(),
            expose: fields.map_to("expose", shown_list)?.unwrap_or_default(),
            external_links: fields.texts("external_links")?,
            extra_hosts: fields.map_to("extra_hosts", pairs::hosts)?.unwrap_or_default(),
            hostname: fields.text("hostname")?,
            healthcheck: fields.map_to("healthcheck", healthcheck)?,
            image: fields.text("image")?,
            init: fields.map_to("init", scalars::boolean)?,
            ipc: fields.text("ipc")?,
            isolation: fields.text("isolation")?,
            labels: fields.map_to("labels", pairs::texts)?.unwrap_or_default(),
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
            sysctls: fields.map_to("sysctls", pairs::texts)?.unwrap_or_default(),
            tmpfs: fields.text_or_texts("tmpfs")?.unwrap_or_default(),
            tty: fields.boolean("tty")?,
            ulimits: fields.map_to("ulimits", ulimits)?.unwrap_or_default(),
            user: fields.text("user")?,
            userns_mode: fields.text("userns_mode")?,
            volumes: fields.map_to("volumes", |node| self.mounts(node))?,
            working_dir: fields.text("working_dir")?,
            extras: extras(Some(fields.map())),
        };
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

    /// The environment files, then the environment; what is empty takes the caller's variable.
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
        // Within the files the last line of a key counts, before the caller's variables do.
        let files: std::collections::BTreeMap<String, Option<String>> = files.into_iter().collect();
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

    fn ports(&mut self, node: &Node) -> Result<Vec<Port>, Fault> {
        let Value::List(items) = &node.value else { return Err(scalars::wrong(node, "port")) };
        let mut ports = Vec::new();
        for item in items {
            match &item.value {
                Value::Int(n) => self.short_port(item, &n.to_string(), &mut ports)?,
                Value::Text(text) => self.short_port(item, text, &mut ports)?,
                Value::Map(_) => ports.push(long_port(item)?),
                _ => return Err(scalars::wrong(item, "port")),
            }
        }
        Ok(ports)
    }

    fn short_port(&mut self, node: &Node, text: &str, ports: &mut Vec<Port>) -> Result<(), Fault> {
        let spec = short_port::parse(text).map_err(|message| Fault::at(node.mark, message))?;
        self.ports += spec.count();
        if self.ports > super::MOST_PORTS {
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
        let Value::List(items) = &node.value else { return Err(scalars::wrong(node, "list")) };
        items
            .iter()
            .map(|item| {
                let mut mount = match &item.value {
                    Value::Text(text) => {
                        if short_volume::takes_letter_for_drive(text) {
                            self.warnings.push(
                                item.mark,
                                format!("docker takes the single letter in {text:?} for a Windows drive: this is an anonymous volume or a bind mount"),
                            );
                        }
                        short_volume::parse(text)
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
        Value::List(items) => items.iter().map(scalars::shown).collect(),
        _ => texts(node),
    }
}

fn long_port(node: &Node) -> Result<Port, Fault> {
    let fields = Fields::of(node)?;
    let number = |key| fields.map_to(key, scalars::low_32_bits);
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
