//! What a user can do about a value or key that is refused.

use super::rule::{Rule, Shape};
use super::service::DEPLOY;
use crate::stack::node::{Mapping, Value};
use crate::wording::nearest;

/// Keys of a service that docker compose reads and stack files do not have.
const COMPOSE_ONLY: &[&str] = &[
    "annotations",
    "attach",
    "blkio_config",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpus",
    "develop",
    "device_cgroup_rules",
    "dns_opt",
    "gpus",
    "group_add",
    "label_file",
    "mem_reservation",
    "mem_swappiness",
    "models",
    "oom_kill_disable",
    "pids_limit",
    "platform",
    "post_start",
    "pre_stop",
    "profiles",
    "provider",
    "pull_policy",
    "runtime",
    "scale",
    "storage_opt",
    "use_api_socket",
    "uts",
];

/// For a key that is not allowed. `since` is the first minor version that has it.
pub(super) fn unknown_key(key: &str, since: Option<u8>, map: &Mapping, shape: &Shape) -> String {
    if let Some(since) = since {
        return format!("`{key}` needs version \"3.{since}\" or no version at all");
    }
    let is_service = shape.keys.iter().any(|(_, name, _)| *name == "deploy");
    if is_service && in_deploy(key) {
        return format!("`{key}` belongs under `deploy`");
    }
    if is_service && COMPOSE_ONLY.contains(&key) {
        return format!("docker compose knows `{key}`, docker stack deploy does not");
    }
    if is_service && key == "name" {
        return "a service is called as its key; `name` is for the whole project in docker compose"
            .to_owned();
    }
    if shape.keys.iter().any(|(_, name, _)| *name == "services") {
        if matches!(key, "name" | "include" | "models") {
            return format!("docker compose knows `{key}`, docker stack deploy does not");
        }
        if shape.keys.iter().all(|(_, name, _)| map.get(name).is_none()) {
            return "services belong under `services`".to_owned();
        }
    }
    let absent = shape.keys.iter().map(|(_, name, _)| *name).filter(|name| map.get(name).is_none());
    nearest(key, absent).map_or_else(String::new, |name| format!("did you mean `{name}`?"))
}

fn in_deploy(key: &str) -> bool {
    const RULE: Rule = DEPLOY;
    let Rule::Either([Rule::Map(deploy), ..]) = RULE else { return false };
    key != "labels" && deploy.keys.iter().any(|(_, name, _)| *name == key)
}

/// For a value of another type than the expected ones.
pub(super) fn wrong_type(value: &Value, expected: &[&str]) -> String {
    let takes = |name: &str| expected.contains(&name);
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Float(_) if takes("string") => {
            "put it in quotes".to_owned()
        }
        Value::Text(text) if takes("boolean") && matches!(&**text, "true" | "false") => {
            format!("write `{text}` without quotes, tag or variable")
        }
        Value::Text(text)
            if (takes("integer") || takes("number")) && text.parse::<f64>().is_ok() =>
        {
            format!("write `{text}` without quotes, tag or variable")
        }
        Value::Null => "it has no value: give it one, or remove the key".to_owned(),
        Value::Map(_) if takes("list") => {
            "write a list: each value on a line after `- `".to_owned()
        }
        Value::List(_) if takes("mapping") => "write `key: value` lines without `- `".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::schema::service::SERVICE;

    fn hint(key: &str) -> String {
        let Rule::Map(shape) = SERVICE else { panic!("a service is a mapping") };
        unknown_key(key, None, &Mapping::default(), shape)
    }

    #[test]
    fn keys() {
        for (key, expected) in [
            ("imagee", "did you mean `image`?"),
            ("enviroment", "did you mean `environment`?"),
            ("Image", "did you mean `image`?"),
            ("healthCheck", "did you mean `healthcheck`?"),
            ("replicas", "`replicas` belongs under `deploy`"),
            ("profiles", "docker compose knows `profiles`, docker stack deploy does not"),
            ("zzz", ""),
        ] {
            assert_eq!(hint(key), expected, "{key}");
        }
    }
}
