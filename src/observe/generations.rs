//! Numbers the versions of a service's task template.

use std::collections::HashMap;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Numbers the different task templates of each service from 1, in the order in which they are
/// seen. The API does not say which spec version a task has, but each task has a copy of its
/// template.
#[derive(Debug, Default)]
pub struct Generations {
    known: HashMap<String, Vec<[u8; 32]>>,
}

impl Generations {
    /// The number of a service's task template.
    pub fn number(&mut self, service: &str, template: &Value) -> u32 {
        let hash = fingerprint(template);
        let known = self.known.entry(service.to_owned()).or_default();
        let index = known.iter().position(|other| *other == hash).unwrap_or_else(|| {
            known.push(hash);
            known.len() - 1
        });
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }
}

/// A hash of a task template in which absent, null and empty are the same.
fn fingerprint(value: &Value) -> [u8; 32] {
    let mut plain = value.clone();
    if let Some(template) = plain.as_object_mut() {
        // Engine 20.10.24 adds it to a service's template but not to a task's copy.
        template.remove("Runtime");
        // A task whose node satisfies the new placement is not replaced (swarmkit `IsTaskDirty`),
        // so templates that differ only in placement are one version.
        template.remove("Placement");
    }
    prune(&mut plain);
    Sha256::digest(plain.to_string().as_bytes()).into()
}

fn prune(value: &mut Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => {
            map.retain(|_, inner| !prune(inner));
            map.is_empty()
        }
        Value::Array(items) => {
            for item in items.iter_mut() {
                prune(item);
            }
            items.is_empty()
        }
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_u64() == Some(0),
        Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_numbered_as_they_are_seen() {
        let mut generations = Generations::default();
        let first = json!({"ContainerSpec": {"Image": "a"}, "ForceUpdate": 0});
        let forced = json!({"ContainerSpec": {"Image": "a"}, "ForceUpdate": 1});
        let same = json!({"ContainerSpec": {"Image": "a", "Env": []}, "Networks": null, "Runtime": "container"});
        assert_eq!(generations.number("s", &first), 1);
        assert_eq!(generations.number("s", &forced), 2);
        assert_eq!(generations.number("s", &same), 1);
        let placed =
            json!({"ContainerSpec": {"Image": "a"}, "Placement": {"Platforms": [{"OS": "linux"}]}});
        assert_eq!(generations.number("s", &placed), 1);
        assert_eq!(generations.number("other", &forced), 1);
    }
}
