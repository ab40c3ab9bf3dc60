//! Options of `docker service update`, by name, as changes to a service's request body.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body_changes::ContentKind;
use super::golang::{nano_cpus, parse_duration, parse_float, ram_in_bytes, split_words};
use super::service_body::ServiceBody;
use super::service_option_names::{POLICY_OPTIONS, unknown};
use crate::wording::nearest;

/// An option of `docker service update`, such as `update-order=start-first`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOption {
    /// Its name without the dashes.
    pub name: String,
    /// Its value.
    pub value: String,
}

const CONTAINER: [&str; 2] = ["TaskTemplate", "ContainerSpec"];

/// As the client spells it. What can hold a secret is not shown.
impl fmt::Display for ServiceOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value } = self;
        match name.as_str() {
            "args" | "entrypoint" => write!(f, "--{name} …"),
            "label-add" | "container-label-add" => {
                let (key, _) = value.split_once('=').unwrap_or((value, ""));
                write!(f, "--{name} {key}=…")
            }
            _ => write!(f, "--{name} {value}"),
        }
    }
}

impl ServiceOption {
    /// Reads an option.
    ///
    /// # Errors
    /// What is wrong with the name or the value.
    pub fn parse(name: &str, value: &str) -> Result<Self, String> {
        let option = Self { name: name.to_owned(), value: value.to_owned() };
        option.edit(&mut ServiceBody::new(json!({})))?;
        Ok(option)
    }

    /// What it sets, if a second option would undo it.
    #[must_use]
    pub fn sets(&self) -> Option<String> {
        let Self { name, value } = self;
        match name.as_str() {
            "label-add" | "container-label-add" => {
                Some(format!("{name} {}", value.split('=').next().unwrap_or_default()))
            }
            name if name.ends_with("-add") || name.ends_with("-rm") => None,
            name => Some(name.to_owned()),
        }
    }

    /// The config or secret that it adds, which must exist.
    #[must_use]
    pub fn adds(&self) -> Option<(ContentKind, &str)> {
        let kind = match self.name.as_str() {
            "config-add" => ContentKind::Config,
            "secret-add" => ContentKind::Secret,
            _ => return None,
        };
        let pairs = self.value.split(',').filter_map(|part| part.split_once('='));
        let mut sources = pairs.filter(|(key, _)| matches!(*key, "source" | "src"));
        Some((kind, sources.next().map_or(self.value.as_str(), |(_, name)| name)))
    }

    /// Applies it to a body.
    pub fn apply(&self, body: &mut ServiceBody) {
        // What cannot be read is refused by `parse`.
        let _ = self.edit(body);
    }

