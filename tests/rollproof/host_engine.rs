//! The user's own engine: a swarm manager that already runs another stack.

use super::workplace::{UNHURRIED, Workplace, docker, finish};

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
