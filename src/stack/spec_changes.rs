//! How one version of a service differs from another, in the words of a stack file.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{STACK_IMAGE_LABEL, STACK_LABEL, ServiceBody};
use crate::swarm::{PublishMode, UpdatePolicy};
use crate::wording::setting;

/// The engine's defaults, which a request may leave out (moby `daemon/cluster/convert`).
const DEFAULTS: [(&str, &str); 2] = [("isolation", "\"default\""), ("stop_grace_period", "10 s")];

/// Settings by name: what is shown of each, and whether it may be shown at all.
type Settings = BTreeMap<String, (String, bool)>;

/// How `after` differs from `before`, one part for each setting, by name: `image app:1 → app:2`. Empty
/// if they are the same service. The engine's own JSON and a request are compared as equals: what the
/// engine fills in is no difference. `network` gives the name of a network's id, or the name itself.
///
/// Values of environment variables, labels, commands and options can be secrets; they are not shown.
#[must_use]
pub fn spec_changes(
    before: &ServiceBody,
    after: &ServiceBody,
    network: &dyn Fn(&str) -> String,
) -> Vec<String> {
    let (mut old, new) = (settings(before, network), settings(after, network));
    // A file names the image without the digest that it was pinned to.
    if !after.image().contains('@')
        && let Some((image, _)) = old.get_mut("image")
    {
        *image = image.split('@').next().unwrap_or_default().to_owned();
    }
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    // The image is what most changes are about.
    names.sort_by_key(|name| name.as_str() != "image");
    names
        .into_iter()
        .filter_map(|name| match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) if old.0 == new.0 => None,
            (Some((old, true)), Some((new, _))) => Some(format!("{name} {old} → {new}")),
            (None, Some((new, true))) => Some(format!("{name} none → {new}")),
            (Some((old, true)), None) => Some(format!("{name} {old} → none")),
            (Some(_), Some(_)) => Some(format!("{name} changed")),
            // Its name says it.
            _ if name.ends_with(" file") => None,
            (None, _) => Some(format!("{name} added")),
            (_, None) => Some(format!("{name} removed")),
        })
        .collect()
}

fn settings(body: &ServiceBody, network: &dyn Fn(&str) -> String) -> Settings {
    let mut found = Settings::new();
    let spec = body.as_value();
    let template = &spec["TaskTemplate"];
    let mut container = template["ContainerSpec"].clone();
    let mut take = |key: &str| container.get_mut(key).map(Value::take).unwrap_or_default();

    found.insert("image".to_owned(), (body.image().to_owned(), true));
    take("Image");
    for entry in items(&take("Env")) {
        let (key, value) = entry.as_str().unwrap_or_default().split_once('=').unwrap_or_default();
        found.insert(format!("environment {key}"), (value.to_owned(), false));
    }
    for (list, name) in [("Configs", "Config"), ("Secrets", "Secret")] {
        let mut names = Vec::new();
        for reference in items(&take(list)) {
            let source = reference[format!("{name}Name")].as_str().unwrap_or_default().to_owned();
            // Where it is mounted, and with which rights.
            let file = (plain(&reference["File"]), false);
            found.insert(format!("{}s {source} file", name.to_lowercase()), file);
            names.push(source);
        }
        names.sort();
        if !names.is_empty() {
            found.insert(list.to_lowercase(), (names.join(", "), true));
        }
    }
    for (labels, name) in [(take("Labels"), "labels"), (spec["Labels"].clone(), "deploy.labels")] {
        for (key, value) in labels.as_object().into_iter().flatten() {
            let ours = [STACK_LABEL, STACK_IMAGE_LABEL].contains(&key.as_str());
            if !ours && !key.starts_with("rollproof.") {
                found.insert(format!("{name} {key}"), (plain(value), false));
            }
        }
    }
    let mut networks: Vec<String> = items(&template["Networks"])
        .map(|attached| {
            let name = network(attached["Target"].as_str().unwrap_or_default());
            let mut aliases: Vec<&str> =
                items(&attached["Aliases"]).filter_map(Value::as_str).collect();
            aliases.sort_unstable();
            format!(
                "{name}{}",
                if aliases.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", aliases.join(", "))
                }
            )
        })
        .collect();
    networks.sort();
    if !networks.is_empty() {
        found.insert("networks".to_owned(), (networks.join(", "), true));
    }
    flatten("", &container, &mut found);
    for (key, name) in [("Resources", "resources"), ("LogDriver", "logging")] {
        flatten(name, &template[key], &mut found);
    }
    let mut placement = template["Placement"].clone();
    // The engine's own finding about the image.
    placement.as_object_mut().map(|placement| placement.remove("Platforms"));
    flatten("placement", &placement, &mut found);
    policies(body, &mut found);
    let mut ports: Vec<String> = body
        .published_ports()
        .iter()
        .map(|port| {
            let published =
                port.published.map_or_else(|| "any".to_owned(), |port| port.to_string());
            let mode = if port.mode == PublishMode::Host { " (host)" } else { "" };
            format!("{published}:{}/{}{mode}", port.target, port.protocol.as_str())
        })
        .collect();
    ports.sort();
    if !ports.is_empty() {
        found.insert("ports".to_owned(), (ports.join(", "), true));
    }
    found.insert("endpoint_mode".to_owned(), (body.endpoint_mode().as_str().to_owned(), true));
    found.retain(|name, (value, _)| !DEFAULTS.contains(&(name.as_str(), value.as_str())));
    found
}

