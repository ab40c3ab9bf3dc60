//! The docker CLI against the socket of a simulated engine.

use std::process::Command;
use std::time::Duration;

use crate::workplace::{Ended, Workplace, docker, until};

/// A simulated engine, and the docker CLI on it.
struct Engine {
    place: Workplace,
    host: String,
}

impl Engine {
    fn up() -> Self {
        let place = Workplace::small_simulated();
        place.run(&["lab", "up"]).expect(0);
        let host = place.docker_host();
        Self { place, host }
    }

    fn docker(&self, args: &[&str]) -> Ended {
        docker(&self.host, args)
    }

    /// Waits until a service has so many replicas.
    fn until_it_has(&self, service: &str, replicas: &str) {
        let filter = format!("name={service}");
        let list = ["service", "ls", "--filter", &filter, "--format", "{{.Replicas}}"];
        until(&format!("{replicas} replicas of {service}"), Duration::from_secs(30), || {
            (self.docker(&list).expect(0).out.trim() == replicas).then_some(())
        });
    }
}

#[test]
fn the_engine_says_what_it_is() {
    let engine = Engine::up();
    let version = engine.docker(&["version", "--format", "{{.Server.Version}}"]).expect(0);
    assert!(version.out.contains("simulated"), "{}", version.out);
    let info = engine.docker(&["info"]).expect(0);
    assert!(
        info.out.contains("no container runs") && info.out.contains("Is Manager: true"),
        "{}",
        info.out
    );
    let nodes =
        engine.docker(&["node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.ManagerStatus}}"]);
    assert_eq!(nodes.expect(0).out, "simulated Ready Leader\n");
    engine.docker(&["node", "inspect", "self", "--pretty"]).expect(0);
    let networks = engine.docker(&["network", "ls", "--format", "{{.Name}}"]).expect(0).out;
    for name in ["bridge", "host", "ingress", "none"] {
        assert!(networks.lines().any(|line| line == name), "{networks}");
    }
    let images = engine.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]).expect(0).out;
    assert!(images.contains("rollproof/app:v1"), "{images}");
}

#[test]
fn a_service_lives_as_on_a_real_engine() {
    let engine = Engine::up();
    let port = engine.place.port().to_string();
    let publish = format!("{port}:8000");
    let create = [
        "service",
        "create",
        "--detach",
        "--name",
        "web",
        "--replicas",
        "3",
        "--publish",
        &publish,
        "--health-interval",
        "1s",
        "--update-delay",
        "1s",
        "--env",
        "ROLLPROOF_SLOT={{.Task.Slot}}",
        "rollproof/app:v1",
    ];
    let id = engine.docker(&create).expect(0).out.trim().to_owned();
    engine.until_it_has("web", "3/3");

    // The port is open, and the replicas take turns.
    let url = format!("http://{}:{port}/", engine.place.published_host());
    let slots: std::collections::BTreeSet<String> = (0..9)
        .map(|_| {
            let answer =
                Command::new("curl").args(["-sS", "-o", "/dev/null", "-D", "-", &url]).output();
            let text = String::from_utf8(answer.unwrap().stdout).unwrap();
            let slot = text.lines().find_map(|line| line.strip_prefix("x-rollproof-slot: "));
            slot.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
        })
        .collect();
    assert_eq!(slots.len(), 3, "{slots:?}");

    let inspect = engine.docker(&["service", "inspect", "web"]).expect(0).json();
    assert_eq!(inspect[0]["ID"], id.as_str());
    assert_eq!(inspect[0]["Endpoint"]["Ports"][0]["PublishedPort"].to_string(), port);
    let pretty = engine.docker(&["service", "inspect", "--pretty", "web"]).expect(0);
    assert!(pretty.out.contains("Replicas:\t3"), "{}", pretty.out);
    let tasks = engine.docker(&["service", "ps", "--format", "{{.Name}} {{.DesiredState}}", "web"]);
    assert_eq!(tasks.expect(0).out, "web.1 Running\nweb.2 Running\nweb.3 Running\n");
    let logs = engine.docker(&["service", "logs", "--raw", "web"]).expect(0);
    assert_eq!(logs.out.matches("listening on").count(), 3, "{}", logs.out);
    assert_eq!(engine.docker(&["ps", "-q"]).expect(0).out.lines().count(), 3);

    // Without --detach the CLI waits for the update, as it does on a real engine.
    engine
        .docker(&["service", "update", "--quiet", "--image", "rollproof/app:v2", "web"])
        .expect(0);
    let state = [
        "service",
        "inspect",
        "--format",
        "{{.UpdateStatus.State}} {{.Spec.TaskTemplate.ContainerSpec.Image}}",
        "web",
    ];
    assert_eq!(engine.docker(&state).expect(0).out, "completed rollproof/app:v2\n");
    engine.docker(&["service", "rollback", "--quiet", "web"]).expect(0);
    assert_eq!(engine.docker(&state).expect(0).out, "rollback_completed rollproof/app:v1\n");
    engine.docker(&["service", "scale", "--detach", "web=5"]).expect(0);
    engine.until_it_has("web", "5/5");

    engine.docker(&["service", "rm", "web"]).expect(0);
    engine.docker(&["service", "inspect", "web"]).expect(1);
    until("the end of the containers", Duration::from_secs(30), || {
        engine.docker(&["ps", "-aq"]).expect(0).out.is_empty().then_some(())
    });
    let refused = Command::new("curl").args(["-sS", &url]).output().unwrap();
    assert!(!refused.status.success());
}

