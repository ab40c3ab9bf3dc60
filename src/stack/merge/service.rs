//! Merges a service of a later file into the one of the same name.

use std::collections::{BTreeMap, btree_map};

use super::{filled, flag, given, list, maybe_list, maybe_texts, number, text, texts};
use crate::stack::model::{
    Build, Deploy, Extras, Healthcheck, Logging, RestartPolicy, Service, ServiceNetwork, Share,
    UpdateConfig,
};
use crate::stack::node::{Node, Value};
use crate::stack::warning::Warnings;

/// Merges a service of a later file into the one of the same name.
pub(super) fn merge(base: &mut Service, later: Service, warnings: &mut Warnings) {
    warn(base, &later, warnings);
    build(&mut base.build, later.build);
    list(&mut base.cap_add, later.cap_add);
    list(&mut base.cap_drop, later.cap_drop);
    text(&mut base.cgroupns_mode, later.cgroupns_mode);
    text(&mut base.cgroup_parent, later.cgroup_parent);
    command(&mut base.command, later.command);
    keyed(&mut base.configs, later.configs, |item| item.source.clone());
    text(&mut base.container_name, later.container_name);
    text(&mut base.credential_spec.config, later.credential_spec.config);
    text(&mut base.credential_spec.file, later.credential_spec.file);
    text(&mut base.credential_spec.registry, later.credential_spec.registry);
    list(&mut base.depends_on, later.depends_on);
    deploy(&mut base.deploy, later.deploy);
    list(&mut base.devices, later.devices);
    maybe_list(&mut base.dns, later.dns);
    maybe_list(&mut base.dns_search, later.dns_search);
    text(&mut base.domainname, later.domainname);
    command(&mut base.entrypoint, later.entrypoint);
    maybe_texts(&mut base.environment, later.environment);
    list(&mut base.env_file, later.env_file);
    list(&mut base.expose, later.expose);
    list(&mut base.external_links, later.external_links);
    list(&mut base.extra_hosts, later.extra_hosts);
    text(&mut base.hostname, later.hostname);
    both(&mut base.healthcheck, later.healthcheck, healthcheck);
    text(&mut base.image, later.image);
    filled(&mut base.init, later.init);
    text(&mut base.ipc, later.ipc);
    text(&mut base.isolation, later.isolation);
    texts(&mut base.labels, later.labels);
    list(&mut base.links, later.links);
    both(&mut base.logging, later.logging, logging);
    text(&mut base.mac_address, later.mac_address);
    text(&mut base.network_mode, later.network_mode);
    networks(&mut base.networks, later.networks);
    text(&mut base.pid, later.pid);
    keyed(&mut base.ports, later.ports, |item| item.published);
    flag(&mut base.privileged, later.privileged);
    flag(&mut base.read_only, later.read_only);
    text(&mut base.restart, later.restart);
    keyed(&mut base.secrets, later.secrets, |item| item.source.clone());
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
    keyed(&mut base.volumes, later.volumes, |item| item.target.clone());
    text(&mut base.working_dir, later.working_dir);
    extras(&mut base.extras, later.extras);
    base.marks.extend(later.marks);
    base.settings.merge(later.settings);
}

/// Merges `deploy` field by field.
fn deploy(base: &mut Deploy, later: Deploy) {
    text(&mut base.mode, later.mode);
    given(&mut base.replicas, later.replicas);
    texts(&mut base.labels, later.labels);
    both(&mut base.update_config, later.update_config, update_config);
    both(&mut base.rollback_config, later.rollback_config, update_config);
    both(&mut base.resources.limits, later.resources.limits, share);
    both(&mut base.resources.reservations, later.resources.reservations, share);
    both(&mut base.restart_policy, later.restart_policy, restart_policy);
    list(&mut base.placement.constraints, later.placement.constraints);
    list(&mut base.placement.preferences, later.placement.preferences);
    number(&mut base.placement.max_replicas, later.placement.max_replicas);
    text(&mut base.endpoint_mode, later.endpoint_mode);
}

