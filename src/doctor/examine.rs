//! Runs all checks and draws the conclusion.

use std::path::Path;
use std::process::{Command, Stdio};

use super::finding::{Finding, Status};
use super::{engine_checks, machine_checks};
use crate::image::{PackageCache, find_app_binary};
use crate::lab::{EngineSource, find_program};

/// The name of the conclusion, which is the last finding.
const CONCLUSION: &str = "updates can be tested";

/// Checks the engine that would be used, what a private engine needs, the kernel, and what the
/// example needs. `state` is the state folder, `host` the engine's address if the user gave one,
/// `source` where a private engine comes from.
pub async fn examine(state: &Path, host: Option<&str>, source: &EngineSource) -> Vec<Finding> {
    let engine = engine_checks::examine(host).await;
    let (lab, lab_possible) = machine_checks::examine_lab(state, source).await;
    let conclusion = conclude(engine.usable, lab_possible);
    let mut findings = engine.findings;
    findings.extend(lab);
    findings.extend(machine_checks::examine_kernel(engine.usable && !engine.local));
    findings.extend(examine_example(state));
    findings.push(conclusion);
    findings
}

/// Whether updates can be tested, on any engine.
#[must_use]
pub fn can_run(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.name == CONCLUSION && finding.status != Status::Missing)
}

fn conclude(on_host: bool, on_lab: bool) -> Finding {
    match (on_host, on_lab) {
        (true, true) => Finding::ok(
            CONCLUSION,
            "yes, on the engine above, or on a private engine with --engine lab",
        ),
        (true, false) => Finding::ok(CONCLUSION, "yes, on the engine above"),
        (false, true) => Finding::ok(CONCLUSION, "yes, on a private engine made for the run"),
        (false, false) => Finding::missing(CONCLUSION, "no")
            .effect("there is no engine to test updates on, and no private one can be started")
            .fix("fix either the swarm manager or everything that a private engine needs"),
    }
}

/// Checks the application and the programs that go into the example's images.
fn examine_example(state: &Path) -> Vec<Finding> {
    vec![app(), program(state, "busybox"), program(state, "caddy")]
}

fn app() -> Finding {
    const NAME: &str = "application";
    match find_app_binary(None) {
        Ok(path) => Finding::ok(NAME, path.display().to_string()),
        Err(error) => Finding::missing(NAME, error.to_string())
            .effect("the example cannot be deployed")
            .fix("run `make build`"),
    }
}

/// Searches the same places in the same order as the build of the images.
fn program(state: &Path, name: &'static str) -> Finding {
    if let Some(root) = PackageCache::new(state.join("cache")).unpacked(name) {
        return Finding::ok(name, format!("unpacked in {}", root.display()));
    }
    if let Some(path) = find_program(name) {
        return Finding::ok(name, path.display().to_string());
    }
    if package_is_known(name) {
        return Finding::ok(name, "available as a package of the distribution");
    }
    Finding::missing(name, "not installed, and not in the package lists")
        .effect("the example's images cannot be built")
        .fix(format!("run `make setup`, install {name}, or run `rollproof build --{name} FILE`"))
}

/// Asks the package manager, without a download.
fn package_is_known(name: &str) -> bool {
    let Some(apt) = find_program("apt-get") else { return false };
    let output = Command::new(apt)
        .args(["download", "--print-uris", "-qq", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    output.is_ok_and(|output| output.status.success() && !output.stdout.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_engine_of_either_kind_is_enough() {
        for (host, lab, possible) in
            [(true, true, true), (true, false, true), (false, true, true), (false, false, false)]
        {
            let findings = [Finding::missing("busybox", "nowhere"), conclude(host, lab)];
            assert_eq!(can_run(&findings), possible, "{host} {lab}");
        }
        assert!(!can_run(&[Finding::ok("root rights", "yes")]));
    }
}
