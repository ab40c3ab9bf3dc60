//! `rollproof sweep` from outside: its table and plot, its JSON, and what it writes.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

use crate::workplace::{Workplace, docker};

fn sweep(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("rollproof").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("sweep").args(args);
    command
}

fn printed(args: &[&str]) -> String {
    String::from_utf8(sweep(args).assert().success().get_output().stdout.clone()).unwrap()
}

/// What is written to standard error by a command that is refused.
fn refused(args: &[&str]) -> String {
    let output = sweep(args).assert().code(2).get_output().clone();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

const REPLICATED: [&str; 4] = ["-c", "stacks/replicated.yml", "--service", "app"];

#[test]
fn the_table_and_the_plot() {
    let args = [&REPLICATED[..], &["--boot", "3s", "--vary", "parallelism=1,2,6"]].concat();
    let args = [&args[..], &["--vary", "order=start-first,stop-first", "--vary", "monitor=5s,30s"]]
        .concat();
    let text = printed(&args);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("sweep", text);
}

#[test]
fn rows_without_a_good_update_or_a_recovery_are_shown_as_such() {
    let text = printed(&[
        "-c",
        "stacks/classic.yml",
        "--service",
        "app",
        "--boot",
        "5s",
        "--vary",
        "healthcheck.interval=1s,5s",
        "--vary",
        "failure_action=rollback,pause",
    ]);
    insta::assert_snapshot!("sweep-failing", text);
}

/// The rows say what `plan` says of a file with those settings, and the front is what it claims.
#[test]
fn rows_agree_with_plan_and_none_of_the_best_is_beaten() {
    let folder = tempfile::tempdir().unwrap();
    let file = copy("stacks/replicated.yml", folder.path());
    let file = file.to_str().unwrap();
    let varied = ["--vary", "parallelism=1,3", "--vary", "delay=0s,4s", "--vary", "monitor=5s,20s"];
    let args = [&["-c", file, "--service", "app", "--json"][..], &varied].concat();
    let all: Value = serde_json::from_str(&printed(&args)).unwrap();
    let rows = all["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    assert_eq!(rows[6]["values"], serde_json::json!(["3", "4s", "5s"]));
    let figures = |row: &Value| {
        let never = |key: &str| row[key].as_f64().unwrap_or(f64::MAX);
        let undetected = row["undetected"].as_array().unwrap().len();
        (row["lowest"].as_u64().unwrap(), undetected, never("recovers_s"), never("good_s"))
    };
    for row in rows {
        let (lowest, undetected, recovers, good) = figures(row);
        let beaten = rows.iter().map(figures).any(|other| {
            other != (lowest, undetected, recovers, good)
                && other.0 >= lowest
                && other.1 <= undetected
                && other.2 <= recovers
                && other.3 <= good
        });
        assert_eq!(row["pareto"], !beaten, "{row}");
    }
    for key in std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `sweep.")?.split('`').next())
    {
        let path = key.replace("[]", "/0").replace('.', "/");
        assert!(all.pointer(&format!("/{path}")).is_some(), "{key} is not in the JSON");
    }
    sweep(&[&args[..], &["--write", "7"]].concat()).assert().success();
    let mut plan = Command::cargo_bin("rollproof").unwrap();
    let planned = plan.args(["plan", "-c", file, "--service", "app", "--json"]).assert().success();
    let planned: Value = serde_json::from_slice(&planned.get_output().stdout).unwrap();
    let courses = &planned["services"][0]["courses"];
    assert_eq!(courses[0]["finished_s"], rows[6]["good_s"]);
    assert_eq!(courses[1]["rollback"]["restored_s"], rows[6]["recovers_s"]);
    // The file's own settings are now those of the row.
    let again: Value = serde_json::from_str(&printed(&args)).unwrap();
    assert_eq!(again["current"]["values"], rows[6]["values"]);
    assert_eq!(again["current"]["good_s"], rows[6]["good_s"]);
}

/// The best row comes first, then rows far from each other; never one that others beat while there are
/// better ones.
#[test]
fn the_most_interesting_rows_are_the_best_and_far_apart() {
    use rollproof::plan::{Setting, Sweep, Vary};
    use rollproof::swarm::Order;
    use rollproof::swarm_model::Spec;

    let spec: Spec = crate::swarm_model::spec(Order::StartFirst);
    let second = rollproof::Offset::from_millis(1_000);
    let setting = Setting::new("app", spec, second, second);
    let varied = ["parallelism=1,2,6", "order=start-first,stop-first", "monitor=5s,30s"];
    let varied: Vec<Vary> = varied.iter().map(|text| Vary::parse(text).unwrap()).collect();
    let sweep = Sweep::of(&setting, &varied).unwrap();
    let front: Vec<usize> =
        sweep.rows.iter().filter(|row| row.pareto).map(|row| row.number).collect();
    assert_eq!(sweep.most_interesting(1), [sweep.best.unwrap()]);
    for count in 1..=front.len() {
        let chosen = sweep.most_interesting(count);
        assert_eq!(chosen.len(), count);
        assert!(chosen.iter().all(|number| front.contains(number)), "{chosen:?} of {front:?}");
    }
    // Rows that hardly differ are not chosen together: the quickest update is among the first three.
    let of_front = sweep.rows.iter().filter(|row| row.pareto);
    let quickest = of_front.min_by_key(|row| row.good_s).unwrap().number;
    assert!(sweep.most_interesting(3).contains(&quickest), "{:?}", sweep.most_interesting(3));
    let all: Vec<usize> = (1..=sweep.rows.len()).collect();
    assert_eq!(sweep.most_interesting(99), all);
}

/// Rows on a real engine: what is deployed has their settings, and the file is not touched.
#[test]
fn a_row_is_measured_beside_its_prediction() {
    let place = Workplace::shared();
    let file = place.quick_example("replicated-dnsrr.yml");
    let before = std::fs::read_to_string(&file).unwrap();
    let args = ["sweep", "-c", &file, "--service", "app", "--vary", "monitor=1s"];
    let told = place.run(&[&args[..], &["--measure", "1", "--json"]].concat()).expect(0);
    assert!(told.err.contains("measuring 1 row (1) on"), "{}", told.err);
    let json = told.json();
    let measured = &json["measured"][0];
    assert_eq!(measured["row"], 1);
    for figure in ["good_s", "recovers_s"] {
        let of = |which: &str| measured[figure][which].as_f64().unwrap();
        // A busy machine is slow, an idle one starts the app sooner than is assumed; another monitor, or
        // another order, is far away.
        assert!(of("measured") > 0.6 * of("predicted"), "{measured:#}");
    }
    assert_eq!(measured["lowest"]["predicted"], measured["replicas"]);
    let run = measured["run_id"].as_str().unwrap();
    let report = place.run(&["report", "--json", run]);
    assert!(report.out.contains("\"monitor\": 1.0"), "{}", report.out);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    let stacks = docker(&place.docker_host(), &["stack", "ls", "--format", "{{.Name}}"]);
    assert!(!stacks.expect(0).out.contains("rollproof-sweep"));
}

#[test]
fn mistakes_are_refused_before_anything_is_played() {
    for (args, said) in [
        (vec!["--vary", "paralelism=1"], "there is no setting `paralelism`"),
        (vec!["--vary", "parallelism"], "write SETTING=VALUE"),
        (vec!["--vary", "parallelism=-1"], "must be a whole number"),
        (vec!["--vary", "parallelism=07"], "must be a whole number"),
        (vec!["--vary", "parallelism=1,,2"], "must be a whole number"),
        (vec!["--vary", "parallelism=1,1"], "is there twice"),
        (vec!["--vary", "order=first"], "start-first or stop-first"),
        (vec!["--vary", "monitor=5"], "write a length of time"),
        (vec!["--vary", "monitor=0s"], "Swarm takes 0 for its default"),
        (vec!["--vary", "delay=-1s"], "must not be negative"),
        (vec!["--vary", "max_failure_ratio=1.5"], "from 0 to 1"),
        (vec!["--vary", "max_failure_ratio=nan"], "from 0 to 1"),
        (vec!["--vary", "rollback_config.failure_action=rollback"], "pause or continue"),
        (vec!["--vary", "delay=1s", "--vary", "update_config.delay=2s"], "is there twice"),
        (vec!["--vary", "delay=1s", "--write", "x"], "must be the number of a row"),
        (vec!["--vary", "delay=1s", "--write", "2"], "there is no row 2"),
        (vec!["--vary", "delay=1s", "--measure", "0"], "0 is not in 1..=20"),
        (vec![], "--vary"),
    ] {
        let args = [&REPLICATED[..], &args].concat();
        let error = refused_after_table(&args);
        assert!(error.contains(said), "{args:?}: {error}");
    }
    let numbers: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
    let grid = format!("parallelism={}", numbers.join(","));
    let seconds: Vec<String> = (1..=40).map(|number| format!("{number}s")).collect();
    let other = format!("monitor={}", seconds.join(","));
    let error = refused(&[&REPLICATED[..], &["--vary", &grid, "--vary", &other]].concat());
    assert!(error.contains("1,600 combinations, and the most are 1,000"), "{error}");
    let error = refused(&["-c", "stacks/replicated-dnsrr.yml", "--vary", "delay=1s"]);
    assert!(error.contains("several services") && error.contains("app and proxy"), "{error}");
    let error = refused(&["--vary", "delay=1s", "--write"]);
    assert!(error.contains("name it with -c"), "{error}");
    let no_check = write_file("services:\n  app:\n    image: a\n");
    let file = no_check.path().join("stack.yml");
    let error = refused(&["-c", file.to_str().unwrap(), "--vary", "healthcheck.interval=1s"]);
    assert!(error.contains("no health check in the stack file"), "{error}");
}

/// The same as [`refused`], but the table may come first.
fn refused_after_table(args: &[&str]) -> String {
    String::from_utf8(sweep(args).assert().code(2).get_output().stderr.clone()).unwrap()
}

fn copy(stack: &str, folder: &Path) -> PathBuf {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(stack)).unwrap();
    let file = folder.join("stack.yml");
    // Its configs are read from beside it.
    let text = text.replace("file: ./", &format!("file: {}/stacks/", env!("CARGO_MANIFEST_DIR")));
    std::fs::write(&file, text).unwrap();
    file
}

fn write_file(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("stack.yml"), text).unwrap();
    folder
}

