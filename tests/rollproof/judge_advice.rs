//! What decides a failed scenario, and the lines that fix it.

use rollproof::Offset;
use rollproof::judge::{Advice, Cause, Judgement, Verdict};
use rollproof::record::{
    EndReason, EntryFacts, EventKind, Expects, Outcome, Purpose, Shot, SpecMatch,
};
use rollproof::swarm::{FailureAction, Order, TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, SUBMIT, Story, broken, check, fail, good_rollback, good_update,
    healthcheck, judge, nothing,
};

const PAUSED: &str = "update paused due to failure or early termination of task ";

/// A broken update after which Swarm is in `state`; `change` sets the stack up.
pub fn broken_update(state: UpdateState, change: impl Fn(&mut Story)) -> Judgement {
    let mut story = Story::new(2);
    change(&mut story);
    story.scenario("broken-update", Expects::Rollback);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let mut broken = String::new();
    for slot in [2, 5] {
        let ended = story.stop(slot, SUBMIT + 0.1);
        broken = story.start_broken(slot, 2, ended + 0.2);
    }
    story.state(SUBMIT + 7.7, state, &format!("{PAUSED}{broken}"));
    story.end(SUBMIT + 15.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 15.5, nothing);
    judge(&story.finish())
}

fn advice(judgement: &Judgement) -> &Advice {
    judgement.scenarios[0].advice.as_ref().unwrap()
}

pub fn places(story: &mut Story, places: &[(&str, &str)]) {
    let places = places.iter().map(|(key, place)| ((*key).to_owned(), (*place).to_owned()));
    story.run.meta.stack.places = places.collect();
}

#[test]
fn checks_that_fail_for_one_reason_give_one_advice() {
    let judgement = broken_update(UpdateState::Paused, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Pause;
        places(story, &[("service", "stack.yml:3"), ("update_config", "stack.yml:21")]);
    });
    let names =
        ["rollback-happened", "rollback-completed", "spec-restored", "every-slot-on-old-version"];
    assert_eq!(broken(&judgement), names);
    assert_eq!(
        advice(&judgement),
        &Advice {
            because: "update_config.failure_action is \"pause\" (the default): slot 5 became \
                      unhealthy after 5.60 s and Swarm stopped there"
                .to_owned(),
            place: Some("stack.yml:21".to_owned()),
            block: Some("deploy"),
            lines: vec!["update_config:".to_owned(), "  failure_action: rollback".to_owned()],
            text: None,
            rule: Some("SRU011"),
        }
    );
    let headline = "no rollback: Swarm paused the update: slot 5 became unhealthy after 5.60 s";
    assert_eq!(judgement.headline, headline);
    let remedy = check(&judgement.scenarios[0], "rollback-happened").remedy.as_ref().unwrap();
    assert!(remedy.starts_with("set `update_config.failure_action: rollback`"), "{remedy}");
}

#[test]
fn a_setting_has_its_own_place_and_is_no_default() {
    let judgement = broken_update(UpdateState::Paused, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Pause;
        let own = ("update_config.failure_action", "stack.yml:24");
        places(story, &[("service", "stack.yml:3"), ("update_config", "stack.yml:21"), own]);
    });
    let advice = advice(&judgement);
    assert_eq!(advice.place.as_deref(), Some("stack.yml:24"));
    assert!(
        advice.because.starts_with("update_config.failure_action is \"pause\": "),
        "{advice:?}"
    );
}

#[test]
fn a_failure_that_swarm_did_not_count_gets_a_longer_monitor() {
    let judgement = broken_update(UpdateState::Completed, |story| {
        story.run.meta.stack.healthcheck = Some(healthcheck());
        story.run.meta.stack.update_config.monitor = 2.0;
    });
    // The last tasks failed before they ran. Swarm looks at that after the delay of 2 s, and may
    // need half a second more: the next whole second is 3 s.
    assert_eq!(advice(&judgement).lines, ["update_config:", "  monitor: 3s"]);
    let because = "slot 5 became unhealthy after 5.60 s, and Swarm did not count it: \
                   update_config.monitor is 2 s";
    assert_eq!(advice(&judgement).because, because);

    let judgement = broken_update(UpdateState::Completed, |story| {
        story.run.meta.stack.update_config.max_failure_ratio = 0.5;
    });
    assert_eq!(advice(&judgement).lines, ["update_config:", "  max_failure_ratio: 0"]);

    let judgement = broken_update(UpdateState::Completed, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Continue;
    });
    assert_eq!(advice(&judgement).lines, ["update_config:", "  failure_action: rollback"]);
}

