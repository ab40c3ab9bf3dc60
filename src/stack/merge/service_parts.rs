//! Parts of services whose merging has rules of its own.

use std::collections::{BTreeMap, btree_map};

use super::fields::{filled, flag, given, list, maybe_texts, text, texts};
use crate::stack::model::{Build, Extras, Healthcheck, Logging, Service, ServiceNetwork};
use crate::stack::node::{Node, Value};
use crate::stack::warning::Warnings;

/// A later command replaces, unless it is empty.
pub(super) fn command(base: &mut Vec<String>, later: Vec<String>) {
    if !later.is_empty() {
        *base = later;
    }
}

/// A list whose items have a key: later ones win, sorted by key. The client does this as soon
/// as the first list is there, even if the other is not; so items with the same key in one file
/// collapse too. An absent first list is simply replaced.
pub(super) fn keyed<T, K: Ord>(
    base: &mut Option<Vec<T>>,
    later: Option<Vec<T>>,
    key: impl Fn(&T) -> K,
) {
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
pub(super) fn build(base: &mut Build, later: Build) {
    text(&mut base.context, later.context);
    text(&mut base.dockerfile, later.dockerfile);
    maybe_texts(&mut base.args, later.args);
    texts(&mut base.labels, later.labels);
    list(&mut base.cache_from, later.cache_from);
    list(&mut base.extra_hosts, later.extra_hosts);
    text(&mut base.network, later.network);
    text(&mut base.target, later.target);
}

/// `healthcheck`. The client appends the tests; so the check of two files that both have one is
/// neither of them.
pub(super) fn healthcheck(base: &mut Healthcheck, later: Healthcheck) {
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
pub(super) fn logging(base: &mut Logging, later: Logging) {
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

/// `networks` by name. Of a later attachment to the same network the aliases replace the
/// earlier ones, and driver options are dropped.
pub(super) fn networks(
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

/// `x-*` keys: mappings are merged, lists appended, the rest replaced.
pub(super) fn extras(base: &mut Extras, later: Extras) {
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

/// Warns where the client's merging does what nobody expects.
pub(super) fn warn(base: &Service, later: &Service, warnings: &mut Warnings) {
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
