//! `JUnit` XML, which most CI systems show as a table of tests.
//!
//! A `failure` is a broken expectation, an `error` a measurement that cannot be trusted, and
//! `skipped` what the user turned off.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::format::{JudgementFormat, Material};
use super::services::in_one_line;
use super::settings::beside;
use super::style::Style;
use super::summary::what_swarm_did;
use crate::judge::{Advice, Check, Judgement, Pooled, ScenarioJudgement, Verdict};
use crate::record::NegativeControl;
use crate::wording::{clean, clean_lines};

/// A suite for the service, a case for each scenario and each check.
pub const JUNIT: JudgementFormat = JudgementFormat {
    name: "junit",
    about: "JUnit XML: a suite for the service, a case for each scenario and check",
    write,
};

fn write(material: Material, _: Style) -> String {
    let suite = match material {
        Material::One(judgement) => one(judgement),
        Material::Several(pooled) => several(pooled),
    };
    let mut report = Report::new("rollproof");
    report.time = suite.time;
    report.add_test_suite(suite);
    let text = report.to_string().unwrap_or_default();
    // Jenkins' schema (junit-10.xsd) has this attribute at each suite, but not at the root.
    text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1)
}

fn one(judgement: &Judgement) -> TestSuite {
    let service = &judgement.stack.service;
    let mut suite = TestSuite::new(&*clean(service));
    suite.timestamp = judgement.started_at.parse().ok();
    let engine = &judgement.engine;
    for (name, value) in [
        ("verdict", judgement.verdict.as_str()),
        ("headline", &judgement.headline),
        ("run", &judgement.run_id),
        ("rollproof", &judgement.tool_version),
        ("engine", &engine.version),
        ("kernel", &engine.kernel),
    ] {
        suite.add_property(Property::new(name, &*clean(value)));
    }
    let limits = judgement.limits.words();
    if !limits.is_empty() {
        suite.add_property(Property::new("limits", limits.join("; ")));
    }
    if let Some(beside) = beside(judgement) {
        suite.add_property(Property::new("against", &*clean(&beside)));
    }
    for caveat in &judgement.caveats {
        suite.add_property(Property::new("note", &*clean(caveat)));
    }
    suite.add_test_case(whole(judgement));
    let of_run = format!("{service}.run");
    suite.add_test_cases(judgement.checks.iter().map(|check| of_check(&of_run, check)));
    if judgement.self_test_plan == NegativeControl::Off {
        let mut skipped = TestCaseStatus::skipped();
        skipped.set_message("the self-test was skipped (--no-self-test)");
        suite.add_test_case(case(&of_run, "negative-control", skipped));
    }
    let mut time = Duration::ZERO;
    for scenario in &judgement.scenarios {
        time += (scenario.ended_at - scenario.started_at).to_duration();
        suite.add_test_case(of_scenario(service, scenario));
        let of_scenario = format!("{service}.{}", scenario.name);
        suite.add_test_cases(scenario.checks.iter().map(|check| of_check(&of_scenario, check)));
    }
    suite.set_time(time);
    suite
}

fn case(classname: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(&*clean(name), status);
    case.set_classname(&*clean(classname));
    case
}

fn status(verdict: Verdict, kind: &str, message: &str, more: &str) -> TestCaseStatus {
    let mut status = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Inconclusive => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    status.set_message(&*clean(message)).set_type(kind);
    if !more.is_empty() {
        status.set_description(&*clean_lines(more));
    }
    status
}

/// Whether the run reached its end: what ended it early belongs to no scenario.
fn whole(judgement: &Judgement) -> TestCase {
    let verdict = if judgement.whole { Verdict::Pass } else { Verdict::Inconclusive };
    let reason = judgement.because.first().map_or("", String::as_str);
    let more = judgement.because.iter().chain(&judgement.what_to_do);
    let more = more.map(String::as_str).collect::<Vec<_>>().join("\n");
    case(&judgement.stack.service, "whole-run", status(verdict, "whole-run", reason, &more))
}

fn of_scenario(service: &str, scenario: &ScenarioJudgement) -> TestCase {
    let broken = scenario.checks.iter().find(|check| check.verdict == scenario.verdict);
    let because = match (scenario.all_advice().next(), broken) {
        (Some(advice), _) => advice.because.as_str(),
        (None, Some(check)) => check.because.as_str(),
        (None, None) => "",
    };
    let mut more = what_swarm_did(scenario);
    for service in &scenario.services {
        more.push('\n');
        more.push_str(&in_one_line(service));
    }
    for advice in scenario.all_advice() {
        if advice.because != because {
            more.push('\n');
            more.push_str(&advice.because);
        }
        more.push('\n');
        more.push_str(&fix(advice));
    }
    let status = status(scenario.verdict, scenario.verdict.as_str(), because, &more);
    let mut case = case(service, &scenario.name, status);
    case.set_time((scenario.ended_at - scenario.started_at).to_duration());
    case
}

/// What to change, and where.
fn fix(advice: &Advice) -> String {
    let place = advice.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    let fix = match &advice.text {
        Some(text) => format!("fix: {text}{place}"),
        None => format!("fix: in {}{place}:\n{}", advice.target(), advice.lines.join("\n")),
    };
    match advice.page() {
        Some(command) => format!("{fix}\nmore: {command}"),
        None => fix,
    }
}

fn of_check(classname: &str, check: &Check) -> TestCase {
    let mut more = format!("found: {}\nwanted: {}", check.measured, check.limit);
    if let Some(remedy) = &check.remedy {
        let _ = write!(more, "\nfix: {remedy}");
    }
    case(classname, check.name, status(check.verdict, check.name, &check.because, &more))
}

fn several(pooled: &Pooled) -> TestSuite {
    let mut suite = TestSuite::new(&*clean(&pooled.service));
    suite.add_property(Property::new("verdict", pooled.verdict.as_str()));
    suite.add_property(Property::new("headline", &*clean(&pooled.headline)));
    for run in &pooled.per_run {
        let reasons = pooled.because.iter();
        let reasons: Vec<&str> =
            reasons.filter_map(|text| text.strip_prefix(&format!("{}: ", run.run_id))).collect();
        let reason = reasons.first().copied().unwrap_or("see the run's own report");
        let status = status(run.verdict, run.verdict.as_str(), reason, &reasons.join("\n"));
        suite.add_test_case(case(&pooled.service, &run.run_id, status));
    }
    suite
}
