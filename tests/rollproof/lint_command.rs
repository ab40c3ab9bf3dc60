//! `rollproof lint` from outside: the examples, comments that ignore, formats, exit codes.

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

use crate::workplace::Workplace;

fn lint(folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::cargo_bin("rollproof").unwrap();
    let output = command.current_dir(folder).arg("lint").args(args).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes `stack.yml` and lints it.
fn lint_text(stack: &str, args: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.yml"), stack).unwrap();
    lint(folder.path(), &[&["-c", "stack.yml"], args].concat())
}

/// Rule, severity and line of each finding.
fn found(stack: &str) -> Vec<(String, String, u64)> {
    let json: Value = serde_json::from_str(&lint_text(stack, &["--json"]).1).unwrap();
    let entry = |entry: &Value| {
        let text = |key: &str| entry[key].as_str().unwrap().to_owned();
        (text("rule"), text("severity"), entry["line"].as_u64().unwrap())
    };
    json["findings"].as_array().unwrap().iter().map(entry).collect()
}

fn rules(stack: &str) -> Vec<String> {
    found(stack).into_iter().map(|(rule, _, _)| rule).collect()
}

#[test]
fn the_good_examples_have_neither_errors_nor_warnings() {
    for file in ["stacks/replicated.yml", "stacks/replicated-dnsrr.yml"] {
        let (code, out, _) = lint(repository(), &["-c", file, "--fail-on", "warning"]);
        assert_eq!(code, 0, "{out}");
        assert!(out.contains("2 services: 0 errors, 0 warnings, "), "{out}");
        assert!(out.contains("2 ignored"), "{out}");
    }
}

/// What a real run of it showed: README.md.
#[test]
fn the_naive_example_has_what_its_run_showed() {
    let (code, out, _) = lint(repository(), &["-c", "stacks/naive.yml", "--service", "app"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("lint-naive", out);
}

#[test]
fn the_classic_example_has_warnings_only() {
    let classic = ["-c", "stacks/classic.yml", "--service", "app"];
    let (code, out, _) = lint(repository(), &classic);
    assert_eq!(code, 0, "{out}");
    insta::assert_snapshot!("lint-classic", out);
    assert_eq!(lint(repository(), &[&classic[..], &["--fail-on", "warning"]].concat()).0, 1);
}

const LATEST: &str = "services:\n  app:\n    image: nginx\n";

#[test]
fn comments_ignore_findings_of_a_line_and_of_a_block() {
    assert_eq!(found(LATEST), [("SRU050".into(), "warning".into(), 3)]);
    for ignored in [
        "services:\n  app:\n    image: nginx # rollproof: ignore SRU050 a demo\n",
        "services:\n  app:\n    # rollproof: ignore SRU050 a demo\n    image: nginx\n",
        "services:\n  # rollproof: ignore SRU050 a demo\n  app:\n    image: nginx\n",
        "# rollproof: ignore SRU050 a demo\nservices:\n  app:\n    image: nginx\n",
        // What an anchor has belongs to the service that uses it, and to the anchor.
        "x-a: &x\n  image: nginx\nservices:\n  # rollproof: ignore SRU050 a demo\n  app: *x\n",
        "x-a: &x\n  # rollproof: ignore SRU050 a demo\n  image: nginx\nservices:\n  app: *x\n  b: *x\n",
    ] {
        assert_eq!(found(ignored), [], "{ignored}");
    }
    let other = "services:\n  # rollproof: ignore SRU050 a demo\n  a:\n    image: nginx\n  b:\n    image: nginx\n";
    assert_eq!(found(other), [("SRU050".into(), "warning".into(), 6)]);
    let shown = lint_text(
        "services:\n  app:\n    image: nginx # rollproof: ignore SRU050 a demo\n",
        &["-v"],
    );
    assert!(shown.1.contains("ignored[SRU050] stack.yml:3:5: ") && shown.1.contains("(a demo)"));
}

#[test]
fn comments_that_are_wrong_are_found_themselves() {
    let with = |comment: &str| found(&format!("services:\n  app:\n    image: nginx # {comment}\n"));
    let finding = |rule: &str| (rule.to_owned(), "warning".to_owned(), 3);
    assert_eq!(with("rollproof: ignore SRU050"), [finding("SRU091")]);
    assert_eq!(with("rollproof: ignore SRU050, SRU013 why"), [finding("SRU090")]);
    assert_eq!(with("rollproof: ignore SRU099 why"), [finding("SRU050"), finding("SRU090")]);
    assert_eq!(with("rollproof: ignore why"), [finding("SRU050"), finding("SRU090")]);
    // With one service, comments of others would look unused.
    let text =
        "services:\n  a:\n    image: b:1\n  c:\n    image: nginx # rollproof: ignore SRU050 x\n";
    let (code, out, _) = lint_text(text, &["--service", "a", "--fail-on", "warning"]);
    assert_eq!((code, out.as_str()), (0, "1 service: 0 errors, 0 warnings\n"));
}

#[test]
fn the_environment_is_not_shown() {
    let text = "services: {app: {image: nginx, environment: {PASSWORD: geheim}}}\n";
    for format in ["text", "json", "sarif", "github", "gitlab"] {
        let (_, out, err) = lint_text(text, &["-v", "--format", format]);
        assert!(out.contains("SRU050"), "{out}");
        assert!(!out.contains("geheim") && !err.contains("geheim"), "{out}{err}");
    }
}

#[test]
fn wrong_input_is_refused_with_a_hint() {
    for (args, said) in [
        (&["--explain", "SRU999"][..], "there is no rule `SRU999`"),
        (&["-c", "no-such.yml"], "no such file"),
        (&["-c", "stacks/naive.yml", "--service", "x"], "no service `x`"),
        (&["-c", "stacks/naive.yml", "--format", "xml"], "text, json, sarif, github, gitlab"),
        (&[], "--compose-file"),
    ] {
        let (code, out, err) = lint(repository(), args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(said), "{args:?}: {err}");
    }
    // A stack that docker refuses is refused; a missing file of a config is no matter of the rules.
    assert_eq!(lint_text("services:\n  app:\n    build: .\n", &[]).0, 2);
    let config =
        "services:\n  app:\n    image: a:1\n    configs: [c]\nconfigs: {c: {file: ./no}}\n";
    assert_eq!(lint_text(config, &[]).0, 0);
}

#[test]
fn pages_and_the_list() {
    let (code, page, _) = lint(repository(), &["--explain", "sru022"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("lint-explain", page);
    let list = lint(repository(), &["--list"]).1;
    assert!(list.starts_with("SRU001  error    no health check"), "{list}");
    let docs = std::fs::read_to_string(repository().join("docs/lint.md")).unwrap();
    for line in list.lines() {
        let mut words = line.splitn(3, "  ");
        let (number, title) = (words.next().unwrap(), words.nth(1).unwrap().trim());
        assert!(docs.contains(&format!("| {number} |")) && docs.contains(title), "{line}");
    }
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let (code, out, _) = lint(repository(), &["-c", "stacks/naive.yml", "--format", "sarif"]);
    assert_eq!(code, 1);
    let log: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    assert!(results.len() >= 4);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "stacks/naive.yml");
        assert!(place["region"]["startLine"].as_u64() > Some(0), "{result}");
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
    }
    // What is ignored is there, and marked so.
    let (_, out, _) = lint(repository(), &["-c", "stacks/replicated.yml", "--format", "sarif"]);
    let log: Value = serde_json::from_str(&out).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let suppressed = results.iter().filter(|result| result.get("suppressions").is_some());
    assert_eq!(suppressed.count(), 2);
}

#[test]
fn annotations_and_code_quality() {
    let (_, out, _) = lint_text(LATEST, &["--format", "github"]);
    assert!(
        out.starts_with(
            "::warning file=stack.yml,line=3,col=5,title=SRU050 the image's tag does not name a \
             version::app: `nginx:latest` is another version whenever it is deployed%0Aname a version"
        ),
        "{out}"
    );
    assert_eq!(out.lines().count(), 1);
    let (_, out, _) = lint_text(LATEST, &["--format", "gitlab"]);
    let list: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        list[0]["location"],
        serde_json::json!({"path": "stack.yml", "lines": {"begin": 3}})
    );
    assert_eq!(
        (list[0]["severity"].as_str(), list[0]["check_name"].as_str()),
        (Some("major"), Some("SRU050"))
    );
    // The fingerprint stays when the file moves around the finding, and differs between services.
    let moved =
        format!("# a comment\n{}", LATEST.replace("  app", "  other:\n    image: nginx\n  app"));
    let (_, out, _) = lint_text(&moved, &["--format", "gitlab"]);
    let now: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(now[1]["fingerprint"], list[0]["fingerprint"]);
    assert_ne!(now[0]["fingerprint"], list[0]["fingerprint"]);
}

#[test]
fn several_formats_at_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.yml"), LATEST).unwrap();
    let args = ["-c", "stack.yml", "--format", "sarif=out.sarif", "--format", "gitlab=q.json"];
    let (code, out, _) = lint(folder.path(), &args);
    assert_eq!(code, 0);
    assert!(out.starts_with("warning[SRU050] app: "), "{out}");
    for file in ["out.sarif", "q.json"] {
        let text = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(serde_json::from_str::<Value>(&text).is_ok(), "{file}");
    }
    assert_eq!(rules(LATEST), ["SRU050"]);
}

/// `verify` says what `lint` finds before it asks for an engine, and not with `--no-lint`.
#[test]
fn verify_says_first_what_lint_finds() {
    let place = Workplace::without_engine();
    let nowhere = ["--host", "unix:///nonexistent/docker.sock"];
    let stack = concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/classic.yml");
    let ended = place.run(&[&nowhere[..], &["verify", "-c", stack, "--service", "app"]].concat());
    let found: Vec<&str> = ended.err.lines().filter(|line| line.contains("[SRU")).collect();
    assert!(found.iter().any(|line| line.starts_with("warning[SRU")), "{}", ended.err);
    assert!(found.iter().all(|line| line.contains("classic.yml:") && !line.starts_with("hint")));
    assert!(ended.err.contains("rollproof lint --explain SRU"), "{}", ended.err);
    let args = ["verify", "-c", stack, "--service", "app", "--no-lint"];
    let quiet = place.run(&[&nowhere[..], &args].concat());
    assert_eq!((quiet.code, ended.code), (4, 4));
    assert!(!quiet.err.contains("[SRU"), "{}", quiet.err);
}

/// The engine has the image: its health check and its programs are known. Nothing is left of looking.
#[test]
fn images_are_looked_into() {
    let place = Workplace::small_shared();
    let file = place.file(
        "stack.yml",
        "services:\n  good:\n    image: rollproof/app:v1\n    ports: ['80:80']\n    deploy: {replicas: 2}\n  \
         bad:\n    image: rollproof/app:v1\n    healthcheck: {test: [CMD-SHELL, 'curl -f http://a || exit 1']}\n  \
         gone:\n    image: nowhere/gone:1\n    ports: ['81:80']\n",
    );
    let told = place.run(&["lint", "-c", &file, "--image-facts", "--json"]);
    let json = told.json();
    let of = |service: &str| -> Vec<String> {
        let all = json["findings"].as_array().unwrap().iter();
        let of_it = all.filter(|finding| finding["service"] == service);
        of_it.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(told.code, 1, "{json:#}");
    assert!(!of("good").contains(&"SRU001".to_owned()), "{json:#}");
    assert!(of("bad").contains(&"SRU003".to_owned()), "{json:#}");
    assert!(of("gone").contains(&"SRU001".to_owned()), "{json:#}");
    assert!(told.err.contains("the engine has no image nowhere/gone:1"), "{}", told.err);
    let left = ["ps", "-aq", "--filter", "label=rollproof.looks-into"];
    assert_eq!(crate::workplace::docker(&place.docker_host(), &left).expect(0).out, "");
    let none = Workplace::without_engine();
    let file = none.file("stack.yml", "services:\n  a:\n    image: a:1\n");
    let refused = none.run(&["lint", "-c", &file, "--image-facts", "--engine", "lab"]).expect(4);
    assert!(refused.err.contains("lab"), "{}", refused.err);
}