    fn edit(&self, body: &mut ServiceBody) -> Result<(), String> {
        let value = self.value.as_str();
        let mut set = |path: &[&str], key: &str, value: Value| {
            body.object_at(path).insert(key.to_owned(), value);
        };
        let health = ["TaskTemplate", "ContainerSpec", "Healthcheck"];
        let resources = |which| ["TaskTemplate", "Resources", which];
        let restart = ["TaskTemplate", "RestartPolicy"];
        match self.name.as_str() {
            "args" => set(&CONTAINER, "Args", words(value)?),
            "entrypoint" => set(&CONTAINER, "Command", words(value)?),
            "user" => set(&CONTAINER, "User", json!(value)),
            "workdir" => set(&CONTAINER, "Dir", json!(value)),
            "hostname" => set(&CONTAINER, "Hostname", json!(value)),
            "stop-signal" => set(&CONTAINER, "StopSignal", json!(value)),
            "stop-grace-period" => set(&CONTAINER, "StopGracePeriod", time(value)?),
            "init" => set(&CONTAINER, "Init", flag(value)?),
            "read-only" => set(&CONTAINER, "ReadOnly", flag(value)?),
            "health-interval" => set(&health, "Interval", check_time(value)?),
            "health-timeout" => set(&health, "Timeout", check_time(value)?),
            "health-start-interval" => set(&health, "StartInterval", check_time(value)?),
            "health-start-period" => set(&health, "StartPeriod", check_time(value)?),
            "health-retries" => set(&health, "Retries", whole(value)?),
            "no-healthcheck" if value == "true" => {
                set(&CONTAINER, "Healthcheck", json!({"Test": ["NONE"]}));
            }
            "no-healthcheck" => return Err("only no-healthcheck=true changes anything".to_owned()),
            "limit-cpu" => set(&resources("Limits"), "NanoCPUs", cpus(value)?),
            "limit-memory" => set(&resources("Limits"), "MemoryBytes", memory(value)?),
            "reserve-cpu" => set(&resources("Reservations"), "NanoCPUs", cpus(value)?),
            "reserve-memory" => set(&resources("Reservations"), "MemoryBytes", memory(value)?),
            "restart-condition" => {
                set(&restart, "Condition", word(value, &["none", "on-failure", "any"])?);
            }
            "restart-delay" => set(&restart, "Delay", time(value)?),
            "restart-max-attempts" => set(&restart, "MaxAttempts", whole(value)?),
            "restart-window" => set(&restart, "Window", time(value)?),
            "replicas" => set(&["Mode", "Replicated"], "Replicas", whole(value)?),
            "endpoint-mode" => set(&["EndpointSpec"], "Mode", word(value, &["vip", "dnsrr"])?),
            "label-add" => {
                let (key, value) = pair(value)?;
                set(&["Labels"], key, json!(value));
            }
            "container-label-add" => {
                let (key, value) = pair(value)?;
                set(&["TaskTemplate", "ContainerSpec", "Labels"], key, json!(value));
            }
            "label-rm" => drop(body.object_at(&["Labels"]).remove(value)),
            "container-label-rm" => {
                body.object_at(&["TaskTemplate", "ContainerSpec", "Labels"]).remove(value);
            }
            "env-rm" => {
                retain(body, &CONTAINER, "Env", |entry| {
                    entry.as_str().is_none_or(|entry| entry.split('=').next() != Some(value))
                });
            }
            "constraint-add" => body.add_constraint(value),
            "constraint-rm" => {
                let placement = ["TaskTemplate", "Placement"];
                let plain = |text: &str| text.replace(' ', "");
                retain(body, &placement, "Constraints", |entry| {
                    entry.as_str().is_none_or(|entry| plain(entry) != plain(value))
                });
            }
            "config-add" => add_file(body, ContentKind::Config, value)?,
            "secret-add" => add_file(body, ContentKind::Secret, value)?,
            "config-rm" => {
                retain(body, &CONTAINER, "Configs", |entry| entry["ConfigName"] != value);
            }
            "secret-rm" => {
                retain(body, &CONTAINER, "Secrets", |entry| entry["SecretName"] != value);
            }
            name => match name.split_once('-') {
                Some(("update", key)) => policy(body, "UpdateConfig", key, value)?,
                Some(("rollback", key)) => policy(body, "RollbackConfig", key, value)?,
                _ => return Err(unknown(name)),
            },
        }
        Ok(())
    }
}

/// Sets a key of an update or rollback policy. Like the client, an absent policy begins with the
/// engine's defaults: in one that is present, an absent parallelism would mean all at once.
fn policy(body: &mut ServiceBody, block: &str, key: &str, value: &str) -> Result<(), String> {
    let (key, value) = match key {
        "parallelism" => ("Parallelism", whole(value)?),
        "delay" => ("Delay", time(value)?),
        "monitor" => ("Monitor", time(value)?),
        "order" => ("Order", word(value, &["start-first", "stop-first"])?),
        "failure-action" if block == "UpdateConfig" => {
            ("FailureAction", word(value, &["pause", "continue", "rollback"])?)
        }
        "failure-action" => ("FailureAction", word(value, &["pause", "continue"])?),
        "max-failure-ratio" => {
            let ratio = parse_float(value).filter(|ratio| (0.0..=1.0).contains(ratio));
            ("MaxFailureRatio", json!(ratio.ok_or("write a share from 0 to 1, such as 0.25")?))
        }
        key => {
            let which = if block == "UpdateConfig" { "update" } else { "rollback" };
            let name = format!("{which}-{key}");
            if let Some(near) = nearest(&name, POLICY_OPTIONS) {
                return Err(format!("there is no setting `{name}`; did you mean `{near}`?"));
            }
            return Err(format!(
                "there is no setting `{name}`; there are parallelism, delay, monitor, order, \
                 failure-action and max-failure-ratio after `{which}-`"
            ));
        }
    };
    let map = body.object_at(&[block]);
    if map.is_empty() {
        map.insert("Parallelism".to_owned(), json!(1));
    }
    map.insert(key.to_owned(), value);
    Ok(())
}

