//! SRU003: the health check runs what the image lacks.

use super::prelude::*;
use crate::lint::tools::tools_of;

pub(super) static RULE: Rule = Rule {
    number: "SRU003",
    name: "check-tool-missing",
    severity: Severity::Error,
    title: "the image lacks the program that the health check runs",
    why: "A check whose program is missing fails every time, so no task ever becomes healthy: each update \
          is rolled back, or paused.",
    page: "\
Error with `--image-facts`, if the engine has the image and finds neither the program that the test calls
first, nor, for a test in a shell, `/bin/sh`. Programs are looked for along the PATH of the image. Without
`--image-facts`, and for images that the engine lacks, nothing is looked at.

Sources: moby daemon/health.go; images without a shell or curl are common.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let Some(facts) = s.image() else { return Vec::new() };
    let missing = tools_of(s.body).into_iter().find(|tool| facts.lacks.contains(tool));
    let Some(tool) = missing else { return Vec::new() };
    let message = format!("the health check runs `{tool}`, which the image lacks: it never passes");
    let help = "run a program that the image has, or add this one to the image";
    vec![Draft::new("healthcheck.test", message).help(help)]
}