/// Merges two values, or takes the later one if there is no earlier one.
fn both<T>(base: &mut Option<T>, later: Option<T>, merge: impl FnOnce(&mut T, T)) {
    match (base.as_mut(), later) {
        (Some(base), Some(later)) => merge(base, later),
        (None, later) => *base = later,
        (Some(_), None) => {}
    }
}

fn update_config(base: &mut UpdateConfig, later: UpdateConfig) {
    given(&mut base.parallelism, later.parallelism);
    number(&mut base.delay, later.delay);
    text(&mut base.failure_action, later.failure_action);
    number(&mut base.monitor, later.monitor);
    number(&mut base.max_failure_ratio, later.max_failure_ratio);
    text(&mut base.order, later.order);
}

fn share(base: &mut Share, later: Share) {
    if !later.cpus.is_empty() {
        base.cpus_mark = later.cpus_mark;
    }
    text(&mut base.cpus, later.cpus);
    number(&mut base.memory, later.memory);
    number(&mut base.pids, later.pids);
    list(&mut base.generic_resources, later.generic_resources);
}

fn restart_policy(base: &mut RestartPolicy, later: RestartPolicy) {
    text(&mut base.condition, later.condition);
    filled(&mut base.delay, later.delay);
    given(&mut base.max_attempts, later.max_attempts);
    filled(&mut base.window, later.window);
}

/// A later command replaces an earlier one, unless it is empty.
fn command(base: &mut Vec<String>, later: Vec<String>) {
    if !later.is_empty() {
        *base = later;
    }
}

/// A list whose items have a key: later items win, and the result is sorted by key. The client does
/// this even if there is only the first list, so items with the same key in one file collapse too.
/// If there is no first list, the second is used as it is.
fn keyed<T, K: Ord>(base: &mut Option<Vec<T>>, later: Option<Vec<T>>, key: impl Fn(&T) -> K) {
    match base.take() {
        None => *base = later.filter(|items| !items.is_empty()),
        Some(items) => {
            let items: BTreeMap<K, T> = items
                .into_iter()
                .chain(later.into_iter().flatten())
                .map(|item| (key(&item), item))
                .collect();
            *base = Some(items.into_values().collect());
        }
    }
}

/// `build`.
fn build(base: &mut Build, later: Build) {
    text(&mut base.context, later.context);
    text(&mut base.dockerfile, later.dockerfile);
    maybe_texts(&mut base.args, later.args);
    texts(&mut base.labels, later.labels);
    list(&mut base.cache_from, later.cache_from);
    list(&mut base.extra_hosts, later.extra_hosts);
    text(&mut base.network, later.network);
    text(&mut base.target, later.target);
}

/// `healthcheck`. The client appends the tests, so two files that both have a test give neither of
/// them.
fn healthcheck(base: &mut Healthcheck, later: Healthcheck) {
    list(&mut base.test, later.test);
    filled(&mut base.timeout, later.timeout);
    filled(&mut base.interval, later.interval);
    given(&mut base.retries, later.retries);
    filled(&mut base.start_period, later.start_period);
    filled(&mut base.start_interval, later.start_interval);
    flag(&mut base.disable, later.disable);
}

/// `logging`. Options are merged when the drivers are the same or one is missing; but the client
/// loses the later options when the earlier file has none.
fn logging(base: &mut Logging, later: Logging) {
    let same = base.driver == later.driver || base.driver.is_empty() || later.driver.is_empty();
    if !same {
        *base = later;
        return;
    }
    if base.driver.is_empty() {
        base.driver = later.driver;
    }
    if let (Some(base), Some(later)) = (&mut base.options, later.options) {
        base.extend(later);
    }
}

/// `networks`, by name. If both files attach to the same network, the later aliases replace the
/// earlier ones and the later driver options are dropped.
fn networks(
    base: &mut BTreeMap<String, Option<ServiceNetwork>>,
    later: BTreeMap<String, Option<ServiceNetwork>>,
) {
    for (name, network) in later {
        match (base.get_mut(&name), network) {
            (Some(Some(base)), Some(later)) => {
                base.aliases = later.aliases;
                text(&mut base.ipv4_address, later.ipv4_address);
                text(&mut base.ipv6_address, later.ipv6_address);
            }
            (Some(Some(_)), None) => {}
            (_, network) => {
                base.insert(name, network);
            }
        }
    }
}

