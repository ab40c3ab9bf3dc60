//! Looks at everything in turn and draws the conclusion.

use std::path::Path;

use super::finding::{Finding, Status};
use super::{engine_checks, example_checks, kernel_checks, lab_checks};

/// The name of the conclusion, which is the last finding.
const CONCLUSION: &str = "updates can be tested";

/// Looks at the engine that would be used, at what a private engine needs, at the kernel and
/// at what the example needs. `state` is the state folder, `host` the engine's address if the
/// user gave one.
pub async fn examine(state: &Path, host: Option<&str>) -> Vec<Finding> {
    let engine = engine_checks::examine(host).await;
    let (lab, lab_possible) = lab_checks::examine(state).await;
    let conclusion = conclude(engine.usable, lab_possible);
    let mut findings = engine.findings;
    findings.extend(lab);
    findings.extend(kernel_checks::examine(engine.usable && !engine.local));
    findings.extend(example_checks::examine(state));
    findings.push(conclusion);
    findings
}

/// Whether the main job can be done at all, on whichever engine.
#[must_use]
pub fn can_run(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.name == CONCLUSION && finding.status != Status::Missing)
}

fn conclude(on_host: bool, on_lab: bool) -> Finding {
    match (on_host, on_lab) {
        (true, true) => {
            Finding::ok(CONCLUSION, "yes, on the engine above, or on a private one: --engine lab")
        }
        (true, false) => Finding::ok(CONCLUSION, "yes, on the engine above"),
        (false, true) => Finding::ok(CONCLUSION, "yes, on a private engine made for the run"),
        (false, false) => Finding::missing(CONCLUSION, "no")
            .costs("there is no engine to test updates on, and none can be made")
            .remedy("mend either the swarm manager or everything for a private engine"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_engine_of_either_sort_is_enough() {
        for (host, lab, possible) in
            [(true, true, true), (true, false, true), (false, true, true), (false, false, false)]
        {
            let findings = [Finding::missing("busybox", "nowhere"), conclude(host, lab)];
            assert_eq!(can_run(&findings), possible, "{host} {lab}");
        }
        assert!(!can_run(&[Finding::ok("root rights", "yes")]));
    }
}
