//! What the judge says to change is what `lint` says: one fault has one answer.

use rollproof::judge::{Advice, Judgement};
use rollproof::lint::{Conditions, Finding, RULES, lint};
use rollproof::record::{EndReason, Expects, Outcome, SpecMatch};
use rollproof::stack::{Sources, load};
use rollproof::swarm::{FailureAction, Order, UpdateState};

use crate::judge_advice::{broken_update, host_port_in_use};
use crate::judge_story::{SUBMIT, Story, fail, judge, nothing};

/// What `lint` finds by a rule in a service with these lines.
fn found(rule: &str, service: &str) -> Finding {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("services:\n  app:\n    image: shop:1\n{service}");
    std::fs::write(folder.path().join("stack.yml"), text).unwrap();
    let sources = Sources {
        files: vec!["stack.yml".to_owned()],
        cwd: folder.path().into(),
        ..Sources::default()
    };
    let findings = lint(&load(&sources).unwrap(), None, &Conditions::default()).unwrap().list;
    let known: Vec<&str> = findings.iter().map(|one| one.rule.number).collect();
    let at = known.iter().position(|number| *number == rule);
    findings[at.unwrap_or_else(|| panic!("no {rule} in {known:?}"))].clone()
}

fn advice(judgement: &Judgement) -> Advice {
    judgement.scenarios[0].advice.clone().unwrap()
}

#[track_caller]
fn same(advice: &Advice, finding: &Finding) {
    assert_eq!(advice.rule, Some(finding.rule.number), "{advice:?}");
    assert_eq!(advice.lines, finding.fix.lines);
    assert_eq!(advice.block, finding.fix.block);
    assert!(finding.fix.because.is_some(), "{finding:?}");
}

/// All replicas stop at once, and their requests are lost.
fn outage(change: impl Fn(&mut Story)) -> Judgement {
    let mut story = Story::new(0);
    change(&mut story);
    story.scenario("update", Expects::Update);
    for slot in 1..=6 {
        story.replace(slot, 2, SUBMIT + 0.1);
    }
    story.state(SUBMIT + 11.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 13.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 13.5, nothing);
    judge(&story.finish())
}

#[test]
fn a_failed_update_that_pauses_or_goes_on() {
    let of = |action: FailureAction, state| {
        advice(&broken_update(state, |story| {
            story.run.meta.stack.update_config.failure_action = action;
        }))
    };
    let pauses = "    deploy: {replicas: 6, update_config: {parallelism: 2}}\n";
    same(&of(FailureAction::Pause, UpdateState::Paused), &found("SRU011", pauses));
    let goes_on = "    deploy: {replicas: 6, update_config: {failure_action: continue}}\n";
    same(&of(FailureAction::Continue, UpdateState::Completed), &found("SRU012", goes_on));
    let tolerated = advice(&broken_update(UpdateState::Completed, |story| {
        story.run.meta.stack.update_config.max_failure_ratio = 0.5;
    }));
    let half = "    deploy: {replicas: 6, update_config: {max_failure_ratio: 0.5}}\n";
    same(&tolerated, &found("SRU026", half));
}

#[test]
fn a_start_first_update_that_pauses_gets_its_rollback_too() {
    let pauses = "    deploy: {replicas: 6, update_config: {order: start-first}}\n";
    let judged = advice(&broken_update(UpdateState::Paused, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Pause;
        story.run.meta.stack.update_config.order = Order::StartFirst;
    }));
    same(&judged, &found("SRU011", pauses));
    assert!(judged.lines.contains(&"rollback_config:".to_owned()), "{judged:?}");
}

#[test]
fn all_replicas_at_once() {
    let all = "    deploy: {replicas: 6, update_config: {parallelism: 0}}\n";
    same(&advice(&outage(|_| ())), &found("SRU013", all));
}

#[test]
fn a_rollback_that_rolls_back() {
    let judged = broken_update(UpdateState::RollbackPaused, |story| {
        story.run.meta.stack.rollback_config.failure_action = FailureAction::Rollback;
    });
    let back = "    deploy: {replicas: 6, rollback_config: {failure_action: rollback}}\n";
    same(&advice(&judged), &found("SRU021", back));
}

#[test]
fn a_host_port_that_the_old_task_has() {
    let port = "    ports: [{target: 80, published: 80, mode: host}]\n    deploy: {replicas: 6, \
                update_config: {order: start-first, parallelism: 2}}\n";
    same(&advice(&host_port_in_use(2)), &found("SRU016", port));
}

#[test]
fn a_missing_health_check() {
    let mut story = Story::new(1);
    let stack = &mut story.run.meta.stack;
    stack.healthcheck = None;
    stack.own_url = Some("http://127.0.0.1:8000/".to_owned());
    story.scenario("update", Expects::Update);
    for slot in 1..=6 {
        story.replace(slot, 2, SUBMIT + 0.1 + 0.5 * f64::from(u32::try_from(slot).unwrap()));
    }
    story.state(SUBMIT + 20.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 22.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 22.5, |at, shot| {
        if (SUBMIT + 6.0..SUBMIT + 6.3).contains(&at) {
            fail(shot, Outcome::WrongStatus, 0.003);
        }
    });
    let judged = advice(&judge(&story.finish()));
    let ported = found("SRU001", "    ports: ['80:8000']\n");
    assert_eq!(judged.rule, Some("SRU001"), "{judged:?}");
    assert_eq!(judged.lines, ported.fix.lines);
}

/// A rule that the judge names has a page.
#[test]
fn every_rule_that_a_remedy_names_exists() {
    use rollproof::remedy::rules as names;
    let numbers: Vec<&str> = RULES.iter().map(|rule| rule.number).collect();
    for name in [
        names::HEALTH_CHECK_MISSING,
        names::SLOW_START_KILLED,
        names::FAILURE_PAUSES,
        names::FAILURE_CONTINUES,
        names::ALL_AT_ONCE,
        names::FAILURE_LOST,
        names::CAPACITY_LOW,
        names::HOST_PORT_START_FIRST,
        names::NODE_LIMIT_START_FIRST,
        names::SPARE_RESOURCES,
        names::ROLLBACK_STOPS_FIRST,
        names::ROLLBACK_ROLLS_BACK,
        names::MONITOR_SHORT,
        names::DELAY_SHORT,
        names::FAILURES_TOLERATED,
        names::GRACE_SHORT,
    ] {
        assert!(numbers.contains(&name), "{name}");
    }
}
