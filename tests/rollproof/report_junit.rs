//! `--format junit`: what CI systems make of it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use rollproof::judge::{Pooled, Verdict};
use rollproof::report::{JUNIT, Material, Style};

use crate::records::{Judged, all_recorded, hostile, recorded};

/// Checks a document against a schema of `tests/schemas` with xmllint, which `make setup` installs.
#[track_caller]
fn valid(xml: &str) {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/junit.xsd");
    let child = Command::new("xmllint")
        .args(["--noout", "--nonet", "--schema", schema, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child =
        child.unwrap_or_else(|error| panic!("xmllint: {error}; `make setup` installs it"));
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
}

fn count(xml: &str, what: &str) -> usize {
    xml.matches(what).count()
}

#[test]
fn every_record_is_valid_and_its_counts_are_right() {
    for (name, judged) in all_recorded() {
        let xml = judged.write("junit");
        valid(&xml);
        let judgement = &judged.judgement;
        let scenarios = || judgement.scenarios.iter();
        let of_scenarios = scenarios().flat_map(|scenario| &scenario.checks);
        let all: Vec<Verdict> = judgement
            .checks
            .iter()
            .chain(of_scenarios)
            .map(|check| check.verdict)
            .chain(scenarios().map(|scenario| scenario.verdict))
            .collect();
        let of = |verdict| all.iter().filter(|one| **one == verdict).count();
        assert_eq!(count(&xml, "<failure"), of(Verdict::Fail), "{name}");
        assert_eq!(count(&xml, "<error"), of(Verdict::Inconclusive), "{name}");
        let failures = format!("failures=\"{}\"", of(Verdict::Fail));
        assert_eq!(count(&xml, &failures), 2, "at the root and at the suite of {name}");
        assert!(of(Verdict::Fail) > 0 || judgement.verdict != Verdict::Fail);
    }
}

#[test]
fn a_failure_says_why_and_what_to_change() {
    let xml = recorded("host-port-start-first").write("junit");
    let (_, case) = xml.split_once("<testcase name=\"update\"").unwrap();
    let (case, _) = case.split_once("</testcase>").unwrap();
    assert!(
        case.contains("<failure message=\"")
            && case.contains("the host port that the old one still has"),
        "{case}"
    );
    assert!(case.contains("update_config:\n  order: stop-first"), "{case}");
    assert!(xml.contains("<skipped message=\"the self-test was skipped"), "{xml}");
}

#[test]
fn a_run_that_was_cut_off_is_an_error_and_no_failure() {
    let mut run = recorded("scaled-down").run;
    run.incomplete = Some("the record was not closed".to_owned());
    let xml = Judged::of(run).write("junit");
    valid(&xml);
    let (_, case) = xml.split_once("<testcase name=\"whole-run\"").unwrap();
    let (case, _) = case.split_once("</testcase>").unwrap();
    assert!(case.contains("<error message=\"the record is not whole"), "{case}");
    assert_eq!(count(&xml, "<failure"), 0);
}

#[test]
fn several_runs_are_a_case_each() {
    let judgements = [recorded("scaled-down").judgement, recorded("new-version-404").judgement];
    let xml = (JUNIT.write)(Material::Several(&Pooled::of(&judgements)), Style::default());
    valid(&xml);
    assert_eq!((count(&xml, "<testcase"), count(&xml, "<failure")), (2, 1), "{xml}");
}

#[test]
fn a_hostile_service_cannot_break_it() {
    for (_, judged) in all_recorded() {
        let xml = Judged::of(hostile(&judged.run)).write("junit");
        valid(&xml);
        assert!(!xml.contains("<script") && xml.contains("&lt;script"), "{xml}");
        assert!(!xml.chars().any(|c| c.is_control() && c != '\n'), "{xml}");
    }
}