/// `x-*` keys: mappings are merged, lists are appended, the rest is replaced.
fn extras(base: &mut Extras, later: Extras) {
    for (key, node) in later {
        match base.entry(key) {
            btree_map::Entry::Occupied(mut entry) => extra(entry.get_mut(), node),
            btree_map::Entry::Vacant(entry) => {
                entry.insert(node);
            }
        }
    }
}

fn extra(base: &mut Node, later: Node) {
    match (&mut base.value, later.value) {
        (Value::Map(base), Value::Map(later)) => {
            for entry in later.entries {
                match base.entries.iter_mut().find(|old| old.key == entry.key) {
                    Some(old) => extra(&mut old.node, entry.node),
                    None => base.entries.push(entry),
                }
            }
        }
        (Value::List(base), Value::List(later)) => base.extend(later),
        (base, later) => *base = later,
    }
}

/// Warns where the client's merging does something unexpected.
fn warn(base: &Service, later: &Service, warnings: &mut Warnings) {
    let name = &later.name;
    if let (Some(first), Some(second)) = (&base.healthcheck, &later.healthcheck)
        && !first.test.is_empty()
        && !second.test.is_empty()
    {
        warnings.push(
            later.mark_of("healthcheck"),
            format!("services.{name}.healthcheck: docker appends the test to the one of the earlier file instead of replacing it"),
        );
    }
    if let (Some(first), Some(second)) = (&base.logging, &later.logging)
        && first.options.is_none()
        && second.options.as_ref().is_some_and(|options| !options.is_empty())
        && (first.driver == second.driver || first.driver.is_empty() || second.driver.is_empty())
    {
        warnings.push(
            later.mark_of("logging"),
            format!("services.{name}.logging: docker loses these options because the earlier file has none"),
        );
    }
    for (network, second) in &later.networks {
        let first = base.networks.get(network).and_then(Option::as_ref);
        if first.is_some() && second.as_ref().is_some_and(|second| second.driver_opts.is_some()) {
            warnings.push(
                later.mark_of("networks"),
                format!("services.{name}.networks.{network}: docker drops the driver_opts of a later file"),
            );
        }
    }
    if let Some(first) = &base.ports {
        let mut seen = BTreeMap::new();
        for port in first.iter().chain(later.ports.iter().flatten()) {
            if seen
                .insert(port.published, (port.target, port.protocol.as_str()))
                .is_some_and(|old| old != (port.target, port.protocol.as_str()))
            {
                let mark = if later.ports.is_some() {
                    later.mark_of("ports")
                } else {
                    base.mark_of("ports")
                };
                warnings.push(
                    mark,
                    format!("services.{name}.ports: docker keeps only the last of several ports published as {} when files are merged", port.published),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::model::{Port, Texts};

    #[test]
    fn ports_collapse_by_published_port() {
        let port = |published, target| Port { target, published, ..Port::default() };
        let mut base = Some(vec![port(9, 1), port(0, 2), port(0, 3)]);
        keyed(&mut base, None, |port| port.published);
        let targets: Vec<u32> = base.iter().flatten().map(|port| port.target).collect();
        assert_eq!(targets, [3, 1]);
        let mut base = None;
        keyed(&mut base, Some(vec![port(0, 2), port(0, 3)]), |port| port.published);
        assert_eq!(base.map(|ports| ports.len()), Some(2));
    }

    #[test]
    fn logging_options_are_lost_when_the_first_file_has_none() {
        let options = Some(Texts::from([("a".to_owned(), "1".to_owned())]));
        let later = Logging { driver: "d".into(), options: options.clone() };
        let mut base = Logging { driver: "d".into(), options: None };
        logging(&mut base, later.clone());
        assert_eq!(base.options, None);
        let mut base = Logging { driver: String::new(), options: Some(Texts::new()) };
        logging(&mut base, later);
        assert_eq!((base.driver.as_str(), base.options), ("d", options));
    }
}
