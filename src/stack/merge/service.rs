//! Services.

use super::deploy::{self, both};
use super::fields::{filled, flag, list, maybe_list, maybe_texts, text, texts};
use super::service_parts as parts;
use crate::stack::model::Service;
use crate::stack::warning::Warnings;

/// Merges a service of a later file into the one of the same name.
pub(super) fn merge(base: &mut Service, later: Service, warnings: &mut Warnings) {
    parts::warn(base, &later, warnings);
    parts::build(&mut base.build, later.build);
    list(&mut base.cap_add, later.cap_add);
    list(&mut base.cap_drop, later.cap_drop);
    text(&mut base.cgroupns_mode, later.cgroupns_mode);
    text(&mut base.cgroup_parent, later.cgroup_parent);
    parts::command(&mut base.command, later.command);
    parts::keyed(&mut base.configs, later.configs, |item| item.source.clone());
    text(&mut base.container_name, later.container_name);
    text(&mut base.credential_spec.config, later.credential_spec.config);
    text(&mut base.credential_spec.file, later.credential_spec.file);
    text(&mut base.credential_spec.registry, later.credential_spec.registry);
    list(&mut base.depends_on, later.depends_on);
    deploy::merge(&mut base.deploy, later.deploy);
    list(&mut base.devices, later.devices);
    maybe_list(&mut base.dns, later.dns);
    maybe_list(&mut base.dns_search, later.dns_search);
    text(&mut base.domainname, later.domainname);
    parts::command(&mut base.entrypoint, later.entrypoint);
    maybe_texts(&mut base.environment, later.environment);
    list(&mut base.env_file, later.env_file);
    list(&mut base.expose, later.expose);
    list(&mut base.external_links, later.external_links);
    list(&mut base.extra_hosts, later.extra_hosts);
    text(&mut base.hostname, later.hostname);
    both(&mut base.healthcheck, later.healthcheck, parts::healthcheck);
    text(&mut base.image, later.image);
    filled(&mut base.init, later.init);
    text(&mut base.ipc, later.ipc);
    text(&mut base.isolation, later.isolation);
    texts(&mut base.labels, later.labels);
    list(&mut base.links, later.links);
    both(&mut base.logging, later.logging, parts::logging);
    text(&mut base.mac_address, later.mac_address);
    text(&mut base.network_mode, later.network_mode);
    parts::networks(&mut base.networks, later.networks);
    text(&mut base.pid, later.pid);
    parts::keyed(&mut base.ports, later.ports, |item| item.published);
    flag(&mut base.privileged, later.privileged);
    flag(&mut base.read_only, later.read_only);
    text(&mut base.restart, later.restart);
    parts::keyed(&mut base.secrets, later.secrets, |item| item.source.clone());
    list(&mut base.security_opt, later.security_opt);
    text(&mut base.shm_size, later.shm_size);
    flag(&mut base.stdin_open, later.stdin_open);
    filled(&mut base.stop_grace_period, later.stop_grace_period);
    text(&mut base.stop_signal, later.stop_signal);
    texts(&mut base.sysctls, later.sysctls);
    list(&mut base.tmpfs, later.tmpfs);
    flag(&mut base.tty, later.tty);
    base.ulimits.extend(later.ulimits);
    text(&mut base.user, later.user);
    text(&mut base.userns_mode, later.userns_mode);
    parts::keyed(&mut base.volumes, later.volumes, |item| item.target.clone());
    text(&mut base.working_dir, later.working_dir);
    parts::extras(&mut base.extras, later.extras);
    base.marks.extend(later.marks);
}