#[test]
fn a_good_update_that_swarm_pauses_needs_a_version_that_works() {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let ended = story.stop(2, SUBMIT + 0.1);
    let broken = story.start_broken(2, 2, ended + 0.2);
    story.state(SUBMIT + 7.7, UpdateState::Paused, &format!("{PAUSED}{broken}"));
    story.end(SUBMIT + 15.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 15.5, nothing);
    let judgement = judge(&story.finish());
    let advice = advice(&judgement);
    let because = "Swarm paused the update: slot 2 became unhealthy after 5.60 s";
    assert_eq!((advice.because.as_str(), advice.lines.len()), (because, 0));
    assert!(advice.text.as_ref().unwrap().contains("health check"), "{advice:?}");
}

#[test]
fn all_replicas_at_once_become_a_third() {
    let mut story = Story::new(0);
    story.scenario("update", Expects::Update);
    for slot in 1..=6 {
        story.replace(slot, 2, SUBMIT + 0.1);
    }
    story.state(SUBMIT + 11.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 13.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 13.5, nothing);
    let judgement = judge(&story.finish());
    let advice = advice(&judgement);
    assert_eq!(advice.lines, ["update_config:", "  parallelism: 2"]);
    assert_eq!(
        advice.because,
        "update_config.parallelism is 0, all 6 replicas at once: no replica was serving for 4.40 s"
    );
    assert_eq!(judgement.headline, "680 of 3,600 requests lost, longest outage 3.40 s (18.0 s)");
}

/// The proxy keeps asking replicas that are gone for some time after the outage.
#[test]
fn an_outage_decides_even_if_its_edges_lose_more() {
    let mut story = Story::new(0);
    story.scenario("update", Expects::Update);
    for slot in 1..=6 {
        story.replace(slot, 2, SUBMIT + 0.1);
    }
    story.state(SUBMIT + 11.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 13.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 13.5, |at, shot| {
        if (SUBMIT + 4.0..SUBMIT + 9.0).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        } else {
            shot.outcome = Outcome::Ok;
        }
    });
    let judgement = judge(&story.finish());
    let causes = &judgement.scenarios[0].causes;
    assert_ne!(causes[0].cause, Cause::NoHealthyReplica, "{causes:?}");
    let advice = advice(&judgement);
    assert_eq!(advice.lines, ["update_config:", "  parallelism: 2"], "{causes:?}");
}

/// A start-first update whose new task waits for the host port of the old one.
pub fn host_port_in_use(parallelism: u64) -> Judgement {
    let mut story = Story::new(parallelism);
    story.run.meta.stack.update_config.order = Order::StartFirst;
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let id = story.add(1, 2, SUBMIT + 0.2);
    "no suitable node (host-mode port already in use on 1 node)"
        .clone_into(&mut story.task(&id).error);
    story.see(&id, SUBMIT + 0.3, TaskState::Pending, TaskState::Running);
    let text = "waited 30 s for the update to end".to_owned();
    story.end(SUBMIT + 30.0, SpecMatch::Submitted, EndReason::Deadline { text });
    story.shots(SUBMIT + 30.5, nothing);
    judge(&story.finish())
}

#[test]
fn a_host_port_that_the_old_task_holds_needs_stop_first() {
    let judgement = host_port_in_use(1);
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(advice(&judgement).lines, ["update_config:", "  order: stop-first"]);
    assert!(judgement.headline.contains("slot 1 could not be placed"), "{}", judgement.headline);
    assert!(
        check(&judgement.scenarios[0], "every-slot-on-new-version").because
            == "all 6 replicas still run the previous version"
    );
}

#[test]
fn what_no_setting_fixes_is_a_sentence() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    let judgement = judge(&story.finish());
    let advice = advice(&judgement);
    assert!(advice.lines.is_empty() && advice.place.is_none());
    assert!(advice.text.as_ref().unwrap().contains("SIGTERM"));
    assert!(advice.because.starts_with("80 requests lost: sent to a task"), "{}", advice.because);
    let headline = "80 of 6,320 requests lost, longest outage 400 ms (31.6 s)";
    assert_eq!(judgement.headline, headline);
}

