//! Private swarms, started and removed with rollproof's commands. These tests need root and
//! `dockerd`; `make test` provides both.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rollproof::engine::{DockerHost, Engine};
use rollproof::image::{ImageArchive, Programs};
use rollproof::stack::ServiceBody;
use serde_json::{Value, json};

use super::lab_home::{Home, engine_pid, text};
use super::machine;
use super::workplace::docker;

/// Everything on the machine that has the lab's id, found without rollproof.
fn traces(id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut note = |path: &Path| {
        if fs::symlink_metadata(path).is_ok() {
            found.push(path.display().to_string());
        }
    };
    note(&Path::new("/sys/class/net").join(format!("rp-{id}")));
    note(&Path::new("/run/rollproof").join(id));
    note(&Path::new("/run/rollproof").join(format!("{id}.lock")));
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    for line in mounts.lines().filter(|line| line.contains(" - cgroup")) {
        note(&Path::new(line.split(' ').nth(4).unwrap()).join(format!("rollproof-{id}")));
    }
    found.extend(mounts.lines().filter(|line| line.contains(id)).map(str::to_owned));
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let read = |file: &str| fs::read(process.path().join(file)).unwrap_or_default();
        let mark = format!("ROLLPROOF_LAB={id}");
        let marked = read("environ").split(|byte| *byte == 0).any(|v| v == mark.as_bytes());
        let inside = String::from_utf8_lossy(&read("cgroup")).contains(&format!("rollproof-{id}/"));
        if marked || inside {
            found.push(format!("process {}", process.path().display()));
        }
    }
    found
}

/// Waits for something that must happen soon.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen");
        sleep(Duration::from_millis(10));
    }
}

