//! `--behaviour FILE`: how the versions of a service behave, in YAML.
//!
//! `docs/plan.md` describes the keys, `docs/behaviour.schema.json` is their schema.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::setting::Setting;
use crate::swarm::EngineVersion;
use crate::swarm_model::{
    Behaviour, Behaviours, CheckResult, Exception, Exit, HopTimes, Node, SlotOrder, StartResult,
    StopReaction,
};
use crate::yaml_file::{Time, refuse};
use crate::{Offset, Result};

/// What a behaviour file says.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BehaviourFile {
    engine: Option<Engine>,
    nodes: Vec<NodeKeys>,
    seed: u64,
    slot_order: OrderKey,
    old: VersionKeys,
    new: VersionKeys,
    hops: HopKeys,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Engine(EngineVersion);

impl<'de> Deserialize<'de> for Engine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        EngineVersion::parse(&text)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no engine version")))
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum OrderKey {
    #[default]
    Ascending,
    Random,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NodeKeys {
    hostname: String,
    manager: Option<bool>,
    labels: Option<BTreeMap<String, String>>,
    cpus: Option<f64>,
    /// Bytes.
    memory: Option<u64>,
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share(f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(serde::de::Error::custom(format!("`{share}` is no share: it must be from 0 to 1")))
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct VersionKeys {
    boot: Option<Time>,
    pull: Option<Time>,
    start: Option<StartResult>,
    never_healthy: bool,
    sick_after: Option<Time>,
    checks: Vec<CheckKeys>,
    check_time: Option<Time>,
    exit: Option<ExitKeys>,
    stop: Option<StopKeys>,
    exceptions: Vec<ExceptionKeys>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckKeys {
    after: Time,
    result: CheckResult,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExitKeys {
    after: Time,
    #[serde(default = "one")]
    code: i32,
}

fn one() -> i32 {
    1
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StopKeys {
    after: Option<Time>,
    code: i32,
    ignores_signal: bool,
}

/// The keys of a version, for some of its tasks. They stand here again because serde cannot both
/// `flatten` a struct and refuse unknown keys.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ExceptionKeys {
    slots: Vec<u64>,
    share: Option<Share>,
    first_tasks: u64,
    boot: Option<Time>,
    pull: Option<Time>,
    start: Option<StartResult>,
    never_healthy: bool,
    sick_after: Option<Time>,
    checks: Vec<CheckKeys>,
    check_time: Option<Time>,
    exit: Option<ExitKeys>,
    stop: Option<StopKeys>,
}

/// Hop times to replace, each by its name.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HopKeys {
    submit: Option<Time>,
    schedule: Option<Time>,
    deliver: Option<Time>,
    create: Option<Time>,
    start: Option<Time>,
    crowd: Option<Time>,
    check: Option<Time>,
    report: Option<Time>,
    cancel: Option<Time>,
    drain: Option<Time>,
    teardown: Option<Time>,
}

impl BehaviourFile {
    /// Reads the text of a behaviour file, which errors call `name`.
    ///
    /// # Errors
    /// Text that is no YAML, an unknown key or a wrong value, with its place.
    pub fn read(name: &str, text: &str) -> Result<Self> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|error| {
            refuse("behaviour file", name, text, &error)
                .hint("docs/plan.md lists the keys, for example `new: {boot: 3s, sick_after: 10s}`")
        })
    }

    /// Puts what the file says into a setting. What it leaves out stays as it is.
    pub fn apply(&self, setting: &mut Setting) {
        if let Some(Engine(engine)) = self.engine {
            setting.engine = engine;
        }
        if !self.nodes.is_empty() {
            setting.nodes = self.nodes.iter().map(NodeKeys::node).collect();
        }
        setting.seed = self.seed;
        setting.order = match self.slot_order {
            OrderKey::Ascending => SlotOrder::Ascending,
            OrderKey::Random => SlotOrder::Random,
        };
        self.hops.apply(&mut setting.hops);
        let sound = &setting.sound;
        setting.behaviours = Some([self.old.behaviours(sound), self.new.behaviours(sound)]);
    }
}

impl NodeKeys {
    fn node(&self) -> Node {
        Node {
            hostname: self.hostname.clone(),
            manager: self.manager,
            labels: self.labels.clone(),
            cpus: self.cpus,
            memory: self.memory,
        }
    }
}

impl HopKeys {
    fn apply(&self, hops: &mut HopTimes) {
        let pairs = [
            (self.submit, &mut hops.submit),
            (self.schedule, &mut hops.schedule),
            (self.deliver, &mut hops.deliver),
            (self.create, &mut hops.create),
            (self.start, &mut hops.start),
            (self.crowd, &mut hops.crowd),
            (self.check, &mut hops.check),
            (self.report, &mut hops.report),
            (self.cancel, &mut hops.cancel),
            (self.drain, &mut hops.drain),
            (self.teardown, &mut hops.teardown),
        ];
        for (time, hop) in pairs {
            if let Some(Time(time)) = time {
                *hop = time;
            }
        }
    }
}

impl VersionKeys {
    fn behaviours(&self, sound: &Behaviour) -> Behaviours {
        let usual = self.behaviour(sound);
        let exceptions = self.exceptions.iter().map(|keys| keys.exception(&usual)).collect();
        Behaviours { usual, exceptions }
    }

    fn behaviour(&self, like: &Behaviour) -> Behaviour {
        let mut behaviour = like.clone();
        let time = |time: Option<Time>, other: Offset| time.map_or(other, |Time(time)| time);
        behaviour.boot = time(self.boot, like.boot);
        behaviour.pull = time(self.pull, like.pull);
        behaviour.start = self.start.unwrap_or(like.start);
        behaviour.check_time = self.check_time.map(|Time(time)| time).or(like.check_time);
        if self.never_healthy {
            behaviour = behaviour.never_healthy();
        }
        let mut checks: Vec<_> =
            self.checks.iter().map(|check| (check.after.0, check.result)).collect();
        checks.extend(self.sick_after.map(|Time(after)| (after, CheckResult::Fail)));
        if !checks.is_empty() {
            checks.sort_by_key(|(after, _)| *after);
            behaviour.checks = checks;
        }
        if let Some(exit) = &self.exit {
            behaviour.exit = Some(Exit { after: exit.after.0, code: exit.code });
        }
        if let Some(stop) = &self.stop {
            let after = stop.after.map(|Time(after)| after).or(like.stop.time);
            behaviour.stop =
                StopReaction { time: after.filter(|_| !stop.ignores_signal), code: stop.code };
        }
        behaviour
    }
}

impl ExceptionKeys {
    fn exception(&self, usual: &Behaviour) -> Exception {
        let keys = VersionKeys {
            boot: self.boot,
            pull: self.pull,
            start: self.start,
            never_healthy: self.never_healthy,
            sick_after: self.sick_after,
            checks: self.checks.clone(),
            check_time: self.check_time,
            exit: self.exit.clone(),
            stop: self.stop.clone(),
            exceptions: Vec::new(),
        };
        Exception {
            slots: self.slots.clone(),
            share: self.share.map_or(1.0, |Share(share)| share),
            first_tasks: self.first_tasks,
            behaviour: keys.behaviour(usual),
        }
    }
}