/// Writes the only row of these settings into a file with this text; what it says then, or the
/// error.
fn written(text: &str, settings: &[&str]) -> Result<String, String> {
    let folder = write_file(text);
    let file = folder.path().join("stack.yml");
    let mut args = vec!["-c", file.to_str().unwrap(), "--service", "app", "--write", "1"];
    for setting in settings {
        args.extend(["--vary", setting]);
    }
    let output = sweep(&args).output().unwrap();
    let now = String::from_utf8(std::fs::read(&file).unwrap()).unwrap();
    match output.status.code() {
        Some(0) => Ok(now),
        Some(2) => {
            assert_eq!(now, text, "a refused file is not touched");
            Err(String::from_utf8(output.stderr).unwrap())
        }
        code => panic!("{code:?}: {output:?}"),
    }
}

const COMMENTED: &str = "\
# The shop.
services:
  app:   # the one that users see
    image: a

    deploy:
      # as many as there are nodes
      replicas: 3
      update_config:
        parallelism:   2     # two at a time
        order: \"stop-first\"  # for now

        # slow machines
        monitor: '5s'
    healthcheck: {test: [CMD, a], interval: 5s, retries: 3}
  other:
    image: b
";

#[test]
fn written_settings_keep_comments_and_layout() {
    let settings = [
        "parallelism=1",
        "order=start-first",
        "monitor=1m30s",
        "delay=3s",
        "healthcheck.interval=1s",
    ];
    let expected = COMMENTED
        .replace("parallelism:   2     #", "parallelism:   1     #")
        .replace("\"stop-first\"  #", "start-first  #")
        .replace("monitor: '5s'\n", "monitor: 1m30s\n        delay: 3s\n")
        .replace("interval: 5s", "interval: 1s");
    assert_eq!(written(COMMENTED, &settings).unwrap(), expected);
    // With the line ends of Windows, and without an end of the last line.
    let windows = COMMENTED.replace('\n', "\r\n");
    assert_eq!(written(&windows, &settings).unwrap(), expected.replace('\n', "\r\n"));
    let short = "services:\n  app:\n    image: a";
    let expected = "services:\n  app:\n    image: a\n    deploy:\n      update_config:\n        \
                    delay: 3s\n        order: start-first";
    assert_eq!(written(short, &["delay=3s", "order=start-first"]).unwrap().trim_end(), expected);
    // With a byte order mark.
    let marked = format!("\u{FEFF}{COMMENTED}");
    let expected = marked.replace("replicas: 3", "replicas: 5");
    assert_eq!(written(&marked, &["replicas=5"]).unwrap(), expected);
}

