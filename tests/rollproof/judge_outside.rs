//! What costs requests besides the service under test: proxies, nodes, engines, and what was
//! there before.

use rollproof::Offset;
use rollproof::judge::{Cause, Judgement, NodeChange, Verdict};
use rollproof::record::{
    ContainerAction, EndReason, EntryFacts, Event, EventKind, Expects, MachineLoad, NodeSeen,
    Outcome, Purpose, SpecMatch, TaskSeen,
};
use rollproof::swarm::{Order, TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, REPLICAS, SUBMIT, Story, broken, check, fail, good_update, healthcheck, judge,
    nothing,
};

const PROXY: &str = "demo_proxy";

/// One sight of a task of the proxy.
fn proxy(story: &mut Story, id: &str, at: f64, state: TaskState, desired: TaskState) {
    story.event(
        at,
        EventKind::Task(TaskSeen {
            task: id.to_owned(),
            service: PROXY.to_owned(),
            slot: 1,
            node: "node1".to_owned(),
            generation: 1,
            image: "caddy:2".to_owned(),
            state,
            desired,
            message: String::new(),
            error: String::new(),
            exit_code: None,
            container: format!("{id}c"),
            addresses: vec![],
        }),
    );
}

/// That a service with one replica publishes the port, stop-first.
fn entry(service: &str, host_port: bool) -> EntryFacts {
    let (service, order) = (service.to_owned(), Order::StopFirst);
    EntryFacts { service, replicas: Some(1), host_port, moved: false, order }
}

/// A good update, and a proxy of which one task ends at 16 s and the next runs from 19 s on.
fn with_proxy() -> Story {
    let mut story = good_update();
    proxy(&mut story, "p1", -30.0, TaskState::Running, TaskState::Running);
    proxy(&mut story, "p1", 16.0, TaskState::Shutdown, TaskState::Shutdown);
    proxy(&mut story, "p2", 19.0, TaskState::Running, TaskState::Running);
    story
}

fn causes(judgement: &Judgement) -> Vec<Cause> {
    judgement.scenarios[0].causes.iter().map(|group| group.cause).collect()
}

#[test]
fn requests_that_are_refused_while_no_proxy_runs_are_the_proxys() {
    let mut story = with_proxy();
    story.run.meta.stack.entry = Some(entry(PROXY, false));
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (16.0..19.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(causes(&judgement), [Cause::ProxyNotRunning]);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert!(advice.because.contains("no task of demo_proxy was running"), "{advice:?}");
    let fix = advice.text.as_deref().unwrap();
    assert!(fix.contains("demo_proxy") && fix.contains("start-first"), "{fix}");
    let nearest = judgement.scenarios[0].failures[0].nearest.as_ref().unwrap();
    assert_eq!(nearest.service.as_deref(), Some(PROXY));
}

/// It takes no new connection from its signal on, and ends only when long requests are done.
#[test]
fn a_proxy_that_finishes_long_requests_is_being_stopped() {
    let mut story = with_proxy();
    story.run.meta.stack.entry = Some(entry(PROXY, true));
    story.event(
        11.5,
        EventKind::Container {
            container: "p1c".to_owned(),
            task: "p1".to_owned(),
            service: PROXY.to_owned(),
            action: ContainerAction::Kill,
            exit_code: None,
            signal: Some(15),
        },
    );
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.0..14.5).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(causes(&judgement), [Cause::ProxyStopping], "{:#?}", judgement.scenarios[0].causes);
}

