//! Where the files set the settings that decide how an update goes.

use std::collections::BTreeMap;

use super::diagnostic::Mark;
use super::golang;
use super::node::{Entry, Mapping, Value};

/// Whether a value of a later file counts as absent when files are merged.
type Absent = fn(&Value) -> bool;

/// The settings by their paths in a service; their names are the paths without the prefix
/// `deploy.`. The functions must agree with `merge`.
const SETTINGS: &[(&str, Absent)] = &[
    ("deploy", never),
    ("deploy.endpoint_mode", empty),
    ("deploy.labels", never),
    ("deploy.mode", empty),
    ("deploy.placement", never),
    ("deploy.placement.max_replicas_per_node", zero),
    ("deploy.replicas", never),
    ("deploy.resources", never),
    ("deploy.restart_policy", never),
    ("deploy.restart_policy.condition", empty),
    ("deploy.restart_policy.max_attempts", never),
    ("deploy.rollback_config", never),
    ("deploy.rollback_config.delay", zero_duration),
    ("deploy.rollback_config.failure_action", empty),
    ("deploy.rollback_config.max_failure_ratio", zero),
    ("deploy.rollback_config.monitor", zero_duration),
    ("deploy.rollback_config.order", empty),
    ("deploy.rollback_config.parallelism", never),
    ("deploy.update_config", never),
    ("deploy.update_config.delay", zero_duration),
    ("deploy.update_config.failure_action", empty),
    ("deploy.update_config.max_failure_ratio", zero),
    ("deploy.update_config.monitor", zero_duration),
    ("deploy.update_config.order", empty),
    ("deploy.update_config.parallelism", never),
    ("healthcheck", never),
    ("healthcheck.disable", off),
    ("healthcheck.interval", zero_duration),
    ("healthcheck.retries", never),
    ("healthcheck.start_interval", zero_duration),
    ("healthcheck.start_period", zero_duration),
    ("healthcheck.test", empty_list),
    ("healthcheck.timeout", zero_duration),
    ("stop_grace_period", zero_duration),
];

/// Where the settings of a service are set, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct SettingMarks(BTreeMap<&'static str, SettingMark>);

#[derive(Debug, Clone, Copy)]
struct SettingMark {
    mark: Mark,
    absent: bool,
}

impl SettingMarks {
    /// Finds the settings of a service in one file.
    pub(crate) fn of(service: &Mapping) -> Self {
        let found = SETTINGS.iter().filter_map(|(path, absent)| {
            let entry = find(service, path)?;
            let name = path.strip_prefix("deploy.").unwrap_or(path);
            Some((name, SettingMark { mark: entry.mark, absent: absent(&entry.node.value) }))
        });
        Self(found.collect())
    }

    /// Adds a later file's marks. A later mark wins where its value wins.
    pub(crate) fn merge(&mut self, later: Self) {
        for (name, setting) in later.0 {
            if !setting.absent || !self.0.contains_key(name) {
                self.0.insert(name, setting);
            }
        }
    }

    /// Where a setting is set.
    pub(crate) fn get(&self, name: &str) -> Option<Mark> {
        self.0.get(name).map(|setting| setting.mark)
    }

    /// Names and marks, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, Mark)> {
        self.0.iter().map(|(name, setting)| (*name, setting.mark))
    }
}

/// The entry at a path of keys, unless its value is null.
fn find<'a>(service: &'a Mapping, path: &str) -> Option<&'a Entry> {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parents = parents.split('.').filter(|parent| !parent.is_empty());
    let map = parents.into_iter().try_fold(service, |map, parent| map.get(parent)?.as_map())?;
    map.entry(key).filter(|entry| !matches!(entry.node.value, Value::Null))
}

fn never(_: &Value) -> bool {
    false
}

fn empty(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.is_empty())
}

fn empty_list(value: &Value) -> bool {
    matches!(value, Value::List(items) if items.is_empty())
}

fn zero_duration(value: &Value) -> bool {
    matches!(value, Value::Text(text) if golang::parse_duration(text) == Some(0))
}

fn zero(value: &Value) -> bool {
    match value {
        Value::Int(number) => *number == 0,
        Value::Float(number) => *number == 0.0,
        _ => false,
    }
}