/// The mode and the policies with the engine's defaults filled in.
fn policies(body: &ServiceBody, found: &mut Settings) {
    let mut set = |name: String, value: String| found.insert(name, (value, true));
    let mode = match (body.replicas(), body.as_value()["Mode"].as_object()) {
        (Some(replicas), _) => {
            set("replicas".to_owned(), replicas.to_string());
            "replicated".to_owned()
        }
        (None, mode) => {
            mode.and_then(|mode| mode.keys().next()).map_or_else(String::new, |mode| snake(mode))
        }
    };
    set("mode".to_owned(), mode);
    for (name, policy) in
        [("update_config", body.update_policy()), ("rollback_config", body.rollback_policy())]
    {
        let UpdatePolicy { parallelism, delay, failure_action, monitor, max_failure_ratio, order } =
            policy;
        set(format!("{name}.parallelism"), parallelism.to_string());
        set(format!("{name}.delay"), setting(delay));
        set(format!("{name}.failure_action"), failure_action.to_string());
        set(format!("{name}.monitor"), setting(monitor));
        set(format!("{name}.max_failure_ratio"), max_failure_ratio.to_string());
        set(format!("{name}.order"), order.to_string());
    }
    let restart = body.restart_policy();
    set("restart_policy.condition".to_owned(), restart.condition.as_str().to_owned());
    set("restart_policy.delay".to_owned(), setting(restart.delay));
    set("restart_policy.max_attempts".to_owned(), restart.max_attempts.to_string());
    set("restart_policy.window".to_owned(), setting(restart.window));
}

/// Everything that is set below a key; absent, null, empty and zero are the same.
fn flatten(path: &str, value: &Value, found: &mut Settings) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let name = snake(key);
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(&path, inner, found);
            }
        }
        value if is_empty(value) => {}
        value => {
            let (name, text) = worded(path, value);
            let shown = ["resources.", "placement.", "healthcheck.", "stop_grace_period"]
                .iter()
                .any(|shown| name.starts_with(shown));
            found.insert(name.clone(), (text, shown && name != "healthcheck.test"));
        }
    }
}

/// Settings that are lengths of time, in nanoseconds.
const TIMES: [&str; 5] =
    ["interval", "timeout", "start_period", "start_interval", "stop_grace_period"];

/// A setting's name in a stack file, and its value as it would stand there.
fn worded(path: &str, value: &Value) -> (String, String) {
    let last = path.rsplit('.').next().unwrap_or(path);
    let name = match path {
        "args" => "command".to_owned(),
        "command" => "entrypoint".to_owned(),
        "dir" => "working_dir".to_owned(),
        "mounts" => "volumes".to_owned(),
        "hosts" => "extra_hosts".to_owned(),
        path => path.replace("memory_bytes", "memory").replace("nano_cpus", "cpus"),
    };
    let text = match value.as_f64() {
        Some(nanos) if TIMES.contains(&last) => setting(nanos / 1e9),
        Some(nanos) if last == "nano_cpus" => (nanos / 1e9).to_string(),
        Some(_) if last == "memory_bytes" => memory(value.as_u64().unwrap_or(0)),
        _ => plain(value),
    };
    (name, text)
}

/// Bytes as a stack file has them.
fn memory(bytes: u64) -> String {
    [(30, "G"), (20, "M"), (10, "K")]
        .into_iter()
        .find(|(shift, _)| bytes > 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
    }
}

/// A value without what is empty in it.
fn plain(value: &Value) -> String {
    fn pruned(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(pruned).collect(),
            Value::Object(map) => Value::Object(
                map.iter()
                    .filter(|(_, inner)| !is_empty(inner))
                    .map(|(key, inner)| (key.clone(), pruned(inner)))
                    .collect(),
            ),
            value => value.clone(),
        }
    }
    match pruned(value) {
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        value => value.to_string(),
    }
}