#[test]
fn missing_blocks_are_added_where_they_belong() {
    let added = written(COMMENTED, &["rollback_config.order=start-first", "stop_grace_period=30s"]);
    let expected = COMMENTED
        .replace(
            "monitor: '5s'\n",
            "monitor: '5s'\n      rollback_config:\n        order: start-first\n",
        )
        .replace("retries: 3}\n", "retries: 3}\n    stop_grace_period: 30s\n");
    assert_eq!(added.unwrap(), expected);
    for (text, expected) in [
        ("update_config: {}", "update_config: {delay: 3s}"),
        ("update_config: {order: start-first}", "update_config: {delay: 3s, order: start-first}"),
        ("update_config: {delay: 1s, monitor: 5s}", "update_config: {delay: 3s, monitor: 5s}"),
        (
            "update_config: &mine\n        delay: 1s # x",
            "update_config: &mine\n        delay: 3s # x",
        ),
        (
            "update_config: &mine\n        order: start-first",
            "update_config: &mine\n        order: start-first\n        delay: 3s",
        ),
    ] {
        let file =
            |block: &str| format!("services:\n  app:\n    image: a\n    deploy:\n      {block}\n");
        assert_eq!(written(&file(text), &["delay=3s"]).unwrap(), file(expected));
    }
}

