//! What is predicted comes from the spec that the engine was sent, whatever a change alters in it.

use std::path::Path;

use rollproof::deploy::Change;
use rollproof::judge::{Limits, Prediction, judge};
use rollproof::record::{EventKind, Expects, RecordReader, Run};
use rollproof::stack::ServiceBody;
use rollproof::swarm::{SpecChange, UpdateState};
use rollproof::swarm_model::{Behaviour, Input, Names, Node, Version, simulate};
use serde_json::{Value, json};

use crate::swarm_model::{secs, sound};

/// Four replicas without a health check, updated two at a time and paused on failure.
fn naive() -> ServiceBody {
    ServiceBody::new(json!({
        "Name": "demo_app",
        "TaskTemplate": {
            "ContainerSpec": {"Image": "shop:1", "Healthcheck": {"Test": ["NONE"]}},
            "Networks": [{"Target": "demo_web"}],
        },
        "Mode": {"Replicated": {"Replicas": 4}},
        "UpdateConfig": {"Parallelism": 2, "Monitor": 5_000_000_000_u64},
        "RollbackConfig": {"Parallelism": 2},
    }))
}

/// The same with a quick health check, rolled back on failure.
fn checked() -> ServiceBody {
    let mut body = naive().as_value().clone();
    body["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = json!({
        "Test": ["CMD", "true"], "Interval": 1_000_000_000, "Timeout": 1_000_000_000, "Retries": 2,
    });
    body["UpdateConfig"]["FailureAction"] = json!("rollback");
    ServiceBody::new(body)
}

fn changed(before: &ServiceBody, changes: &[&str]) -> ServiceBody {
    let mut after = before.clone();
    for change in changes {
        Change::parse(change).unwrap().apply(&mut after);
    }
    after
}

/// A run of one update, as an engine does it that was sent `after`: the model plays that engine.
fn run(before: &ServiceBody, after: &ServiceBody, image: Option<&Value>, new: Behaviour) -> Run {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/new-version-404");
    let mut run = RecordReader::open(&folder).unwrap();
    let change = SpecChange::between(before, after, &|_| image.cloned());
    let input = Input {
        old: Version { spec: change.before.clone(), behaviours: sound().into() },
        new: Version { spec: change.after.clone(), behaviours: new.into() },
        replaces: change.replaces,
        nodes: vec![Node::default(); usize::try_from(run.meta.engine.nodes).unwrap()],
        engine: rollproof::swarm::EngineVersion::parse(&run.meta.engine.version).unwrap(),
        ..Input::sound(change.before.clone(), secs(0.5), secs(0.1))
    };
    // What is known of the stack is what was deployed.
    let stack = &mut run.meta.stack;
    "demo_app".clone_into(&mut stack.service);
    stack.replicas = change.before.replicas;
    stack.update_config = change.before.update.clone();
    stack.rollback_config = change.before.rollback.clone();
    stack.healthcheck.clone_from(&change.before.health);
    let names = Names {
        service: "demo_app".to_owned(),
        scenario: "update".to_owned(),
        expects: Expects::Update,
        change: "something".to_owned(),
        images: ["shop:1".to_owned(), "shop:2".to_owned()],
    };
    run.events = simulate(&input).events(&names, secs(5.0));
    run.shots.clear();
    for event in &mut run.events {
        if let EventKind::Submitted { specs, .. } = &mut event.kind {
            *specs = Some(Box::new(change.clone()));
        }
    }
    run
}

fn predicted(run: &Run) -> Prediction {
    judge(run, &Limits::default()).scenarios[0].prediction.clone().unwrap()
}

/// As of a record of version 0.1.0.
fn without_specs(mut run: Run) -> Run {
    for event in &mut run.events {
        if let EventKind::Submitted { specs, .. } = &mut event.kind {
            *specs = None;
        }
    }
    run
}

#[test]
fn a_broken_health_check_where_there_was_none_has_the_engines_timings() {
    let after = changed(&naive(), &["health-cmd=false"]);
    let broken = Behaviour { stop: sound().stop, ..sound().never_healthy() };
    let run = run(&naive(), &after, None, broken);
    let prediction = predicted(&run);
    assert_eq!(prediction.difference, None);
    let paused = prediction.states.last().unwrap();
    assert_eq!(paused.state, UpdateState::Paused);
    // Three checks, each 30 s after the one before.
    assert!(paused.at_s > secs(90.0), "{paused:?}");
    // What the stack says alone is another story.
    assert!(predicted(&without_specs(run)).difference.is_some());
}

