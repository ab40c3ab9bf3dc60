//! Changes to a service's request body that only scenarios make.

use serde_json::{Value, json};

use super::ServiceBody;

const CONTAINER: [&str; 2] = ["TaskTemplate", "ContainerSpec"];

/// Which of the two memory settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// What a node must have free.
    Reservation,
    /// What a task may use before it is killed.
    Limit,
}

/// A file's kind that Swarm keeps and mounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentKind {
    /// A config.
    Config,
    /// A secret.
    Secret,
}

impl ContentKind {
    /// The word used in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }
}

impl ServiceBody {
    /// Sets the arguments of the image's entrypoint.
    pub fn set_args(&mut self, args: &[String]) {
        self.object_at(&CONTAINER).insert("Args".into(), json!(args));
    }

    /// Sets the health check's test as the engine takes it, `["CMD", …]` or `["CMD-SHELL", …]`, and
    /// keeps its timings.
    pub fn set_health_test(&mut self, test: &[String]) {
        let check = self.object_at(&["TaskTemplate", "ContainerSpec", "Healthcheck"]);
        check.insert("Test".into(), json!(test));
    }

    /// Sets the number of replicas.
    pub fn set_replicas(&mut self, replicas: u64) {
        self.object_at(&["Mode", "Replicated"]).insert("Replicas".into(), json!(replicas));
    }

    /// Adds a placement constraint, such as `node.role==worker`.
    pub fn add_constraint(&mut self, constraint: &str) {
        let placement = self.object_at(&["TaskTemplate", "Placement"]);
        push(placement.entry("Constraints").or_insert(Value::Null), json!(constraint));
    }

    /// Sets how much memory a task reserves or may use, in bytes.
    pub fn set_memory(&mut self, which: Memory, bytes: u64) {
        let block = match which {
            Memory::Reservation => "Reservations",
            Memory::Limit => "Limits",
        };
        let resources = self.object_at(&["TaskTemplate", "Resources", block]);
        resources.insert("MemoryBytes".into(), json!(bytes));
    }

    /// Mounts a config or secret under its own name: a config in `/`, a secret in `/run/secrets`.
    pub fn add_content(&mut self, kind: ContentKind, id: &str, name: &str) {
        let (list, word, target) = match kind {
            ContentKind::Config => ("Configs", "Config", format!("/{name}")),
            ContentKind::Secret => ("Secrets", "Secret", name.to_owned()),
        };
        let container = self.object_at(&CONTAINER);
        let file = json!({"Name": target, "UID": "0", "GID": "0", "Mode": 0o444});
        push(
            container.entry(list).or_insert(Value::Null),
            json!({"File": file, format!("{word}ID"): id, format!("{word}Name"): name}),
        );
    }
}

/// Adds to a list; the engine sends null for an empty one.
fn push(list: &mut Value, item: Value) {
    match list {
        Value::Array(items) => items.push(item),
        other => *other = Value::Array(vec![item]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_the_engine_are_kept_and_null_ones_are_made() {
        let mut body = ServiceBody::new(json!({"TaskTemplate": {
            "ContainerSpec": {"Image": "a", "Secrets": null},
            "Placement": {"Constraints": ["node.role==manager"]},
        }}));
        body.add_constraint("node.labels.disk==ssd");
        body.add_content(ContentKind::Secret, "id1", "token");
        let template = &body.as_value()["TaskTemplate"];
        assert_eq!(
            template["Placement"]["Constraints"],
            json!(["node.role==manager", "node.labels.disk==ssd"])
        );
        let secret = &template["ContainerSpec"]["Secrets"][0];
        assert_eq!(
            (&secret["SecretID"], &secret["File"]["Name"]),
            (&json!("id1"), &json!("token"))
        );
    }

    #[test]
    fn memory_and_replicas_are_set_where_nothing_was() {
        let mut body = ServiceBody::new(json!({}));
        body.set_memory(Memory::Limit, 64 << 20);
        body.set_replicas(5);
        assert_eq!(body.replicas(), Some(5));
        assert_eq!(body.as_value()["TaskTemplate"]["Resources"]["Limits"]["MemoryBytes"], 64 << 20);
    }
}