/// Mounts a config or secret that exists: `NAME` or `source=NAME,target=PATH,uid=,gid=,mode=`. Its id is found when the
/// service is updated.
fn add_file(body: &mut ServiceBody, kind: ContentKind, value: &str) -> Result<(), String> {
    let (mut source, mut file) = (None, Vec::new());
    for part in value.split(',') {
        match part.split_once('=') {
            None if !value.contains(',') => source = Some(part),
            Some(("source" | "src", name)) => source = Some(name),
            Some(("target" | "dst", path)) if !path.is_empty() => file.push(("Name", json!(path))),
            Some(("uid", id)) => file.push(("UID", json!(id))),
            Some(("gid", id)) => file.push(("GID", json!(id))),
            Some(("mode", mode)) => {
                let bits = u32::from_str_radix(mode, 8).ok().filter(|bits| *bits <= 0o7777);
                file.push(("Mode", or_wrong(bits, mode, "a mode, such as 0440")?));
            }
            _ => {
                return Err(
                    "write NAME, or source=NAME,target=PATH with uid=, gid= and mode= if wanted"
                        .to_owned(),
                );
            }
        }
    }
    let name = source.filter(|name| !name.is_empty()).ok_or("name it: source=NAME")?;
    body.add_content(kind, "", name);
    if !file.is_empty() {
        let list = match kind {
            ContentKind::Config => "Configs",
            ContentKind::Secret => "Secrets",
        };
        let list = body.object_at(&CONTAINER).get_mut(list).and_then(Value::as_array_mut);
        if let Some(last) = list.and_then(|list| list.last_mut()) {
            for (key, value) in file {
                last["File"][key] = value;
            }
        }
    }
    Ok(())
}

fn retain(body: &mut ServiceBody, path: &[&str], list: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(Value::Array(items)) = body.object_at(path).get_mut(list) {
        items.retain(keep);
    }
}

fn pair(text: &str) -> Result<(&str, &str), String> {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() { Err("write KEY=VALUE".to_owned()) } else { Ok((key, value)) }
}

fn words(text: &str) -> Result<Value, String> {
    split_words(text).map(|words| json!(words)).map_err(str::to_owned)
}

fn word(text: &str, words: &[&str]) -> Result<Value, String> {
    if words.contains(&text) {
        return Ok(json!(text));
    }
    Err(format!("`{text}` is none of {}", words.join(", ")))
}

/// A value, or what it should be.
fn or_wrong<T: Into<Value>>(value: Option<T>, text: &str, wanted: &str) -> Result<Value, String> {
    value.map(Into::into).ok_or_else(|| format!("`{text}` is not {wanted}"))
}

fn whole(text: &str) -> Result<Value, String> {
    or_wrong(text.parse::<u64>().ok(), text, "a whole number")
}

fn flag(text: &str) -> Result<Value, String> {
    or_wrong(text.parse::<bool>().ok(), text, "true or false")
}

fn time(text: &str) -> Result<Value, String> {
    let nanos = parse_duration(text).filter(|nanos| *nanos >= 0);
    or_wrong(nanos, text, "a length of time, such as 10s")
}

/// The engine takes no health check whose times are shorter, except 0, which means its default.
const SHORTEST_CHECK: i64 = 1_000_000;

fn check_time(text: &str) -> Result<Value, String> {
    let long_enough = |nanos: &i64| *nanos == 0 || *nanos >= SHORTEST_CHECK;
    let nanos = parse_duration(text).filter(long_enough);
    or_wrong(nanos, text, "a length of time from 1ms, such as 10s")
}

fn cpus(text: &str) -> Result<Value, String> {
    let nanos = nano_cpus(text).ok().filter(|nanos| *nanos >= 0);
    or_wrong(nanos, text, "a number of processors, such as 0.5")
}

fn memory(text: &str) -> Result<Value, String> {
    let bytes = ram_in_bytes(text).ok().filter(|bytes| *bytes >= 0);
    or_wrong(bytes, text, "a size in memory, such as 64M")
}

#[cfg(test)]
mod tests {
    use super::super::service_option_names::SERVICE_OPTIONS;
    use super::*;

    fn changed(name: &str, value: &str, body: &Value) -> Value {
        let mut body = ServiceBody::new(body.clone());
        ServiceOption::parse(name, value)
            .unwrap_or_else(|why| panic!("{name}={value}: {why}"))
            .apply(&mut body);
        body.as_value().clone()
    }

