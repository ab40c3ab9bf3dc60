//! `--ci github` and the formats for CI systems.

use std::path::Path;

use rollproof::judge::{Judgement, Verdict};
use rollproof::report::{GITHUB, GITLAB, JudgementFormat, Material, Style};
use rollproof::swarm::{FailureAction, UpdateState};
use serde_json::Value;

use crate::judge_advice::{broken_update, places};
use crate::records::{Judged, all_recorded, folder, hostile, recorded};
use crate::workplace::{Workplace, finish};

/// A broken update that Swarm paused, with the places of the settings.
fn paused() -> Judgement {
    broken_update(UpdateState::Paused, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Pause;
        let known =
            [("service", "replicated-dnsrr.yml:3"), ("update_config", "replicated-dnsrr.yml:21")];
        places(story, &known);
    })
}

/// A copy of a recorded run that a command may write into.
pub fn copy(place: &Workplace, name: &str) -> String {
    let to = place.path().join(name);
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(folder(name)).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to.to_str().unwrap().to_owned()
}

#[test]
fn annotations_are_commands_of_one_line_and_not_too_many() {
    for (name, judged) in all_recorded() {
        for judged in [Judged::of(hostile(&judged.run)), judged] {
            let text = judged.write("github");
            for line in text.lines() {
                let known = ["::error ", "::warning ", "::notice "];
                assert!(known.iter().any(|start| line.starts_with(start)), "{line} of {name}");
                assert!(!line.chars().any(char::is_control), "{line}");
            }
            for kind in ["::error ", "::warning "] {
                assert!(text.lines().filter(|line| line.starts_with(kind)).count() <= 10, "{text}");
            }
            let first = text.lines().next().unwrap();
            let expected = match judged.judgement.verdict {
                Verdict::Pass => "::notice ",
                Verdict::Fail => "::error ",
                Verdict::Inconclusive => "::warning ",
            };
            assert!(first.starts_with(expected), "{first} of {name}");
        }
    }
}

#[test]
fn a_finding_stands_at_its_line_of_the_stack_file() {
    let judgement = paused();
    let write =
        |format: JudgementFormat| (format.write)(Material::One(&judgement), Style::default());
    let text = write(GITHUB);
    assert!(text.contains("::error file=stacks/replicated-dnsrr.yml,line=21,title="), "{text}");
    assert!(text.contains("%0Afix: in the service's `deploy` block:%0Aupdate_config:"), "{text}");
    let issues: Value = serde_json::from_str(&write(GITLAB)).unwrap();
    assert_eq!(issues[0]["location"]["path"], "stacks/replicated-dnsrr.yml");
    assert_eq!(issues[0]["location"]["lines"]["begin"], 21);
    assert_eq!(issues[0]["severity"], "critical");
}

#[test]
fn gitlab_gets_what_it_needs_of_each_issue() {
    for (name, judged) in all_recorded() {
        for judged in [Judged::of(hostile(&judged.run)), judged] {
            let issues: Value = serde_json::from_str(&judged.write("gitlab")).unwrap();
            let issues = issues.as_array().unwrap();
            let passed = judged.judgement.verdict == Verdict::Pass;
            assert_eq!(issues.is_empty(), passed, "{name}");
            let mut prints: Vec<&str> =
                issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
            prints.sort_unstable();
            prints.dedup();
            assert_eq!(prints.len(), issues.len(), "two issues of {name} have one fingerprint");
            for issue in issues {
                for field in ["description", "check_name", "severity"] {
                    assert!(!issue[field].as_str().unwrap().is_empty(), "{issue}");
                }
                assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() > 0, "{issue}");
            }
        }
    }
}

