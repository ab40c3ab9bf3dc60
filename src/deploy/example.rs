//! The example stack, which is built into rollproof.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use super::Kernel;
use super::prepare::absolute;
use crate::error::{Error, Result};

const VIP: &str = include_str!("../../stacks/replicated.yml");
const DNSRR: &str = include_str!("../../stacks/replicated-dnsrr.yml");

/// How many replicas the example's service has.
pub const EXAMPLE_REPLICAS: u64 = 6;

/// The example's files, by name.
const FILES: [(&str, &str); 4] = [
    ("replicated.yml", VIP),
    ("replicated-dnsrr.yml", DNSRR),
    ("Caddyfile.vip", include_str!("../../stacks/Caddyfile.vip")),
    ("Caddyfile.dnsrr", include_str!("../../stacks/Caddyfile.dnsrr")),
];

/// Which files to deploy, and why.
pub(super) struct Choice {
    pub(super) files: Vec<String>,
    /// One sentence, if the example was chosen.
    pub(super) reason: Option<String>,
    /// Whether the example replaces a file that the user gave.
    pub(super) replaces_a_file: bool,
}

/// The user's files, or the variant of the example that the kernel can run, unpacked to `folder`.
/// The only file that is ever replaced is the example's own, by its other variant, and only where
/// the kernel needs that.
pub(super) fn choose(folder: &Path, files: &[String], kernel: Kernel) -> Result<Choice> {
    let files = absolute(files)?;
    let is_example = |path: &String| fs::read_to_string(path).is_ok_and(|text| text == VIP);
    let replaces_a_file = files.len() == 1 && !kernel.ipvs && is_example(&files[0]);
    if !files.is_empty() && !replaces_a_file {
        return Ok(Choice { files, reason: None, replaces_a_file });
    }
    let (name, why) = if kernel.ipvs {
        ("replicated.yml", "this kernel supports virtual IPs (IPVS)")
    } else {
        (
            "replicated-dnsrr.yml",
            "this kernel has no IPVS, so the proxy finds the replicas through DNS",
        )
    };
    let folder = folder.join("examples");
    unpack(&folder)?;
    let file = folder.join(name).into_os_string().into_string();
    let file = file.map_err(|_| Error::environment("the state folder's path is not UTF-8"))?;
    let reason = Some(format!("using the example stack {name}: {why}"));
    Ok(Choice { files: vec![file], reason, replaces_a_file })
}

/// What a scenario's stack has in place of the example's settings: fewer replicas, one at a time, and
/// short waits.
const SCENARIO: &str = include_str!("../../stacks/scenario.yml");

/// Writes the stack of a scenario to `folder` and returns its file: the example, with the settings
/// of `stacks/scenario.yml` and then those of `changes`, which has services by their names. A setting that
/// is null is left out.
///
/// # Errors
/// When a file cannot be written.
pub fn scenario_stack(
    folder: &Path,
    kernel: Kernel,
    name: &str,
    changes: Option<&Value>,
) -> Result<String> {
    let folder = folder.join("examples");
    unpack(&folder)?;
    let read = |text: &str| {
        serde_yaml::from_str::<Value>(text).map_err(|error| {
            Error::environment("cannot read the built-in stack").caused_by(error.to_string())
        })
    };
    let mut stack = read(if kernel.ipvs { VIP } else { DNSRR })?;
    merge(&mut stack, &read(SCENARIO)?);
    if let Some(changes) = changes {
        merge(&mut stack["services"], changes);
    }
    let file = folder.join(format!("scenario-{name}.yml"));
    let failed = |error: String| {
        Error::environment(format!("cannot write {}", file.display())).caused_by(error)
    };
    let text = serde_yaml::to_string(&stack).map_err(|error| failed(error.to_string()))?;
    let text = format!("# The stack of the scenario `{name}`, written by `rollproof try`.\n{text}");
    fs::write(&file, text).map_err(|error| failed(error.to_string()))?;
    file.into_os_string()
        .into_string()
        .map_err(|_| Error::environment("the state folder's path is not UTF-8"))
}

/// Puts `changes` into `into`: maps key by key, everything else as a whole.
fn merge(into: &mut Value, changes: &Value) {
    let Value::Object(changes) = changes else {
        into.clone_from(changes);
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(map) = into else { return };
    for (key, change) in changes {
        if change.is_null() {
            map.remove(key);
        } else {
            merge(map.entry(key).or_insert(Value::Null), change);
        }
    }
}

fn unpack(folder: &Path) -> Result<()> {
    let failed = |error| {
        Error::environment(format!("cannot write the example stack to {}", folder.display()))
            .caused_by(error)
    };
    fs::create_dir_all(folder).map_err(failed)?;
    for (name, text) in FILES {
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_are_merged_key_by_key_and_null_leaves_one_out() {
        let mut stack = json!({"deploy": {"replicas": 6, "placement": {"a": 1}}, "ports": [1, 2]});
        merge(&mut stack, &json!({"deploy": {"replicas": 3, "placement": null}, "ports": [3]}));
        assert_eq!(stack, json!({"deploy": {"replicas": 3}, "ports": [3]}));
    }

    #[test]
    fn both_forms_have_the_replicas_that_are_said() {
        let folder = tempfile::tempdir().unwrap();
        for ipvs in [true, false] {
            let files = choose(folder.path(), &[], Kernel { ipvs }).unwrap().files;
            let services =
                super::super::read_stack(&files).unwrap().requests("s").unwrap().services;
            let app = services.iter().find(|body| body.name() == "s_app").unwrap();
            assert_eq!(app.replicas(), Some(EXAMPLE_REPLICAS));
        }
    }

    #[test]
    fn the_stack_of_a_scenario_is_one_that_docker_takes() {
        let folder = tempfile::tempdir().unwrap();
        let off = json!({"test": null, "interval": null, "timeout": null, "retries": null,
            "disable": true});
        let changes = json!({"app": {"healthcheck": off}, "other": {"image": "i"}});
        for ipvs in [true, false] {
            let file = scenario_stack(folder.path(), Kernel { ipvs }, "x", Some(&changes)).unwrap();
            let stack = super::super::read_stack(&[file]).unwrap();
            let services = stack.requests("s").unwrap().services;
            let app = services.iter().find(|body| body.name() == "s_app").unwrap();
            assert_eq!(app.replicas(), Some(3));
            assert!(app.turns_health_check_off());
            assert_eq!(services.len(), 3);
        }
    }
}
