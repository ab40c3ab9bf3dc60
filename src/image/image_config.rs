//! What an image says about how to run it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::healthcheck::Healthcheck;
use crate::{Error, Result};

/// What an image says about how to run it. Everything is optional and ordered, so that the same
/// settings always give the same image id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The command that is always run.
    pub entrypoint: Vec<String>,
    /// Its default arguments.
    pub cmd: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The image's own health check.
    pub healthcheck: Option<Healthcheck>,
    /// Ports it listens on, such as `8000/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// Signal that asks it to stop, such as `SIGTERM`.
    pub stop_signal: Option<String>,
    /// Folder it starts in.
    pub working_dir: Option<String>,
}

impl ImageConfig {
    /// The image's configuration file for one layer of which `diff_id` is the digest.
    pub(super) fn to_json(&self, diff_id: &str) -> Result<Vec<u8>> {
        let mut config = Map::new();
        let mut set = |key: &str, value: Value| {
            let empty = match &value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(items) => items.is_empty(),
                _ => false,
            };
            if !empty {
                config.insert(key.to_owned(), value);
            }
        };
        let env: Vec<_> = self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ports: BTreeMap<_, _> =
            self.exposed_ports.iter().map(|port| (port, json!({}))).collect();
        set("Env", json!(env));
        set("Entrypoint", json!(self.entrypoint));
        set("Cmd", json!(self.cmd));
        set("Labels", json!(self.labels));
        set("Healthcheck", json!(self.healthcheck));
        set("ExposedPorts", json!(ports));
        set("StopSignal", json!(self.stop_signal));
        set("WorkingDir", json!(self.working_dir));
        // A fixed date: the time of the build would give every machine another image id.
        let created = "1970-01-01T00:00:00Z";
        let image = json!({
            "architecture": architecture(),
            "os": "linux",
            "created": created,
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created": created, "created_by": "rollproof" }],
        });
        serde_json::to_vec(&image)
            .map_err(|cause| Error::environment("cannot write an image's config").caused_by(cause))
    }
}

/// This machine's architecture in Go's words, which are the engine's.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        same => same,
    }
}
