//! What the tests of the engine's own updater say (swarmkit `manager/orchestrator/update`, `replicated`,
//! `restart` and `global`, moby `integration-cli`), as plans: each case is a stack file, perhaps the one
//! that runs before it, and a behaviour, all through `plan --format json`.

mod nodes;
mod restarts;
mod updater;

use assert_cmd::Command;
use serde_json::Value;

/// A service of a stack file, and what is known of its versions.
struct Case {
    /// Lines of the service.
    service: &'static str,
    /// Lines of the service that runs before; empty if only its image differs.
    from: &'static str,
    behaviour: &'static str,
}

/// A program that is quick, so that only the rules take time.
const QUICK: &str = "old: {boot: 0s}\nnew: {boot: 0s}\n";

impl Case {
    fn new(service: &'static str, behaviour: &'static str) -> Self {
        Self { service, from: "", behaviour }
    }

    fn from(service: &'static str, from: &'static str) -> Self {
        Self { service, from, behaviour: QUICK }
    }

    /// The predicted update.
    fn plan(&self) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, service: &str, image: &str| {
            let lines =
                service.lines().fold(String::new(), |text, line| format!("{text}    {line}\n"));
            let image = if service.contains("image:") { "" } else { image };
            let text = format!("services:\n  app:\n{image}{lines}");
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("new.yml", self.service, "    image: v:2\n");
        let from = if self.from.is_empty() { self.service } else { self.from };
        write("old.yml", from, "    image: v:1\n");
        std::fs::write(folder.path().join("behaviour.yml"), self.behaviour).unwrap();
        let mut command = Command::cargo_bin("rollproof").unwrap();
        let args = ["plan", "-c", "new.yml", "--from", "old.yml", "--behaviour", "behaviour.yml"];
        let done =
            command.current_dir(folder.path()).args(args).args(["--format", "json"]).assert();
        let out = done.success().get_output().stdout.clone();
        let plan: Value = serde_json::from_slice(&out).unwrap();
        let courses = plan["services"][0]["courses"].as_array().unwrap();
        courses.iter().find(|course| course["name"] == "behaviour").unwrap().clone()
    }
}

fn states(course: &Value) -> Vec<&str> {
    course["states"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect()
}

fn touched(course: &Value) -> usize {
    course["touched_slots"].as_array().unwrap().len()
}

fn at(course: &Value, state: &str) -> f64 {
    let all = course["states"].as_array().unwrap();
    all.iter().find(|one| one["state"] == state).unwrap()["at_s"].as_f64().unwrap()
}

const GOOD: [&str; 2] = ["updating", "completed"];

const ALL_FAIL: &str = "old: {boot: 0s}\nnew: {exit: {after: 50ms}}\n";