/// Starts two replicas of `sleep`.
async fn run_replicas(docker_host: &str) {
    let engine = Engine::connect(DockerHost::parse(docker_host).unwrap()).await.unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let mut archive = ImageArchive::default();
    let program = Programs::new(scratch.path()).find("sleep").unwrap();
    program.pack("/sleep", &mut archive.files).unwrap();
    archive.config.entrypoint = vec!["/sleep".into(), "1000".into()];
    let image = archive.build("rollproof-test/sleep:1").unwrap();
    engine.load_image(&image.reference, image.archive).await.unwrap();
    let service = ServiceBody::new(json!({
        "Name": "sleepers",
        "TaskTemplate": { "ContainerSpec": { "Image": image.reference } },
        "Mode": { "Replicated": { "Replicas": 2 } },
    }));
    engine.create_service(&service, None).await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let tasks = engine.tasks("sleepers").await.unwrap();
        let running = tasks.iter().filter(|task| task.state.to_string() == "running").count();
        if running == 2 {
            return;
        }
        assert!(Instant::now() < deadline, "{tasks:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_lab_with_running_containers_leaves_nothing() {
    let home = Home::new();
    let lab = home.json(&["up"]);
    let id = text(&lab["id"]).to_owned();
    assert!(!traces(&id).is_empty());
    assert_eq!(home.json(&["status"])["nodes"][0]["pid"], lab["nodes"][0]["pid"]);
    assert_eq!(home.json(&["up"])["nodes"][0]["pid"], lab["nodes"][0]["pid"], "the same lab");

    run_replicas(text(&lab["docker_host"])).await;
    let down = home.json(&["down"]);
    assert_eq!(down["left"], json!([]));
    let removed = down["removed"].to_string();
    assert!(removed.contains("(sleep)") && removed.contains("cgroup "), "{removed}");
    assert_eq!(traces(&id), [""; 0]);
    assert!(!home.state().join("lab").exists());

    assert_eq!(home.json(&["down"]), json!({ "removed": [], "left": [] }));
    assert_eq!(home.run(&["status"]).status.code(), Some(4));
}

#[test]
fn a_killed_engine_is_replaced_by_up_and_removed_by_down() {
    let home = Home::new();
    let first = home.json(&["up"]);
    kill(engine_pid(&first), Signal::SIGKILL).unwrap();
    let second = home.json(&["up"]);
    assert_eq!(second["id"], first["id"]);
    assert_ne!(second["nodes"][0]["pid"], first["nodes"][0]["pid"]);
    kill(engine_pid(&second), Signal::SIGKILL).unwrap();
    assert_eq!(home.json(&["down"])["left"], json!([]));
    assert_eq!(traces(text(&first["id"])), [""; 0]);
}

/// A script may hold a lock while it starts a lab; the lab outlives the script.
#[test]
fn a_lab_holds_no_file_of_whoever_started_it() {
    let home = Home::new();
    let lock = home.folder.path().join("lock");
    let up = Command::new("sh")
        .args(["-c", r#"exec 3>"$0" 7>&3; "$1" lab up"#])
        .arg(&lock)
        .arg(env!("CARGO_BIN_EXE_rollproof"))
        .env("ROLLPROOF_HOME", home.folder.path())
        .output()
        .unwrap();
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let open = |process: fs::DirEntry| fs::read_dir(process.path().join("fd")).ok();
    let files = fs::read_dir("/proc").unwrap().flatten().filter_map(open).flatten().flatten();
    let held: Vec<_> =
        files.filter(|file| fs::read_link(file.path()).is_ok_and(|to| to == lock)).collect();
    assert!(held.is_empty(), "{held:?}");
}

#[test]
fn concurrent_starts_make_one_lab() {
    let home = Home::new();
    let mut others = [home.start(&["up"]), home.start(&["up"])];
    let lab = home.json(&["up"]);
    for other in &mut others {
        assert!(other.wait().unwrap().success());
    }
    // The swarm's log may grow between the two calls.
    let without_size = |mut nodes: Value| {
        nodes[0]["disk_bytes"].take();
        nodes
    };
    let status = home.json(&["status"]);
    assert_eq!(without_size(status["nodes"].clone()), without_size(lab["nodes"].clone()));
}

#[test]
fn down_finds_everything_that_a_killed_start_leaves() {
    let home = Home::new();
    let id = text(&home.json(&["up"])["id"]).to_owned();
    home.json(&["down"]);
    for milestone in ["hub.net", "n1.net", "n1", "n1.sock"] {
        let mut driver = home.start(&["up"]);
        let path = Path::new("/run/rollproof").join(&id).join(milestone);
        until(milestone, || path.exists().then_some(()));
        driver.kill().unwrap();
        driver.wait().unwrap();
        assert_eq!(home.json(&["down"])["left"], json!([]), "{milestone}");
        assert_eq!(traces(&id), [""; 0], "{milestone}");
    }
}

#[test]
fn an_interrupted_start_removes_what_it_made() {
    let home = Home::new();
    let id = text(&home.json(&["up"])["id"]).to_owned();
    home.json(&["down"]);
    let mut driver = home.start(&["up"]);
    let socket = Path::new("/run/rollproof").join(&id).join("n1");
    until("the start of the engine", || socket.exists().then_some(()));
    kill(Pid::from_raw(i32::try_from(driver.id()).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(driver.wait().unwrap().code(), Some(130));
    assert_eq!(traces(&id), [""; 0]);
}

#[test]
fn an_engine_that_cannot_start_shows_its_log_and_leaves_nothing() {
    let home = Home::new();
    let id = text(&home.json(&["up"])["id"]).to_owned();
    home.json(&["down"]);
    let fake = home.folder.path().join("dockerd");
    fs::write(&fake, "#!/bin/sh\necho starting\necho the disk is made of cheese >&2\nexit 3\n")
        .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let output = home.run(&["up", "--dockerd", fake.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the engine of node n1 exited"), "{said}");
    assert!(said.contains("the disk is made of cheese"), "{said}");
    assert_eq!(traces(&id), [""; 0]);

    // An engine that never responds fails at the time limit.
    fs::write(&fake, "#!/bin/sh\necho thinking\nexec sleep 1000\n").unwrap();
    let args = ["up", "--timeout", "1s", "--dockerd", fake.to_str().unwrap()];
    let output = home.run(&args);
    assert_eq!(output.status.code(), Some(4));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("did not answer in time") && said.contains("thinking"), "{said}");
    assert_eq!(traces(&id), [""; 0]);
}

#[test]
fn a_lab_whose_folder_was_deleted_is_found_and_removed() {
    let home = Home::new();
    let id = text(&home.json(&["up"])["id"]).to_owned();
    fs::remove_dir_all(home.state()).unwrap();
    // Mounted files cannot be removed; everything else can.
    let _ = fs::remove_dir_all(Path::new("/run/rollproof").join(&id));
    assert_eq!(home.json(&["down"])["left"], json!([]));
    assert_eq!(traces(&id), [""; 0]);
}

#[tokio::test]
async fn three_nodes_form_one_swarm() {
    let home = Home::with(machine::share());
    let lab = home.json(&["up", "--nodes", "3"]);
    let engine = Engine::connect(DockerHost::parse(text(&lab["docker_host"])).unwrap());
    let mut nodes: Vec<_> = engine
        .await
        .unwrap()
        .nodes()
        .await
        .unwrap()
        .into_iter()
        .map(|node| (node.hostname, node.address, node.state))
        .collect();
    nodes.sort();
    let listed = lab["nodes"].as_array().unwrap().iter();
    let expected: Vec<_> = listed
        .map(|node| {
            let name = format!("rollproof-{}", text(&node["name"]));
            (name, text(&node["address"]).to_owned(), "ready".to_owned())
        })
        .collect();
    assert_eq!(nodes, expected);
    assert_eq!(home.json(&["up", "--nodes", "2"])["nodes"].as_array().unwrap().len(), 3);
    let more = home.run(&["up", "--nodes", "4"]);
    assert_eq!(more.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&more.stderr).contains("`rollproof lab down`"));
    assert_eq!(home.json(&["down"])["left"], json!([]));
    assert_eq!(traces(text(&lab["id"])), [""; 0]);
}

/// What proxies, agents and monitors mount: their engine's socket and its data.
#[tokio::test]
async fn what_a_container_mounts_of_its_engine_is_the_nodes_own() {
    // Below a folder of which a node has a layer of its own, its data are still in the state folder.
    let home = Home::at(tempfile::tempdir_in("/opt").unwrap(), machine::share());
    let lab = home.json(&["up", "--nodes", "2"]);
    let mut archive = ImageArchive::default();
    let scratch = tempfile::tempdir().unwrap();
    for program in ["docker", "busybox"] {
        let found = Programs::new(scratch.path()).find(program).unwrap();
        found.pack(&format!("/{program}"), &mut archive.files).unwrap();
    }
    let image = archive.build("rollproof-test/client:1").unwrap();
    for node in lab["nodes"].as_array().unwrap() {
        let name = text(&node["name"]);
        let host = &format!("unix://{}", text(&node["socket"]));
        let engine = Engine::connect(DockerHost::parse(host).unwrap()).await.unwrap();
        engine.load_image(&image.reference, image.archive.clone()).await.unwrap();
        let run = |mount: &str, command: &[&str]| {
            let args = ["run", "--rm", "--network", "none", "-v", mount, &image.reference];
            docker(host, &[&args[..], command].concat()).expect(0).out
        };
        for socket in ["/var/run/docker.sock", "/run/docker.sock"] {
            let ask = ["/docker", "-H", "unix:///e", "info", "--format", "{{.Name}}"];
            let answer = run(&format!("{socket}:/e:ro"), &ask);
            assert_eq!(answer.trim(), format!("rollproof-{name}"));
        }
        docker(host, &["volume", "create", name]).expect(0);
        let seen = run("/var/lib/docker/volumes:/v", &["/busybox", "ls", "/v"]);
        assert!(seen.lines().any(|line| line == name), "{seen}");
        assert!(home.state().join("lab").join(name).join("volumes").join(name).is_dir());
    }
    assert_eq!(home.json(&["down"])["left"], json!([]));
    assert_eq!(traces(text(&lab["id"])), [""; 0]);
}

/// This machine's own root stands for that of another release: it has an engine, and needs no download.
#[tokio::test]
async fn engines_from_a_root_of_their_own_leave_nothing_and_change_nothing_in_it() {
    let home = Home::new();
    let key = Path::new("/etc/docker/key.json");
    let before = fs::read(key).ok();
    let lab = home.json(&["up", "--lab-root", "/"]);
    let id = text(&lab["id"]).to_owned();
    assert_eq!(lab["root"], "/");
    assert_eq!(home.json(&["up"])["root"], "/", "a lab that runs is used");

    // A command in a container, such as a health check, runs in the container's root.
    let host = text(&lab["docker_host"]);
    run_replicas(host).await;
    let containers = docker(host, &["ps", "--quiet"]).expect(0).out;
    for container in containers.lines() {
        docker(host, &["exec", container, "/sleep", "0"]).expect(0);
    }
    assert_eq!(fs::read(key).ok(), before);

    // The node's first process holds the engine's root.
    let engine = engine_pid(&lab);
    let status = fs::read_to_string(format!("/proc/{engine}/status")).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap();
    kill(Pid::from_raw(parent.trim().parse().unwrap()), Signal::SIGKILL).unwrap();
    assert_eq!(home.json(&["down"])["left"], json!([]));
    assert_eq!(traces(&id), [""; 0]);
}

#[test]
fn a_root_without_an_engine_is_refused_before_anything_starts() {
    let home = Home::new();
    let root = home.folder.path().join("root");
    let refused = |why: &str| {
        let output = home.run(&["up", "--lab-root", root.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{said}");
        assert!(!home.state().exists());
    };
    refused("is not a folder");
    fs::create_dir(&root).unwrap();
    refused("it has no `dockerd`, `containerd`, `runc`, `iptables`, `umount`");
}

#[test]
fn a_running_lab_of_another_root_is_not_taken_for_the_wanted_one() {
    let home = Home::new();
    home.json(&["up"]);
    let other = home.run(&["up", "--lab-root", "/"]);
    assert_eq!(other.status.code(), Some(4));
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(said.contains("has the engine of this system"), "{said}");
}