#[test]
fn a_passed_scenario_has_no_advice_and_a_headline() {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.scenarios[0].advice, None);
    let headline = "no request lost in the broken update (4,520 requests, 22.6 s)";
    assert_eq!(judgement.headline, headline);
}

#[test]
fn a_headline_says_where_an_outage_was_seen() {
    let lossy = |from: f64, to: f64| {
        move |at: f64, shot: &mut Shot| {
            if (from..to).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        }
    };
    let headline = |published: (f64, f64)| {
        let mut story = good_update();
        story.stream("overlay-fresh", Purpose::Users);
        story.stream("control", Purpose::Control);
        story.shots(GOOD_END + 0.5, lossy(published.0, published.1));
        story.shots_of(1, GOOD_END + 0.5, lossy(13.4, 14.6));
        story.shots_of(2, GOOD_END + 0.5, nothing);
        judge(&story.finish()).headline
    };
    let inside = "240 of 12,640 requests lost, longest outage 1.20 s (inside the network only) \
                  (31.6 s)";
    assert_eq!(headline((0.0, 0.0)), inside);
    let both = "280 of 12,640 requests lost, longest outage 200 ms (31.6 s)";
    assert_eq!(headline((13.4, 13.6)), both, "the published ports come first");
}

#[test]
fn an_inconclusive_headline_says_why() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let mut run = story.finish();
    run.events.retain(|event| event.seen < Offset::from_millis(20_000));
    run.incomplete = Some("it was not closed".to_owned());
    let headline = judge(&run).headline;
    assert_eq!(headline, "inconclusive: the record is not whole: it was not closed");
}

#[test]
fn the_failed_health_check_is_the_cause_whatever_the_exit_code() {
    let mut story = good_rollback();
    let task = story.tasks.iter_mut().rfind(|task| task.generation == 2).unwrap();
    let id = task.task.clone();
    for event in &mut story.run.events {
        if let EventKind::Task(task) = &mut event.kind
            && task.task == id
            && task.state == TaskState::Failed
        {
            (task.state, task.exit_code) = (TaskState::Complete, Some(0));
            task.error.clear();
        }
    }
    let error = |story: Story| {
        let judgement = judge(&story.finish());
        judgement.scenarios[0].rollback.clone().unwrap().trigger_error.unwrap()
    };
    story.shots(ROLLBACK_END + 0.5, nothing);
    story.health_check_failed(&id, SUBMIT + 5.6);
    let expected = "became unhealthy: 3 checks failed: \"wget: can't connect to remote host \
                    (127.0.0.1:1)\"";
    assert_eq!(error(story), expected);
}

#[test]
fn the_fix_for_one_replica_depends_on_who_publishes_the_port() {
    let fix = |service: &str, host_port: bool| {
        let mut story = Story::new(1);
        story.run.meta.stack.healthcheck = Some(healthcheck());
        story.run.meta.stack.entry = Some(EntryFacts {
            service: service.to_owned(),
            replicas: Some(1),
            host_port,
            moved: false,
            order: Order::StopFirst,
        });
        story.run.events.retain(|event| match &event.kind {
            EventKind::Task(task) => task.slot == 1,
            _ => true,
        });
        story.scenario("update", Expects::Update);
        for event in &mut story.run.events {
            if let EventKind::ScenarioStarted { replicas, .. } = &mut event.kind {
                *replicas = 1;
            }
        }
        story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
        story.replace(1, 2, SUBMIT + 0.1);
        story.state(SUBMIT + 15.0, UpdateState::Completed, "update completed");
        story.end(SUBMIT + 17.0, SpecMatch::Submitted, EndReason::Settled);
        story.shots(SUBMIT + 17.5, |at, shot| {
            shot.outcome = Outcome::Ok;
            shot.replica = None;
            if (SUBMIT + 1.2..SUBMIT + 4.6).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
        let judgement = judge(&story.finish());
        let scenario = &judgement.scenarios[0];
        assert_eq!(scenario.causes[0].cause, Cause::NoHealthyReplica);
        scenario.advice.clone().unwrap()
    };
    let direct = fix("demo_app", true);
    assert!(direct.lines.is_empty() && direct.text.unwrap().contains("another proxy"));
    assert_eq!(fix("demo_app", false).lines[1], "  order: start-first");
    assert_eq!(fix("demo_proxy", true).lines[1], "  order: start-first");
}