    #[test]
    fn an_option_changes_what_it_names_and_nothing_else() {
        let body = json!({"Labels": {"a": "1"}, "Mode": {"Replicated": {"Replicas": 2}},
            "TaskTemplate": {"ContainerSpec": {"Image": "x", "Env": ["A=1", "AB=2"],
                "Configs": [{"ConfigName": "old", "ConfigID": "i"}]},
                "Placement": {"Constraints": ["node.role == manager"]}}});
        let at = |name, value, pointer: &str| {
            let changed = changed(name, value, &body);
            changed.pointer(pointer).cloned().unwrap_or_default()
        };
        let container = "/TaskTemplate/ContainerSpec";
        assert_eq!(at("replicas", "8", "/Mode/Replicated/Replicas"), 8);
        assert_eq!(at("env-rm", "A", &format!("{container}/Env")), json!(["AB=2"]));
        assert_eq!(at("args", "run 'a b'", &format!("{container}/Args")), json!(["run", "a b"]));
        assert_eq!(at("label-rm", "a", "/Labels"), json!({}));
        assert_eq!(at("label-add", "b=c=d", "/Labels"), json!({"a": "1", "b": "c=d"}));
        assert_eq!(at("config-rm", "old", &format!("{container}/Configs")), json!([]));
        let added = at("config-add", "source=new,target=/n", &format!("{container}/Configs/1"));
        assert_eq!((&added["ConfigName"], &added["File"]["Name"]), (&json!("new"), &json!("/n")));
        let added = at("secret-add", "src=s,uid=7,mode=0440", &format!("{container}/Secrets/0"));
        assert_eq!(added["File"], json!({"Name": "s", "UID": "7", "GID": "0", "Mode": 0o440}));
        let placed = "/TaskTemplate/Placement/Constraints";
        assert_eq!(at("constraint-rm", "node.role==manager", placed), json!([]));
        let limits = "/TaskTemplate/Resources/Limits";
        assert_eq!(at("limit-memory", "64M", limits), json!({"MemoryBytes": 64 << 20}));
        assert_eq!(at("limit-cpu", "0.5", limits), json!({"NanoCPUs": 500_000_000}));
        assert_eq!(
            at("stop-grace-period", "1m5s", container)["StopGracePeriod"],
            65_000_000_000_u64
        );
        let policy = json!({"Parallelism": 1, "Order": "start-first"});
        assert_eq!(at("update-order", "start-first", "/UpdateConfig"), policy);
        assert_eq!(at("rollback-monitor", "3s", "/RollbackConfig/Monitor"), 3_000_000_000_u64);
    }

    #[test]
    fn what_docker_would_refuse_is_refused() {
        for (name, value, why) in [
            ("replica", "8", "did you mean `replicas`?"),
            ("--replicas", "8", "did you mean `replicas`?"),
            ("update-ordr", "start-first", "did you mean `update-order`?"),
            ("mount-add", "type=bind", "with --to"),
            ("colour", "red", "there are image, env-add"),
            ("no-healthcheck", "false", "no-healthcheck=true"),
            ("no-healthcheck", "yes", "no-healthcheck=true"),
            ("replicas", "many", "`many` is not a whole number"),
            ("health-interval", "1us", "from 1ms"),
            ("update-order", "first", "none of start-first, stop-first"),
            ("update-speed", "9", "no setting `update-speed`; there are parallelism"),
            ("rollback-failure-action", "rollback", "none of pause, continue"),
            ("update-max-failure-ratio", "2", "from 0 to 1"),
            ("limit-memory", "much", "64M"),
            ("stop-grace-period", "10", "10s"),
            ("config-add", "target=/x", "source=NAME"),
            ("label-add", "=x", "KEY=VALUE"),
            ("config-add", "source=a,mode=rw", "such as 0440"),
            ("secret-add", "source=a,taget=b", "target=PATH"),
            ("read-only", "yes", "true or false"),
        ] {
            let error = ServiceOption::parse(name, value).unwrap_err();
            assert!(error.contains(why), "{name}={value}: {error}");
        }
        for name in POLICY_OPTIONS {
            let error = ServiceOption::parse(name, "\"").unwrap_err();
            assert!(!error.contains("no setting"), "{name} is listed and unknown");
        }
        for name in SERVICE_OPTIONS.iter().filter(|name| !name.ends_with('*')) {
            let error = ServiceOption::parse(name, "\"").err().unwrap_or_default();
            assert!(!error.contains("no setting"), "{name} is listed and unknown");
        }
    }
}