#[test]
fn what_cannot_be_placed_safely_is_refused_with_the_lines_to_paste() {
    let shared = "x-update: &update\n  delay: 1s\nservices:\n  app:\n    image: a\n    deploy:\n      \
                  update_config: *update\n";
    let of_two =
        format!("{shared}  other:\n    image: b\n    deploy:\n      update_config: *update\n");
    let of_both = format!("{shared}      rollback_config: *update\n");
    let variable = "services:\n  app:\n    image: a\n    deploy:\n      update_config:\n        delay: \
                    ${DELAY:-1s}\n";
    let next_line = variable.replace("${DELAY:-1s}", "\n          1s");
    let tagged = variable.replace("${DELAY:-1s}", "!!str 1s");
    let one_line = "services: {app: {image: a}}\n";
    let alias = "x-d: &d {replicas: 2}\nservices:\n  app:\n    image: a\n    deploy: *d\n";
    for (text, said) in [
        (of_two.as_str(), "other parts of the files share these lines"),
        (&of_both, "other settings of the service share these lines"),
        (variable, "the value comes from a variable"),
        (&next_line, "not a plain one on the line of its key"),
        (&tagged, "not a plain one on the line of its key"),
        (one_line, "the block is written in one line"),
        (alias, "the block is not written as lines of its own"),
    ] {
        let error = written(text, &["delay=3s"]).unwrap_err();
        assert!(error.contains(said) && error.contains("delay: 3s"), "{text}\n{error}");
    }
    // An anchor that nobody else uses is no reason.
    let alone = written(shared, &["delay=3s"]).unwrap();
    assert_eq!(alone, shared.replace("delay: 1s", "delay: 3s"));
}

#[test]
fn of_several_files_the_one_that_counts_is_written() {
    let folder = write_file(COMMENTED);
    let second = folder.path().join("second.yml");
    std::fs::write(
        &second,
        "services:\n  app:\n    deploy:\n      update_config:\n        delay: 9s\n",
    )
    .unwrap();
    let files = format!("{},{}", folder.path().join("stack.yml").display(), second.display());
    let args = ["-c", &files, "--service", "app", "--vary", "delay=2s", "--vary", "parallelism=3"];
    let told = sweep(&[&args[..], &["--write"]].concat()).assert().success();
    let told = String::from_utf8_lossy(&told.get_output().stderr).into_owned();
    assert!(told.contains("stack.yml") && told.contains("second.yml"), "{told}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("second.yml").ends_with("delay: 2s\n"));
    assert_eq!(read("stack.yml"), COMMENTED.replace("parallelism:   2", "parallelism:   3"));
    let again = sweep(&[&args[..], &["--write"]].concat()).assert().success();
    let told = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
    assert!(told.contains("says already"), "{told}");
}