/// `StopGracePeriod` as `stop_grace_period`.
fn snake(key: &str) -> String {
    let mut name = String::new();
    let mut before = false;
    for letter in key.chars() {
        if letter.is_ascii_uppercase() && before {
            name.push('_');
        }
        before = letter.is_ascii_lowercase();
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn changes(before: &Value, after: &Value) -> Vec<String> {
        let network = |id: &str| if id == "n1" { "s_web".to_owned() } else { id.to_owned() };
        spec_changes(&ServiceBody::new(before.clone()), &ServiceBody::new(after.clone()), &network)
    }

    fn running() -> Value {
        json!({"Name": "s_app", "Labels": {"com.docker.stack.image": "a:1", "rollproof.run": "r"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "a:1@sha256:12", "Isolation": "default",
                    "Env": ["TOKEN=hunter2"], "StopGracePeriod": 10_000_000_000_u64,
                    "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1_000_000_000},
                    "Configs": [{"File": {"Name": "/c", "Mode": 292}, "ConfigID": "i",
                        "ConfigName": "c-1"}],
                    "DNSConfig": {}},
                "Resources": {"Limits": {}, "Reservations": {}},
                "Placement": {"Platforms": [{"OS": "linux"}]},
                "RestartPolicy": {"Condition": "any", "Delay": 5_000_000_000_u64, "MaxAttempts": 0},
                "Networks": [{"Target": "n1", "Aliases": ["app"]}], "ForceUpdate": 4,
                "Runtime": "container"},
            "Mode": {"Replicated": {"Replicas": 1}}, "EndpointSpec": {"Mode": "vip"}})
    }

    fn written() -> Value {
        json!({"Name": "s_app", "Labels": {"com.docker.stack.image": "a:1"},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "a:1", "Env": ["TOKEN=hunter2"], "Privileges": null,
                    "Healthcheck": {"Test": ["CMD", "x"], "Interval": 1_000_000_000},
                    "Configs": [{"File": {"Name": "/c", "Mode": 292}, "ConfigID": "",
                        "ConfigName": "c-1"}]},
                "Resources": {}, "Networks": [{"Target": "s_web", "Aliases": ["app"]}]},
            "Mode": {"Replicated": {}}, "EndpointSpec": {}})
    }

    #[test]
    fn what_the_engine_fills_in_is_no_difference() {
        assert_eq!(changes(&running(), &written()), Vec::<String>::new());
        assert_eq!(changes(&written(), &running()), ["image a:1 → a:1@sha256:12"]);
    }

    #[test]
    fn each_difference_is_named_as_in_a_stack_file_and_no_secret_is_shown() {
        let mut after = written();
        let template = &mut after["TaskTemplate"];
        template["ContainerSpec"]["Image"] = json!("a:2");
        template["ContainerSpec"]["Env"] = json!(["TOKEN=hunter3", "B=1"]);
        template["ContainerSpec"]["Args"] = json!(["--password", "hunter4"]);
        template["ContainerSpec"]["Healthcheck"]["Interval"] = json!(2_500_000_000_u64);
        template["ContainerSpec"]["Configs"][0]["ConfigName"] = json!("c-2");
        template["Resources"] =
            json!({"Limits": {"MemoryBytes": 64 << 20, "NanoCPUs": 500_000_000}});
        template["Networks"][0]["Target"] = json!("s_other");
        after["Mode"]["Replicated"]["Replicas"] = json!(3);
        after["UpdateConfig"] = json!({"Parallelism": 0, "Order": "start-first"});
        after["EndpointSpec"] =
            json!({"Ports": [{"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]});
        after["Labels"]["password"] = json!("hunter5");
        let found = changes(&running(), &after);
        assert_eq!(
            found,
            [
                "image a:1 → a:2",
                "command added",
                "configs c-1 → c-2",
                "deploy.labels password added",
                "environment B added",
                "environment TOKEN changed",
                "healthcheck.interval 1 s → 2.5 s",
                "networks s_web (app) → s_other (app)",
                "ports none → 8080:80/tcp (host)",
                "replicas 1 → 3",
                "resources.limits.cpus none → 0.5",
                "resources.limits.memory none → 64M",
                "update_config.order stop-first → start-first",
                "update_config.parallelism 1 → 0",
            ]
        );
        assert!(!found.concat().contains("hunter"));
    }
}