#[test]
fn start_first_is_no_advice_for_a_host_port() {
    for ipvs in [false, true] {
        let mut story = with_proxy();
        story.run.meta.engine.ipvs = ipvs;
        story.run.meta.stack.entry = Some(entry(PROXY, true));
        story.shots(GOOD_END + 0.5, |at, shot| {
            if (16.0..19.0).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
        let judgement = judge(&story.finish());
        let advice = judgement.scenarios[0].advice.as_ref().unwrap();
        assert!(advice.lines.is_empty());
        let text = advice.text.as_deref().unwrap();
        assert!(text.contains("another proxy that is never updated"), "{text}");
        // Ingress mode needs IPVS.
        assert_eq!(text.contains("mode: ingress"), ipvs, "{text}");
    }
}

#[test]
fn a_service_that_users_do_not_ask_is_no_proxy() {
    // Requests are answered while it is away.
    let mut story = with_proxy();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (16.0..16.2).contains(&at) {
            fail(shot, Outcome::Reset, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert!(!causes(&judgement).contains(&Cause::ProxyNotRunning), "{:?}", causes(&judgement));
}

fn node(story: &mut Story, at: f64, state: &str, availability: &str) {
    story.event(
        at,
        EventKind::Node(NodeSeen {
            node: "node2".to_owned(),
            hostname: "worker-2".to_owned(),
            state: state.to_owned(),
            availability: availability.to_owned(),
            manager: false,
            reachability: String::new(),
            message: String::new(),
        }),
    );
}

/// Slots 1 and 2 run on a second node; nothing is updated but slot 6.
fn two_nodes() -> Story {
    let mut story = Story::new(1);
    story.run.meta.engine.nodes = 2;
    story.run.meta.stack.healthcheck = Some(healthcheck());
    for event in &mut story.run.events {
        if let EventKind::Task(task) = &mut event.kind
            && task.slot <= 2
        {
            "node2".clone_into(&mut task.node);
        }
    }
    for task in story.tasks.iter_mut().filter(|task| task.slot <= 2) {
        "node2".clone_into(&mut task.node);
    }
    node(&mut story, 0.0, "ready", "active");
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    story.replace(REPLICAS, 2, SUBMIT + 0.1);
    story
}

fn tell_to_stop(story: &mut Story, slot: u64, at: f64) {
    let id = story.current(slot);
    let task = story.task(&id);
    task.desired = TaskState::Shutdown;
    let kind = EventKind::Task(task.clone());
    let (at, seen) = (Offset::from_secs_f64(-20.0), Offset::from_secs_f64(at));
    story.run.events.push(Event { at, seen, kind });
}

#[test]
fn a_node_that_goes_down_is_the_cause_of_what_hung() {
    let mut story = two_nodes();
    node(&mut story, 31.0, "down", "active");
    for slot in [1, 2] {
        tell_to_stop(&mut story, slot, 31.1);
    }
    for second in 0..60 {
        let load = MachineLoad { busy: 1_000, stolen: 0, waiting: Some(900) };
        story.event(f64::from(second), EventKind::Machine(load));
    }
    story.state(60.0, UpdateState::Paused, "update paused");
    story.end(62.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(62.5, |at, shot| {
        let lost = shot.replica.as_deref().is_some_and(|name| name < "000003");
        if lost && (15.0..31.5).contains(&at) {
            fail(shot, Outcome::Timeout, 4.0);
        } else if lost && at >= 31.5 {
            shot.replica = Some("000003000003".into());
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail, "a busy machine does not explain it");
    assert_eq!(causes(&judgement), [Cause::NodeLost]);
    let text = &judgement.scenarios[0].causes[0].text;
    assert!(text.starts_with("node worker-2 went down; Swarm noticed 16.0 s after"), "{text}");
    assert_eq!(judgement.scenarios[0].nodes[0].change, NodeChange::Down);
}

#[test]
fn a_drained_node_is_the_cause_and_its_tasks_did_not_fail() {
    let mut story = two_nodes();
    node(&mut story, 20.0, "ready", "drain");
    for slot in [1, 2] {
        story.stop(slot, 20.0);
        story.start(slot, 2, 24.0);
    }
    story.state(40.0, UpdateState::Completed, "update completed");
    story.end(42.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(42.5, |at, shot| {
        if (23.2..23.4).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.002);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(causes(&judgement), [Cause::NodeLost]);
    assert!(judgement.scenarios[0].causes[0].text.starts_with("node worker-2 was drained;"));
    let capacity = check(&judgement.scenarios[0], "capacity");
    assert!(capacity.because.contains("node worker-2 was drained"), "{}", capacity.because);
}

#[test]
fn an_engine_that_is_lost_is_the_only_reason() {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    story.stop(3, SUBMIT + 0.1);
    story.event(SUBMIT + 4.0, EventKind::ObserverLost { text: "connection refused".to_owned() });
    let reason = EndReason::EngineLost { text: "connection refused".to_owned() };
    story.end(SUBMIT + 14.0, SpecMatch::Unknown, reason);
    story.shots(SUBMIT + 14.5, |at, shot| {
        if at >= SUBMIT + 3.0 {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(causes(&judgement), [Cause::EngineLost]);
    assert_eq!(judgement.because, ["update: the engine was lost: connection refused"]);
}

#[test]
fn what_failed_long_before_the_engine_was_lost_is_proof() {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    story.stop(3, SUBMIT + 0.1);
    story.event(SUBMIT + 20.0, EventKind::ObserverLost { text: "connection refused".to_owned() });
    let reason = EndReason::EngineLost { text: "connection refused".to_owned() };
    story.end(SUBMIT + 30.0, SpecMatch::Unknown, reason);
    story.shots(SUBMIT + 30.5, |at, shot| {
        if (SUBMIT + 3.2..SUBMIT + 3.4).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.001);
        }
    });
    assert_eq!(judge(&story.finish()).verdict, Verdict::Fail);
}

#[test]
fn an_outage_that_began_before_the_change_belongs_to_the_time_before_it() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (6.0..15.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(causes(&judgement), [Cause::BeforeUpdate]);
}

#[test]
fn failures_of_another_kind_are_proof_whatever_the_baseline_lost() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if at < 1.0 {
            fail(shot, Outcome::Late, 1.2);
        } else if (13.2..13.4).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    assert_eq!(judge(&story.finish()).verdict, Verdict::Fail);

    // The same kind, but ten times as often.
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        let often = if at < SUBMIT { 0.02 } else { 0.3 };
        if at.fract() < often {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    assert_eq!(judge(&story.finish()).verdict, Verdict::Fail);
}

#[test]
fn an_outage_without_an_end_says_so() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if at >= 20.0 {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert!(judgement.headline.contains("still failing when probing stopped"));

    let mut story = good_update();
    story.shots(GOOD_END + 2.0, |at, shot| {
        if (20.0..GOOD_END + 1.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert!(!judgement.headline.contains("still failing"), "{}", judgement.headline);
}

#[test]
fn tasks_that_failed_before_the_scenario_are_no_reason() {
    let mut story = Story::new(2);
    // The same template failed in an earlier run.
    let id = story.start_broken(4, 2, -15.0);
    story.task(&id).error = "task: non-zero exit (255)".to_owned();
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    story.state(SUBMIT + 5.0, UpdateState::Paused, "update paused");
    story.end(SUBMIT + 10.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 10.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    let text = format!("{:?} {:?}", judgement.because, judgement.scenarios[0].advice);
    assert!(!text.contains("slot 4") && !text.contains("unhealthy"), "{text}");
}

#[test]
fn a_healthy_version_that_answers_wrongly_is_named_with_its_status() {
    let mut story = good_update();
    story.run.meta.stack.healthcheck = Some(healthcheck());
    let new: Vec<String> = story
        .tasks
        .iter()
        .filter(|task| task.generation == 2)
        .map(|task| task.container[..12].to_owned())
        .collect();
    story.stream("each-replica", Purpose::EachReplica);
    story.shots(GOOD_END + 0.5, |_, shot| {
        if shot.replica.as_deref().is_some_and(|name| new.iter().any(|one| one == name)) {
            shot.outcome = Outcome::AppError;
            shot.status = Some(500);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(causes(&judgement), [Cause::WrongAnswer]);
    let group = &judgement.scenarios[0].causes[0];
    assert_eq!(group.text, "every replica of the new version answered with status 500");
    assert_eq!(group.answers.len(), 6);
    assert!(group.answers.iter().all(|one| one.answered == 0 && one.status == Some(500)));
    assert!(broken(&judgement).contains(&"no-failed-requests"));
}

/// A proxy under test passes on the names of the replicas behind it, so nothing is known of its own. The
/// same names at another service's port are those of strangers.
#[test]
fn the_names_of_replicas_behind_a_proxy_are_not_its_own() {
    let asked_at = |asked: &str| {
        let mut story = good_update();
        proxy(&mut story, "abcdef12345", -30.0, TaskState::Running, TaskState::Running);
        story.run.meta.stack.entry = Some(entry(asked, false));
        story.shots(GOOD_END + 0.5, |_, shot| {
            shot.replica = Some("abcdef12345c".into());
            shot.slot = None;
        });
        judge(&story.finish())
    };
    let itself = asked_at("demo_app");
    let checks = &itself.scenarios[0].checks;
    assert!(checks.iter().all(|check| check.name != "replicas-seen"), "{checks:#?}");
    assert!(itself.caveats.iter().any(|caveat| caveat.contains("do not say which replica")));
    let other = asked_at(PROXY);
    assert_eq!(check(&other.scenarios[0], "replicas-seen").verdict, Verdict::Inconclusive);
}
