//! The files that results go to: missing folders, one file for two, full disks, pipes.

use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use crate::report_ci::copy;
use crate::workplace::{Workplace, finish, until};

/// A place with a failed run in the folder `run`, and another one.
fn place() -> Workplace {
    let place = Workplace::without_engine();
    std::fs::rename(copy(&place, "new-version-404"), place.path().join("run")).unwrap();
    copy(&place, "scaled-down");
    place
}

/// Every command with `--format`, and the name of one of its formats.
const COMMANDS: [(&[&str], [&str; 2]); 6] = [
    (&["report", "run"], ["html", "junit"]),
    (&["compare", "run", "scaled-down"], ["html", "json"]),
    (&["lint", "-c", "stack.yml"], ["sarif", "json"]),
    (&["verify", "--dry-run"], ["html", "junit"]),
    (&["update", "--dry-run"], ["html", "junit"]),
    (&["watch", "--dry-run", "any"], ["html", "junit"]),
];

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_done() {
    let place = place();
    place.file("stack.yml", "services: {app: {image: nginx}}\n");
    std::fs::create_dir(place.path().join("folder")).unwrap();
    for (command, [format, _]) in COMMANDS {
        for (file, hint) in [
            ("missing/page", "create the folder missing first"),
            ("folder", "name a file in it"),
            ("stack.yml/page", "Not a directory"),
        ] {
            let to = format!("--format={format}={file}");
            let ended = place.run(&[command, &[&to]].concat()).expect(4);
            assert!(ended.err.contains(&format!("cannot write {file}\n")), "{}", ended.err);
            assert!(ended.err.contains(hint), "{}", ended.err);
            assert_eq!(ended.out, "", "{command:?}");
        }
    }
}

#[test]
fn two_results_do_not_go_to_one_file() {
    let place = place();
    place.file("stack.yml", "services: {app: {image: nginx}}\n");
    place.file("there", "");
    std::os::unix::fs::symlink("there", place.path().join("link")).unwrap();
    for (command, [one, other]) in COMMANDS {
        for [first, second] in [["new", "./new"], ["there", "link"]] {
            let both = [format!("--format={one}={first}"), format!("--format={other}={second}")];
            let ended = place.run(&[command, &[&both[0], &both[1]]].concat()).expect(2);
            let said = format!("`{one}` and `{other}` would both go to {second}");
            assert!(ended.err.contains(&said), "{command:?}: {}", ended.err);
        }
    }
    let ended =
        place.run(&["verify", "--dry-run", "--events", "new", "--format", "html=new"]).expect(2);
    assert!(ended.err.contains("`html` and `--events` would both go to new"), "{}", ended.err);
    place.run(&["report", "run", "--format=html=/dev/null", "--format=csv=/dev/null"]).expect(1);
}

#[test]
fn a_dash_is_standard_output() {
    let place = place();
    let out = place.run(&["report", "run", "--format", "junit=-"]).expect(1).out;
    assert!(out.starts_with("<?xml"), "{out}");
    let ended = place.run(&["compare", "run", "scaled-down", "--format", "json=-"]).expect(0);
    assert_eq!(ended.json()["runs"].as_array().unwrap().len(), 2);
    assert!(!place.path().join("-").exists());
    let ended = place.run(&["verify", "--events", "-", "--format", "json=-"]).expect(2);
    assert!(ended.err.contains("both write to standard output"), "{}", ended.err);
}