#[test]
fn a_broken_update_is_rolled_back_and_events_tell_it() {
    let engine = Engine::up();
    let create = [
        "service",
        "create",
        "--detach",
        "--name",
        "web",
        "--replicas",
        "2",
        "--health-interval",
        "1s",
        "--health-retries",
        "2",
        "--update-failure-action",
        "rollback",
        "--update-order",
        "start-first",
        "rollproof/app:v1",
    ];
    engine.docker(&create).expect(0);
    engine.until_it_has("web", "2/2");
    let before = jiff::Timestamp::now().to_string();
    let bad = ["service", "update", "--detach", "--health-cmd", "exit 1", "web"];
    engine.docker(&bad).expect(0);
    let state = ["service", "inspect", "--format", "{{.UpdateStatus.State}}", "web"];
    until("the rollback", Duration::from_secs(30), || {
        (engine.docker(&state).expect(0).out.trim() == "rollback_completed").then_some(())
    });
    let now = jiff::Timestamp::now().to_string();
    let events = [
        "events",
        "--since",
        &before,
        "--until",
        &now,
        "--filter",
        "type=service",
        "--format",
        "{{index .Actor.Attributes \"updatestate.new\"}}",
    ];
    let told = engine.docker(&events).expect(0).out;
    let states: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(states, ["updating", "rollback_started", "rollback_completed"]);
    let failed =
        engine.docker(&["service", "ps", "--no-trunc", "--format", "{{.Error}}", "web"]).expect(0);
    assert!(
        failed.out.contains("unhealthy container") || failed.out.trim().is_empty(),
        "{}",
        failed.out
    );
    let health = [
        "events",
        "--since",
        &before,
        "--until",
        &now,
        "--filter",
        "event=health_status",
        "--format",
        "{{.Action}}",
    ];
    let health = engine.docker(&health).expect(0).out;
    assert!(health.contains("health_status: unhealthy"), "{health}");
}

#[test]
fn a_stack_is_deployed_and_removed() {
    let engine = Engine::up();
    let place = &engine.place;
    place.file("text", "some text\n");
    place.file("word", "secret\n");
    let port = place.port();
    let file = place.file(
        "stack.yml",
        &format!(
            r#"version: "3.8"
services:
  app:
    image: rollproof/app:v1
    networks: [web]
    configs: [text]
    secrets: [word]
    healthcheck: {{ test: ["CMD", "/rollproof-app", "health"], interval: 1s }}
    deploy: {{ replicas: 2 }}
  other: {{ image: "example/anything:1", networks: [web], ports: ["{port}:80"] }}
configs: {{ text: {{ file: ./text }} }}
secrets: {{ word: {{ file: ./word }} }}
networks: {{ web: {{}} }}
"#
        ),
    );
    let deploy = ["stack", "deploy", "--detach", "-c", &file, "shop"];
    engine.docker(&deploy).expect(0);
    engine.until_it_has("shop_app", "2/2");
    engine.until_it_has("shop_other", "1/1");
    let status = ["service", "inspect", "--format", "{{.UpdateStatus}}", "shop_app"];
    let unchanged = engine.docker(&status).expect(0).out;
    engine.docker(&deploy).expect(0);
    assert_eq!(engine.docker(&status).expect(0).out, unchanged, "the same file changes nothing");
    assert_eq!(
        engine.docker(&["stack", "ls", "--format", "{{.Name}} {{.Services}}"]).expect(0).out,
        "shop 2\n"
    );
    let listed = engine
        .docker(&["stack", "services", "--format", "{{.Name}} {{.Replicas}}", "shop"])
        .expect(0);
    assert_eq!(listed.out, "shop_app 2/2\nshop_other 1/1\n");
    let config = engine.docker(&["config", "inspect", "--pretty", "shop_text"]).expect(0);
    assert!(config.out.contains("some text"), "{}", config.out);
    let secret = engine.docker(&["secret", "inspect", "shop_word"]).expect(0);
    assert!(!secret.out.contains("c2VjcmV0"), "a secret cannot be read: {}", secret.out);
    let used = engine.docker(&["config", "rm", "shop_text"]).expect(1);
    assert!(used.err.contains("is in use by the following service: shop_app"), "{}", used.err);
    // rollproof sees the same stack, and it is not its own.
    let foreign = place.run(&["update", "shop"]).expect(2);
    assert!(foreign.err.contains("shop"), "{}", foreign.err);
    engine.docker(&["stack", "rm", "shop"]).expect(0);
    until("the end of the stack", Duration::from_secs(30), || {
        engine
            .docker(&["network", "ls", "-q", "--filter", "name=shop"])
            .expect(0)
            .out
            .is_empty()
            .then_some(())
    });
}