fn off(value: &Value) -> bool {
    matches!(value, Value::Bool(false))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::stack::{Sources, Stack, load};

    fn stack(texts: &[&str]) -> Stack {
        let folder = tempfile::tempdir().unwrap();
        let names = (0..texts.len()).map(|index| format!("{}.yml", ["a", "b"][index]));
        let sources = Sources {
            files: names.collect(),
            cwd: folder.path().to_path_buf(),
            ..Sources::default()
        };
        for (name, text) in sources.files.iter().zip(texts) {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        load(&sources).unwrap()
    }

    /// `file:line` by setting of the service `app`.
    fn places(texts: &[&str]) -> BTreeMap<String, String> {
        let places = stack(texts).setting_places("app");
        let shown = |(name, place): (String, crate::Place)| {
            (name, format!("{}:{}", place.file.display(), place.line))
        };
        places.into_iter().map(shown).collect()
    }

    fn expect<const N: usize>(entries: [(&str, &str); N]) -> BTreeMap<String, String> {
        entries.map(|(name, place)| (name.to_owned(), place.to_owned())).into()
    }

    const FIRST: &str = "\
services:
  other:
    image: a
    deploy: {replicas: 9}
  app:
    image: a
    stop_grace_period: 5s
    healthcheck:
      test: [CMD, a]
      interval: 1s
      timeout: 2s
      retries: 3
      start_period: 4s
      disable: false
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      update_config:
        parallelism: 1
        delay: 1s
        failure_action: rollback
        monitor: 3s
        max_failure_ratio: 0.1
        order: start-first
      rollback_config: {order: stop-first}
";

    #[test]
    fn every_setting_has_the_place_of_its_key() {
        let expected = expect([
            ("deploy", "a.yml:15"),
            ("endpoint_mode", "a.yml:17"),
            ("healthcheck", "a.yml:8"),
            ("healthcheck.disable", "a.yml:14"),
            ("healthcheck.interval", "a.yml:10"),
            ("healthcheck.retries", "a.yml:12"),
            ("healthcheck.start_period", "a.yml:13"),
            ("healthcheck.test", "a.yml:9"),
            ("healthcheck.timeout", "a.yml:11"),
            ("replicas", "a.yml:16"),
            ("rollback_config", "a.yml:25"),
            ("rollback_config.order", "a.yml:25"),
            ("service", "a.yml:5"),
            ("stop_grace_period", "a.yml:7"),
            ("update_config", "a.yml:18"),
            ("update_config.delay", "a.yml:20"),
            ("update_config.failure_action", "a.yml:21"),
            ("update_config.max_failure_ratio", "a.yml:23"),
            ("update_config.monitor", "a.yml:22"),
            ("update_config.order", "a.yml:24"),
            ("update_config.parallelism", "a.yml:19"),
        ]);
        assert_eq!(places(&[FIRST]), expected);
        let place = stack(&[FIRST]).setting_places("app").remove("rollback_config.order").unwrap();
        assert_eq!(
            (place.column, place.text.as_str()),
            (25, "      rollback_config: {order: stop-first}")
        );
    }

    #[test]
    fn settings_that_are_not_set_have_no_place() {
        assert_eq!(
            places(&["services:\n  app:\n    image: a\n    deploy:\n"]),
            expect([("service", "a.yml:2")])
        );
        assert!(stack(&[FIRST]).setting_places("nope").is_empty());
    }

    #[test]
    fn of_two_files_the_last_one_that_sets_the_key_wins() {
        let second = "\
services:
  app:
    stop_grace_period: 9s
    healthcheck: {retries: 0}
    deploy:
      update_config:
        order: stop-first
";
        let mut expected = places(&[FIRST]);
        for (name, place) in [
            ("deploy", "b.yml:5"),
            ("healthcheck", "b.yml:4"),
            ("healthcheck.retries", "b.yml:4"),
            ("stop_grace_period", "b.yml:3"),
            ("update_config", "b.yml:6"),
            ("update_config.order", "b.yml:7"),
        ] {
            expected.insert(name.to_owned(), place.to_owned());
        }
        assert_eq!(places(&[FIRST, second]), expected);
    }

    #[test]
    fn a_value_that_loses_the_merge_has_no_place() {
        let second = "\
services:
  app:
    stop_grace_period: 0s
    healthcheck: {interval: 0s, disable: false, test: []}
    deploy:
      update_config: {delay: 0s, failure_action: '', monitor: 0s, max_failure_ratio: 0, parallelism: 0}
";
        let mut expected = places(&[FIRST]);
        for (name, place) in [
            ("deploy", "b.yml:5"),
            ("healthcheck", "b.yml:4"),
            ("update_config", "b.yml:6"),
            ("update_config.parallelism", "b.yml:6"),
        ] {
            expected.insert(name.to_owned(), place.to_owned());
        }
        assert_eq!(places(&[FIRST, second]), expected);
        let update = stack(&[FIRST, second]).requests("s").unwrap().services[0].update_policy();
        assert_eq!((update.delay, update.monitor, update.parallelism), (1.0, 3.0, 0));
    }

    #[test]
    fn with_anchors_and_merge_keys_the_place_is_where_the_value_is_written() {
        let text = "\
x-slow: &slow
  delay: 30s
  order: stop-first
x-deploy: &deploy
  replicas: 3
  update_config:
    <<: *slow
    order: start-first
services:
  app:
    image: a
    deploy:
      <<: *deploy
      rollback_config: *slow
";
        assert_eq!(
            places(&[text]),
            expect([
                ("deploy", "a.yml:12"),
                ("replicas", "a.yml:5"),
                ("rollback_config", "a.yml:14"),
                ("rollback_config.delay", "a.yml:2"),
                ("rollback_config.order", "a.yml:3"),
                ("service", "a.yml:10"),
                ("update_config", "a.yml:6"),
                ("update_config.delay", "a.yml:2"),
                ("update_config.order", "a.yml:8"),
            ])
        );
    }
}
