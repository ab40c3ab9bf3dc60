//! Limits on the command line: what is refused, and what `report` makes of a recorded run.

use serde_json::json;

use crate::runs::with_runs;
use crate::workplace::{Workplace, example};

/// Loses 117 of 499 requests and is otherwise sound.
const LOSSY: &str = "proxy-container-killed";

#[test]
fn wrong_limits_are_refused_before_anything_starts() {
    let place = Workplace::without_engine();
    let commands: [&[&str]; 6] =
        [&["verify"], &["update"], &["broken-update"], &["watch", "s_a"], &["try"], &["report"]];
    for (limits, text) in [
        (&["--allow-failed", "0.1"][..], "0.1%"),
        (&["--allow-failed", "-1%"], "below 100%"),
        (&["--allow-failed", "100%"], "below 100%"),
        (&["--allow-failed", "nan%"], "below 100%"),
        (&["--allow-gap", "0s", "--allow-failed", "1"], "at least 1 ms"),
        (&["--max-p99", "300"], "300ms"),
        (&["--max-duration", "soon"], "write for example"),
        (&["--min-serving", "0"], "min-serving"),
        (&["--min-serving", "-1"], "min-serving"),
    ] {
        for command in commands {
            let ended = place.run(&[command, limits].concat()).expect(2);
            assert!(ended.err.contains(text), "{command:?} {limits:?}: {}", ended.err);
        }
    }
    for command in &commands[..5] {
        let ended = place.run(&[command, &["--allow-gap", "200ms"][..]].concat()).expect(2);
        assert!(ended.err.contains("--allow-gap alone allows nothing"), "{}", ended.err);
    }
    let naive = example("naive.yml");
    for args in
        [&["verify", "--min-serving", "7"][..], &["verify", "-c", &naive, "--min-serving", "7"]]
    {
        let ended = place.run(args).expect(2);
        assert!(ended.err.contains("the service has 6 replicas"), "{}", ended.err);
    }
    assert!(!place.state().join("runs").exists(), "nothing was started");
}

#[test]
fn a_recorded_run_is_judged_again_with_other_limits_and_keeps_its_own_verdict() {
    let place = with_runs(&[LOSSY]);
    place.run(&["report"]).expect(1);
    let allowed = place.run(&["report", "--allow-failed", "24%"]).expect(0);
    assert!(
        allowed.out.contains("117 of 499 requests lost (23.4 %), 24 % allowed"),
        "{}",
        allowed.out
    );
    place.run(&["report", "--allow-failed", "116"]).expect(1);
    place.run(&["report", "--allow-failed", "117"]).expect(0);
    let gap = ["report", "--allow-failed", "24%", "--allow-gap"];
    place.run(&[&gap[..], &["6s"]].concat()).expect(0);
    place.run(&[&gap[..], &["5s"]].concat()).expect(1);
    place.run(&["report", "--allow-gap", "6s"]).expect(2);
    place.run(&["report", "--min-serving", "9"]).expect(2);
    let list = place.run(&["runs", "--json"]).expect(0).json();
    assert_eq!(list[0]["verdict"], "fail", "the run's own limits decide what is kept");
}

#[test]
fn the_record_keeps_the_limits_and_every_format_says_them() {
    let place = with_runs(&[LOSSY]);
    let meta = place.state().join("runs").join(LOSSY).join("meta.json");
    let mut read: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&meta).unwrap()).unwrap();
    read["limits"] = json!({"allow_failed": {"share": 0.25}, "max_duration_s": 300.0});
    std::fs::write(&meta, read.to_string()).unwrap();

    let report = place.run(&["report", "--json"]).expect(0).json();
    assert_eq!(report["limits"], read["limits"]);
    let names = report["scenarios"][0]["checks"].as_array().unwrap();
    assert!(names.iter().any(|check| check["name"] == "duration" && check["verdict"] == "pass"));
    for format in ["summary", "details", "markdown", "junit", "html"] {
        let out = place.run(&["report", "--format", format]).expect(0).out;
        let plain = out.replace('\\', "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains("25 % allowed"), "{format}: {out}");
        assert!(
            plain.contains("at most 25 % of the requests lost; done within 5m 00s"),
            "{format}: {out}"
        );
    }
    // A limit that is given counts instead of the recorded one, and the others stay.
    let stricter = place.run(&["report", "--json", "--allow-failed", "5"]).expect(1).json();
    assert_eq!(stricter["limits"]["allow_failed"], json!({"requests": 5}));
    assert_eq!(stricter["limits"]["max_duration_s"], json!(300.0));
    let none = place.run(&["report", "--json", "--no-limits"]).expect(1).json();
    assert!(none.get("limits").is_none());
}