#[test]
fn what_a_real_engine_refuses_is_refused_in_its_words() {
    let engine = Engine::up();
    let create = |name: &str, more: &[&str]| {
        let args =
            [&["service", "create", "--detach", "--name", name], more, &["rollproof/app:v1"]];
        engine.docker(&args.concat())
    };
    create("one", &["--publish", "18200:8000"]).expect(0);
    for (ended, words) in [
        (create("one", &[]), "name conflicts with an existing object: service one already exists"),
        (
            create("two", &["--publish", "18200:8000"]),
            "port '18200' is already in use by service 'one'",
        ),
        (create("-", &[]), "name must be valid as a DNS name component"),
        (create("two", &["--network", "nosuch"]), "network nosuch not found"),
        (create("two", &["--config", "nosuch"]), "config not found: nosuch"),
        (create("two", &["--mode", "replicated-job"]), "jobs are not part of the simulated engine"),
        (engine.docker(&["service", "rollback", "one"]), "does not have a previous spec"),
        (engine.docker(&["service", "inspect", "nosuch"]), "no such service: nosuch"),
        (engine.docker(&["network", "rm", "host"]), "pre-defined network"),
        (engine.docker(&["run", "rollproof/app:v1"]), "is not part of the simulated engine"),
    ] {
        assert_ne!(ended.code, 0, "{words}");
        assert!(ended.err.contains(words), "{words}: {}", ended.err);
    }
}

/// What tells tasks of several services apart: labels of their stack, the nodes of a global service.
#[test]
fn tasks_of_several_services_are_told_apart() {
    let engine = Engine::up();
    let create = |args: &[&str]| {
        let all = [&["service", "create", "--detach"], args, &["rollproof/app:v1"]].concat();
        engine.docker(&all).expect(0);
    };
    let label = "com.docker.stack.namespace=shop";
    create(&["--name", "shop_web", "--label", label]);
    create(&["--name", "all", "--mode", "global", "--no-healthcheck"]);
    create(&["--name", "nowhere", "--mode", "global", "--constraint", "node.labels.zone==x"]);
    engine.until_it_has("all", "1/1");
    engine.until_it_has("nowhere", "0/0");
    let names = engine.docker(&["stack", "ps", "shop", "--format", "{{.Name}}"]).expect(0).out;
    assert_eq!(names, "shop_web.1\n");
    let node = engine.docker(&["node", "ls", "--format", "{{.ID}}"]).expect(0).out;
    let filter = format!("name=all.{}", node.trim());
    let found = engine.docker(&["ps", "--format", "{{.Names}}"]).expect(0).out;
    assert!(found.contains(&filter["name=".len()..]), "{found}");

    // Events say what an update changes, and from which state a rollback comes.
    let update = ["service", "update", "--detach", "--image", "rollproof/app:v2", "shop_web"];
    engine.docker(&update).expect(0);
    let events = || {
        let format = "{{.Actor.Attributes}}";
        let args = ["events", "--since", "1h", "--until", "0s", "--format", format];
        engine.docker(&[&args[..], &["--filter", "type=service"]].concat()).expect(0).out
    };
    let told = |parts: &[&str]| {
        until(&parts.join(" "), Duration::from_secs(20), || {
            let all = events();
            all.lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(())
        });
    };
    told(&["image.new:rollproof/app:v2", "image.old:rollproof/app:v1"]);
    told(&["updatestate.new:updating"]);
    engine.docker(&["service", "rollback", "--detach", "shop_web"]).expect(0);
    told(&["updatestate.new:rollback_started", "updatestate.old:"]);
}
