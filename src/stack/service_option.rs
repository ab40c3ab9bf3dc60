//! Options of `docker service update`, by name, as changes to a service's request body.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body_changes::ContentKind;
use super::golang::{nano_cpus, parse_duration, parse_float, ram_in_bytes, split_words};
use super::service_body::ServiceBody;

/// An option of `docker service update`, such as `update-order=start-first`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceOption {
    /// Its name without the dashes.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// The options that there are, as the client spells them.
pub const SERVICE_OPTIONS: [&str; 38] = [
    "args",
    "config-add",
    "config-rm",
    "constraint-add",
    "constraint-rm",
    "container-label-add",
    "container-label-rm",
    "endpoint-mode",
    "entrypoint",
    "env-rm",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
    "hostname",
    "init",
    "label-add",
    "label-rm",
    "limit-cpu",
    "limit-memory",
    "read-only",
    "replicas",
    "reserve-cpu",
    "reserve-memory",
    "restart-condition",
    "restart-delay",
    "restart-max-attempts",
    "restart-window",
    "rollback-*",
    "secret-add",
    "secret-rm",
    "stop-grace-period",
    "stop-signal",
    "update-*",
    "user",
    "workdir",
    "no-healthcheck",
];

const CONTAINER: [&str; 2] = ["TaskTemplate", "ContainerSpec"];

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
            "health-interval" => set(&health, "Interval", time(value)?),
            "health-timeout" => set(&health, "Timeout", time(value)?),
            "health-start-interval" => set(&health, "StartInterval", time(value)?),
            "health-start-period" => set(&health, "StartPeriod", time(value)?),
            "health-retries" => set(&health, "Retries", whole(value)?),
            "no-healthcheck" => {
                flag(value)?;
                set(&CONTAINER, "Healthcheck", json!({"Test": ["NONE"]}));
            }
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
                _ => {
                    let known = SERVICE_OPTIONS.join(", ");
                    return Err(format!(
                        "there is no setting `{name}`; there are image, env-add, health-cmd, {known}"
                    ));
                }
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
            return Err(format!(
                "there is no `{key}`; there are parallelism, delay, monitor, order, \
                 failure-action and max-failure-ratio"
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

/// Mounts a config or secret that exists: `NAME` or `source=NAME,target=PATH`. Its id is found when the
/// service is updated.
fn add_file(body: &mut ServiceBody, kind: ContentKind, value: &str) -> Result<(), String> {
    let (mut source, mut target) = (None, None);
    for part in value.split(',') {
        match part.split_once('=') {
            None if !value.contains(',') => source = Some(part),
            Some(("source" | "src", name)) => source = Some(name),
            Some(("target", path)) => target = Some(path),
            _ => return Err("write NAME, or source=NAME,target=PATH".to_owned()),
        }
    }
    let name = source.filter(|name| !name.is_empty()).ok_or("name it: source=NAME")?;
    body.add_content(kind, "", name);
    if let Some(target) = target {
        let list = match kind {
            ContentKind::Config => "Configs",
            ContentKind::Secret => "Secrets",
        };
        let list = body.object_at(&CONTAINER).get_mut(list).and_then(Value::as_array_mut);
        if let Some(last) = list.and_then(|list| list.last_mut()) {
            last["File"]["Name"] = json!(target);
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

fn whole(text: &str) -> Result<Value, String> {
    text.parse::<u64>().map(|number| json!(number)).map_err(|_| "write a whole number".to_owned())
}

fn flag(text: &str) -> Result<Value, String> {
    text.parse::<bool>().map(|flag| json!(flag)).map_err(|_| "write true or false".to_owned())
}

fn time(text: &str) -> Result<Value, String> {
    let nanos = parse_duration(text).filter(|nanos| *nanos >= 0);
    nanos.map(|nanos| json!(nanos)).ok_or_else(|| "write a length of time, such as 10s".to_owned())
}

fn cpus(text: &str) -> Result<Value, String> {
    let nanos = nano_cpus(text).ok().filter(|nanos| *nanos >= 0);
    nanos
        .map(|nanos| json!(nanos))
        .ok_or_else(|| "write a number of processors, such as 0.5".to_owned())
}

fn memory(text: &str) -> Result<Value, String> {
    let bytes = ram_in_bytes(text).ok().filter(|bytes| *bytes >= 0);
    bytes.map(|bytes| json!(bytes)).ok_or_else(|| "write a size in memory, such as 64M".to_owned())
}

#[cfg(test)]
mod tests {
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
            ("replica", "8", "no setting `replica`"),
            ("replicas", "many", "whole number"),
            ("update-order", "first", "none of start-first, stop-first"),
            ("update-speed", "9", "no `speed`"),
            ("rollback-failure-action", "rollback", "none of pause, continue"),
            ("update-max-failure-ratio", "2", "from 0 to 1"),
            ("limit-memory", "much", "64M"),
            ("stop-grace-period", "10", "10s"),
            ("config-add", "target=/x", "source=NAME"),
            ("label-add", "=x", "KEY=VALUE"),
            ("read-only", "yes", "true or false"),
        ] {
            let error = ServiceOption::parse(name, value).unwrap_err();
            assert!(error.contains(why), "{name}={value}: {error}");
        }
        for name in SERVICE_OPTIONS.iter().filter(|name| !name.ends_with('*')) {
            let error = ServiceOption::parse(name, "\"").err().unwrap_or_default();
            assert!(!error.contains("no setting"), "{name} is listed and unknown");
        }
    }
}