#[test]
fn the_summary_is_markdown_in_which_text_stays_text() {
    let plain = recorded("host-port-start-first").write("markdown");
    assert!(
        plain.starts_with("### ❌ FAIL rollproof\\-verify\\_edge")
            || plain.starts_with("### ❌ FAIL rollproof-verify\\_edge"),
        "{plain}"
    );
    assert!(plain.contains("``````yaml\nupdate_config:\n  order: stop-first\n``````"), "{plain}");
    assert!(plain.contains("| requests | sent | failed |"), "{plain}");
    for (name, judged) in all_recorded() {
        let text = Judged::of(hostile(&judged.run)).write("markdown");
        assert!(text.len() < 1024 * 1024);
        for markup in ["<script", "](javascript", "<b>", "`code`"] {
            let raw = text.match_indices(markup).any(|(at, _)| !text[..at].ends_with('\\'));
            assert!(!raw, "{markup} in the summary of {name}: {text}");
        }
        assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
    }
}

#[test]
fn github_is_told_by_its_files_and_the_result_stays_the_result() {
    let place = Workplace::without_engine();
    let run = copy(&place, "new-version-404");
    let (summary, output) = (place.path().join("summary"), place.path().join("output"));
    let mut command = place.command(&["report", &run, "--ci", "github", "--json"]);
    command.env("GITHUB_STEP_SUMMARY", &summary).env("GITHUB_OUTPUT", &output);
    let ended = finish(&mut command).expect(1);
    assert_eq!(ended.json()["verdict"], "fail");
    assert!(
        ended.err.starts_with("::error title=rollproof-verify_web%3A fail::564 of 695"),
        "{}",
        ended.err
    );
    assert!(std::fs::read_to_string(&summary).unwrap().starts_with("### ❌ FAIL"));
    let output = std::fs::read_to_string(&output).unwrap();
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(&lines[..3], ["verdict=fail", "failed=564", "longest-gap=12.793824"], "{output}");
    let report = lines[3].strip_prefix("report=").unwrap();
    assert!(Path::new(report).is_file(), "{report}");
}

#[test]
fn github_is_not_told_what_it_was_told_before() {
    let place = Workplace::without_engine();
    let run = copy(&place, "scaled-down");
    let mut command = place.command(&["report", &run]);
    command.env("GITHUB_ACTIONS", "true");
    let ended = finish(&mut command).expect(0);
    assert!(!ended.err.contains("::"), "{}", ended.err);
}

#[test]
fn a_mistake_in_a_file_stands_at_its_line() {
    let place = Workplace::without_engine();
    place.file("stack.yml", "services:\n  api: {image: 'a:1', depoy: {}}\n");
    place.file("rollproof.yml", "load:\n  raet: 5\n");
    for (args, annotation) in [
        (&["verify", "-c", "stack.yml", "--no-config"][..], "::error file=stack.yml,line=2,col="),
        (&["lint", "-c", "stack.yml"], "::error file=stack.yml,line=2,col="),
        (&["update"], "::error file=rollproof.yml,line=2,col=3,title=rollproof::`load` has no key"),
    ] {
        let on = |args: &[&str], actions: &str| {
            let mut command = place.command(args);
            command.env("GITHUB_ACTIONS", actions);
            finish(&mut command).expect(2).err
        };
        let told = on(args, "true");
        let last = told.lines().last().unwrap();
        assert!(last.starts_with(annotation), "{told}");
        assert!(!on(args, "").contains("::"), "{args:?}");
    }
    let mut command = place.command(&["update", "--ci", "none"]);
    command.env("GITHUB_ACTIONS", "true");
    assert!(!finish(&mut command).expect(2).err.contains("::"));
}

#[test]
fn the_log_under_github_is_folded_and_takes_no_commands() {
    let place = Workplace::without_engine();
    // There is no engine at this address: the command ends after it has begun its log.
    let mut command =
        place.command(&["verify", "--host", "unix:///nowhere.sock", "--engine", "host"]);
    command.env("GITHUB_ACTIONS", "true");
    let ended = finish(&mut command).expect(4);
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines[0], "::group::rollproof verify");
    let token = lines[1].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(token.len(), 32);
    let resumed = lines.iter().position(|line| *line == format!("::{token}::")).unwrap();
    assert_eq!(lines[resumed + 1], "::endgroup::");
}