#[test]
fn what_cannot_be_written_takes_nothing_else_with_it() {
    let place = place();
    let ended = place
        .run(&["report", "run", "--format", "html=/dev/full", "--format", "markdown=text.md"])
        .expect(4);
    assert!(ended.out.starts_with("FAIL "), "the verdict is lost: {}", ended.out);
    assert!(ended.err.contains("cannot write /dev/full"), "{}", ended.err);
    assert!(ended.err.contains("free some disk space"), "{}", ended.err);
    let text = std::fs::read_to_string(place.path().join("text.md")).unwrap();
    assert!(text.contains("FAIL"), "{text}");

    let ended = finish(
        place
            .command(&["report", "run", "--ci", "github", "--format", "html=/dev/full"])
            .env("GITHUB_STEP_SUMMARY", "missing/summary")
            .env("GITHUB_OUTPUT", "outputs"),
    )
    .expect(4);
    assert!(ended.out.starts_with("FAIL "), "the verdict is lost: {}", ended.out);
    for file in ["missing/summary, which GITHUB_STEP_SUMMARY names", "/dev/full"] {
        assert!(ended.err.contains(&format!("cannot write {file}")), "{}", ended.err);
    }
    let outputs = std::fs::read_to_string(place.path().join("outputs")).unwrap();
    assert!(outputs.contains("verdict=fail\n"), "{outputs}");
}

/// A disk that is full after some kilobytes, as the limit of a process.
#[test]
fn a_full_disk_leaves_the_file_that_was_there() {
    let place = place();
    place.file("page.html", "yesterday's\n");
    std::os::unix::fs::symlink("page.html", place.path().join("link")).unwrap();
    for file in ["page.html", "link", "new.html"] {
        let program = env!("CARGO_BIN_EXE_rollproof");
        let limited = format!("trap '' XFSZ; ulimit -f 4; exec '{program}'");
        let script = format!("{limited} report run --format html={file}");
        let err = finish(&mut place.shell(&script)).expect(4).err;
        assert!(err.contains(&format!("cannot write {file}\n")), "{err}");
        assert!(err.contains("free some disk space"), "{err}");
    }
    let left = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert_eq!(left, "yesterday's\n");
    assert!(!place.path().join("new.html").exists());
    let names = std::fs::read_dir(place.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".page")), "{names:?}");

    // With room, the link stays one and the file keeps its mode.
    let file = place.path().join("page.html");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    place.run(&["report", "run", "--format", "html=link"]).expect(1);
    assert!(place.path().join("link").is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().contains("</html>"));
    let mode = std::os::unix::fs::PermissionsExt::mode(&file.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_record_that_must_not_be_changed_is_judged() {
    let place = place();
    // As on a read-only disk, for root too.
    std::fs::create_dir_all(place.path().join("run/report.json/in-the-way")).unwrap();
    let ended = place.run(&["report", "run"]).expect(1);
    assert!(ended.out.starts_with("FAIL "), "{}", ended.out);
    assert!(ended.err.contains("note: cannot write run/report.json"), "{}", ended.err);
}

#[test]
fn a_pipe_that_nobody_reads_does_not_hold_up_a_command() {
    let place = place();
    mkfifo(&place.path().join("pipe"), Mode::S_IRWXU).unwrap();
    let host = format!("unix://{}/no-engine", place.path().display());
    let ended =
        place.run(&["verify", "--events", "pipe", "--engine", "host", "--host", &host]).expect(4);
    assert!(ended.err.contains("no-engine"), "{}", ended.err);
}

#[test]
fn one_ctrl_c_ends_a_command_that_only_reads_files() {
    let place = place();
    let events = place.path().join("run/events.jsonl");
    std::fs::remove_file(&events).unwrap();
    mkfifo(&events, Mode::S_IRWXU).unwrap();
    let commands: [&[&str]; 4] = [
        &["report", "run"],
        &["compare", "run", "scaled-down"],
        &["explain", "run"],
        &["open", "--no-browser", "run"],
    ];
    for command in commands {
        let mut child = place.start(command);
        let reads = || {
            let mut open = std::fs::File::options();
            open.write(true).custom_flags(nix::libc::O_NONBLOCK).open(&events).ok()
        };
        let _writer = until("it reads", Duration::from_secs(60), reads);
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        let ended = until("it ends", Duration::from_secs(60), || child.try_wait().unwrap());
        assert_eq!(ended.signal(), Some(Signal::SIGINT as i32), "{command:?}: {ended}");
    }
}
