//! Scenario files, in YAML: the catalogue and a user's own.
//!
//! `docs/scenarios.md` describes the keys, `docs/scenario.schema.json` is their schema.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Spanned;

use super::declaration::{APP, expects};
use super::values::{AskPath, Bytes, CauseName, ServiceName, State, StreamName, Times};
use super::{Act, Ask, Declaration, Group};
use crate::deploy::Change;
use crate::record::{Ending, Losses, Must};
use crate::yaml_file::{Time, read_text, refuse, refuse_at};
use crate::{Error, Offset, Result};

const WHAT: &str = "scenario file";
const HINT: &str = "docs/scenarios.md lists the keys, docs/scenario.schema.json is their schema";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKeys {
    scenarios: Vec<ScenarioKeys>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioKeys {
    name: Spanned<String>,
    about: String,
    service: Option<ServiceName>,
    stack: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    others: BTreeMap<ServiceName, BTreeMap<String, Value>>,
    #[serde(default)]
    change: ChangeKeys,
    ask: Option<AskKeys>,
    #[serde(default)]
    streams: Vec<StreamName>,
    again_after: Option<Time>,
    #[serde(default)]
    lose_image: bool,
    watch: Option<Time>,
    must: MustKeys,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ChangeKeys {
    force: bool,
    image: Option<String>,
    env: BTreeMap<String, String>,
    args: Option<Vec<String>>,
    health_cmd: Option<String>,
    health_test: Option<Vec<String>>,
    labels: BTreeMap<String, String>,
    replicas: Option<u64>,
    constraint: Option<String>,
    reserve_memory: Option<Bytes>,
    limit_memory: Option<Bytes>,
    config: Option<String>,
    secret: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AskKeys {
    path: AskPath,
    #[serde(default = "once")]
    times: Times,
    every: Option<Time>,
}

fn once() -> Times {
    Times(1)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MustKeys {
    outcome: Ending,
    #[serde(default)]
    states: Vec<State>,
    lowest: Option<u64>,
    losses: Losses,
    cause: Option<CauseName>,
    replicas: Option<u64>,
    within: Option<Time>,
}

/// Reads the scenarios of a user's file.
///
/// # Errors
/// A file that cannot be read, text that is no YAML, an unknown key or a wrong value, with its place.
pub fn read(path: &Path) -> Result<Vec<Declaration>> {
    let name = path.display().to_string();
    let text = read_text(path).map_err(|error| {
        Error::usage(format!("cannot read the scenario file {name}")).caused_by(error)
    })?;
    parse(&name, &text, Group::Own)
}

/// Reads the scenarios of a file's text, which errors call `name`.
pub(super) fn parse(name: &str, text: &str, group: Group) -> Result<Vec<Declaration>> {
    let keys: FileKeys =
        serde_yaml::from_str(text).map_err(|error| refuse(WHAT, name, text, &error).hint(HINT))?;
    let mut declared: Vec<Declaration> = Vec::new();
    for scenario in keys.scenarios {
        let at = (scenario.name.referenced.line(), scenario.name.referenced.column());
        let mistake = |message: &str| refuse_at(WHAT, name, text, Some(at), message).hint(HINT);
        let declaration = scenario.declaration(group).map_err(|message| mistake(&message))?;
        if declared.iter().any(|other| other.name == declaration.name) {
            return Err(mistake(&format!("there are two scenarios `{}`", declaration.name)));
        }
        declared.push(declaration);
    }
    if declared.is_empty() {
        return Err(refuse_at(WHAT, name, text, Some((1, 1)), "it has no scenario").hint(HINT));
    }
    Ok(declared)
}

impl ScenarioKeys {
    fn declaration(self, group: Group) -> std::result::Result<Declaration, String> {
        let name = self.name.value;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(allowed) || name.starts_with('-') {
            return Err(format!(
                "`{name}` is no name: it may have lower-case letters, digits and `-`"
            ));
        }
        if self.must.cause.is_some() && self.must.losses != Losses::Some {
            return Err("`cause` says why requests are lost: it needs `losses: some`".to_owned());
        }
        if self.must.outcome == Ending::NeverEnds && self.watch.is_none() {
            return Err(
                "an update that never ends needs `watch`, the time to look at it".to_owned()
            );
        }
        let service = self.service.map_or_else(|| APP.to_owned(), |service| service.0);
        if self.others.keys().any(|other| other.0 == service) {
            return Err(format!(
                "`{service}` is the service that is changed: its settings belong into `stack`"
            ));
        }
        let is_usual = service == APP && self.stack.is_none() && self.others.is_empty();
        let services = (!is_usual).then(|| {
            let own = (service.clone(), self.stack.unwrap_or_default());
            let others = self.others.into_iter().map(|(name, keys)| (name.0, keys));
            others.chain([own]).map(|(name, keys)| (name, keys.into_iter().collect::<Value>()))
        });
        let changes = self.change.changes();
        if self.lose_image && changes.is_empty() {
            return Err(
                "`lose_image` needs a `change` that brings another image or other settings"
                    .to_owned(),
            );
        }
        let act = match (self.ask, changes.is_empty()) {
            (Some(_), false) => {
                return Err("a scenario either changes the service or asks it: `change` and `ask` exclude each other".to_owned());
            }
            (Some(_), true) if self.watch.is_none() => {
                return Err("`ask` needs `watch`, the time to look at what follows".to_owned());
            }
            (Some(ask), true) => Act::Ask(ask.ask()),
            (None, true) => Act::Renew,
            (None, false) => Act::Roll(changes),
        };
        let must = Must { watch: self.watch.map(|time| time.0), ..self.must.must() };
        Ok(Declaration {
            name,
            about: self.about,
            group,
            service,
            services: services.map(Iterator::collect),
            act,
            streams: self.streams.into_iter().map(|stream| stream.0).collect(),
            again_after: self.again_after.map(|time| time.0.to_duration()),
            lose_image: self.lose_image,
            watch: self.watch.map(|time| time.0.to_duration()),
            expects: expects(must.outcome),
            must: Some(must),
        })
    }
}

impl ChangeKeys {
    fn changes(self) -> Vec<Change> {
        let mut changes = Vec::new();
        changes.extend(self.image.map(|image| Change::Image { image }));
        changes.extend(self.env.into_iter().map(|(key, value)| Change::Env { key, value }));
        changes.extend(self.args.map(|args| Change::Args { args }));
        changes.extend(self.health_cmd.map(|command| Change::HealthCmd { command }));
        changes.extend(self.health_test.map(|test| Change::HealthTest { test }));
        changes.extend(self.labels.into_iter().map(|(key, value)| Change::Label { key, value }));
        changes.extend(self.replicas.map(|replicas| Change::Replicas { replicas }));
        changes.extend(self.constraint.map(|constraint| Change::Constraint { constraint }));
        changes.extend(self.reserve_memory.map(|Bytes(bytes)| Change::ReserveMemory { bytes }));
        changes.extend(self.limit_memory.map(|Bytes(bytes)| Change::LimitMemory { bytes }));
        changes.extend(self.config.map(|name| Change::Config { id: String::new(), name }));
        changes.extend(self.secret.map(|name| Change::Secret { id: String::new(), name }));
        changes.extend(self.force.then_some(Change::Force));
        changes
    }
}

impl AskKeys {
    fn ask(self) -> Ask {
        let every = self.every.map_or(Offset::from_millis(500), |time| time.0);
        Ask { path: self.path.0, times: self.times.0, every: every.to_duration() }
    }
}

impl MustKeys {
    fn must(self) -> Must {
        Must {
            outcome: self.outcome,
            states: self.states.into_iter().map(|state| state.0).collect(),
            lowest: self.lowest,
            losses: self.losses,
            cause: self.cause.map(|cause| cause.0),
            replicas: self.replicas,
            within: self.within.map(|time| time.0),
            watch: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "scenarios:\n- name: a\n  about: b\n  must: {outcome: completed, losses: none}\n";

    fn mistake(text: &str) -> (String, usize, usize) {
        let error = parse("my.yml", text, Group::Own).unwrap_err();
        let place = error.place().unwrap_or_else(|| panic!("no place: {error}"));
        assert!(!error.hints().is_empty());
        (error.message().to_owned(), place.line, place.column)
    }

    #[test]
    fn a_scenario_without_a_change_replaces_every_task() {
        let declared = parse("my.yml", GOOD, Group::Own).unwrap();
        assert_eq!((declared.len(), &declared[0].act), (1, &Act::Renew));
    }

    #[test]
    fn every_kind_of_mistake_has_its_place() {
        for (from, to, says, line, column) in [
            ("name: a", "nme: a", "nme", 2, 3),
            ("name: a", "name: A b", "no name", 2, 9),
            ("completed", "done", "done", 4, 19),
            ("losses: none", "losses: none, cause: wrong-answer", "needs `losses: some`", 2, 9),
            ("losses: none", "losses: some, cause: bad-luck", "no cause", 4, 51),
            ("losses: none", "losses: none, within: soon", "no length of time", 4, 52),
            ("losses: none", "losses: none, states: [updated]", "no update state", 4, 53),
            ("completed", "never-ends", "needs `watch`", 2, 9),
            ("about: b", "about: b\n  streams: [proxy]", "no stream `proxy`", 4, 13),
            ("about: b", "about: b\n  change: {limit_memory: much}", "no size in memory", 4, 26),
            ("about: b", "about: b\n  ask: {path: die}", "no path", 4, 15),
            ("about: b", "about: b\n  ask: {path: /die}", "needs `watch`", 2, 9),
            ("about: b", "about: b\n  lose_image: true", "needs a `change`", 2, 9),
            ("about: b", "about: b\n  service: a b", "no name of a service", 4, 12),
            ("about: b", "about: b\n  others: {app: {}}", "belong into `stack`", 2, 9),
        ] {
            let (message, at_line, at_column) = mistake(&GOOD.replace(from, to));
            assert!(message.contains(says), "{to}: {message}");
            assert_eq!((at_line, at_column), (line, column), "{to}: {message}");
        }
        assert!(mistake("scenarios: []").0.contains("no scenario"));
        let twice = format!("{GOOD}{}", GOOD.replace("scenarios:\n", ""));
        assert!(mistake(&twice).0.contains("two scenarios `a`"));
    }

    #[test]
    fn sizes_are_read_as_docker_does() {
        for (text, bytes) in [("64M", 64 << 20), ("2G", 2 << 30), ("1024", 1024), ("10kb", 10_240)]
        {
            let keys: ChangeKeys = serde_yaml::from_str(&format!("limit_memory: {text}")).unwrap();
            assert_eq!(keys.limit_memory.unwrap().0, bytes, "{text}");
        }
    }
}
