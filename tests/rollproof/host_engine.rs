//! The user's own engine: a swarm manager that already runs another stack.

use super::workplace::{UNHURRIED, Workplace, command_in, docker, finish, share_cache};

const FOREIGN: &str = "services:\n  web:\n    image: rollproof/app:v1\n    environment: {A: b}\n    deploy: {replicas: 2, endpoint_mode: dnsrr}\n";

/// A private engine plays the user's engine. Rollproof runs in another folder and finds it only
/// through `DOCKER_HOST`.
#[test]
fn verify_leaves_the_users_engine_as_it_was() {
    let theirs = Workplace::new();
    theirs.run(&["build"]).expect(0);
    let host = theirs.docker_host();
    let file = theirs.file("foreign.yml", FOREIGN);
    docker(&host, &["stack", "deploy", "-c", &file, "foreign"]).expect(0);
    super::workplace::until("two foreign replicas", std::time::Duration::from_secs(60), || {
        let list = docker(&host, &["service", "ls", "--format", "{{.Replicas}}"]).expect(0);
        (list.out.trim() == "2/2").then_some(())
    });
    let look = || {
        let lines = |args: &[&str]| {
            let mut lines: Vec<String> =
                docker(&host, args).expect(0).out.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        (
            docker(&host, &["service", "inspect", "foreign_web"]).expect(0).json(),
            lines(&["service", "ls", "--format", "{{.ID}}"]),
            lines(&["ps", "--all", "--no-trunc", "--format", "{{.ID}}"]),
            lines(&["network", "ls", "--no-trunc", "--format", "{{.ID}} {{.Name}}"]),
            lines(&["config", "ls", "--format", "{{.ID}}"]),
            lines(&["image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"]),
        )
    };
    let before = look();

    let ours = tempfile::tempdir().unwrap();
    let example = theirs.quick_example("replicated-dnsrr.yml");
    let args = [&["verify", "--json", "-c", &example], &UNHURRIED[..]].concat();
    let mut command = theirs.command(&args);
    command.env("DOCKER_HOST", &host).env("ROLLPROOF_HOME", ours.path()).current_dir(ours.path());
    let ended = finish(&mut command);
    let report = ended.sound();
    assert_eq!(report["engine"]["kind"], "host");
    assert_eq!(report["scenarios"][1]["update"]["spec_restored"], true);
    assert_eq!(look(), before);
}

/// Images are known by the ids that the engine gives them. `ROLLPROOF_LAB_ROOT` runs this on another
/// release, such as one with the containerd image store.
#[test]
fn down_removes_images_that_newer_ones_replaced_and_nothing_that_others_named() {
    let theirs = Workplace::small();
    theirs.run(&["lab", "up"]).expect(0);
    let host = theirs.docker_host();
    let ours = tempfile::tempdir().unwrap();
    share_cache(ours.path());
    let app = rollproof::image::find_app_binary(None).unwrap();
    let newer = ours.path().join("newer-app");
    let content = [std::fs::read(&app).unwrap(), b"newer".to_vec()].concat();
    std::fs::write(&newer, content).unwrap();
    let run = |args: &[&str]| finish(command_in(ours.path(), args).env("DOCKER_HOST", &host));
    let list = || {
        let args = ["image", "ls", "--all", "--no-trunc", "--format"];
        let format = "{{.ID}} {{.Repository}}:{{.Tag}}";
        let list = docker(&host, &[&args[..], &[format]].concat()).expect(0).out;
        list.lines().map(str::to_owned).collect::<Vec<_>>()
    };

    let build = |args: &[&str]| {
        let built = run(&[&["build", "--json"], args].concat()).expect(0).json();
        for image in built["images"].as_array().unwrap() {
            let (id, name) = (image["id"].as_str().unwrap(), image["reference"].as_str().unwrap());
            assert!(list().contains(&format!("{id} {name}")), "{id} {name}: {:?}", list());
        }
        built
    };
    let first = build(&[]);
    let app_v1 = first["images"][0]["id"].as_str().unwrap();
    docker(&host, &["tag", "rollproof/app:v1", "shop/app:1"]).expect(0);
    let second = build(&["--app", newer.to_str().unwrap()]);
    assert_ne!(second["images"][0]["id"], app_v1);
    run(&["build"]).expect(0);

    // What uses an image is named.
    let create = ["create", "--name", "user", "rollproof/app:v2"];
    let container = docker(&host, &create).expect(0).out.trim().to_owned();
    let kept = run(&["down"]).expect(4);
    assert!(kept.err.contains("image rollproof/app:v2: "), "{}", kept.err);
    assert!(kept.err.contains(&container[..12]), "{}", kept.err);
    docker(&host, &["rm", "user"]).expect(0);
    run(&["down"]).expect(0);
    assert_eq!(list(), [format!("{app_v1} shop/app:1")]);
}