#[test]
fn the_images_timings_count_where_the_service_has_none() {
    let after = changed(&naive(), &["health-cmd=false"]);
    let image = json!({"Test": ["CMD", "true"], "Interval": 2_000_000_000, "Retries": 2});
    let run = run(&naive(), &after, Some(&image), sound().never_healthy());
    let prediction = predicted(&run);
    assert_eq!(prediction.difference, None);
    let paused = prediction.states.last().unwrap();
    assert!(paused.at_s > secs(4.0) && paused.at_s < secs(15.0), "{paused:?}");
}

#[test]
fn every_setting_that_a_change_can_alter_counts() {
    let broken = || sound().never_healthy();
    let crash = || sound().exits(secs(7.0), 1);
    let image = ["image=shop:2"];
    for (before, changes, new) in [
        (checked(), vec!["health-cmd=false"], broken()),
        (checked(), vec!["health-interval=5s", "health-retries=3"], broken()),
        (checked(), vec!["health-start-period=12s"], broken()),
        (checked(), vec!["no-healthcheck=true"], crash()),
        (checked(), vec!["image=shop:2", "update-monitor=20s"], crash()),
        (checked(), vec!["image=shop:2", "update-parallelism=1", "update-delay=6s"], sound()),
        (checked(), vec!["image=shop:2", "update-order=start-first"], sound()),
        (checked(), vec!["image=shop:2", "update-failure-action=continue"], broken()),
        (checked(), vec!["image=shop:2", "update-max-failure-ratio=1"], broken()),
        // A rollback goes by the settings of the version that it returns to.
        (checked(), vec!["image=shop:2", "rollback-parallelism=1", "rollback-delay=9s"], broken()),
        (checked(), vec!["image=shop:2", "replicas=6"], sound()),
        (checked(), vec!["image=shop:2", "replicas=2"], sound()),
        (naive(), vec!["image=shop:2", "restart-delay=12s"], crash()),
        (naive(), vec!["image=shop:2", "stop-grace-period=40s"], sound()),
    ] {
        let after = changed(&before, &changes);
        let run = run(&before, &after, None, new);
        let prediction = predicted(&run);
        assert_eq!(prediction.difference, None, "{changes:?}");
    }
    // A host-mode port, which a start-first update waits for in vain.
    let mut ported = checked().as_value().clone();
    ported["EndpointSpec"] = json!({"Ports": [
        {"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host", "Protocol": "tcp"},
    ]});
    ported["Mode"]["Replicated"]["Replicas"] = json!(1);
    let ported = ServiceBody::new(ported);
    let after = changed(&ported, &[image[0], "update-order=start-first"]);
    let run = run(&ported, &after, None, sound());
    let prediction = predicted(&run);
    assert_eq!((prediction.difference, prediction.finished_s), (None, None));
}

/// What is explained and judged goes by the settings that were at work, too.
#[test]
fn explanations_and_checks_have_the_settings_that_were_sent() {
    let after = changed(&checked(), &["image=shop:2", "update-parallelism=4", "update-delay=6s"]);
    let run = run(&checked(), &after, None, sound());
    let told = rollproof::plan::explain(&run);
    let rules: Vec<&str> = told[0].steps.iter().map(|step| step.rule.as_str()).collect();
    assert!(rules.contains(&"4 slots at a time"), "{rules:?}");
    let judged = judge(&run, &Limits::default());
    let capacity = judged.scenarios[0].checks.iter().find(|check| check.name == "capacity");
    assert_eq!(capacity.unwrap().limit, "at least 0 running");
}

/// A report says it, too: start-first, and failures that nothing acts on and nothing restarts.
#[test]
fn an_update_that_never_rests_is_predicted_so() {
    let churning =
        ["restart-condition=none", "update-order=start-first", "update-failure-action=continue"];
    for (settings, churns) in [(&churning[..], true), (&churning[1..], false)] {
        let before = changed(&checked(), settings);
        let after = changed(&before, &["image=shop:2"]);
        let prediction = predicted(&run(&before, &after, None, sound().never_healthy()));
        assert_eq!(prediction.churns, churns, "{settings:?}: {prediction:?}");
        assert_eq!(prediction.states.last().unwrap().state, UpdateState::Completed);
    }
}
