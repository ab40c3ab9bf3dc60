//! Recorded runs of which it is known what really happened. They are thinned out; nothing else of
//! them was changed.

use std::path::Path;

use rollproof::judge::{Cause, CauseGroup, Judgement, NodeChange, Verdict};
use rollproof::record::RecordReader;

use crate::judge_story::{check, judge};

fn recorded(name: &str) -> Judgement {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name);
    judge(&RecordReader::open(&folder).unwrap())
}

#[test]
fn a_proxy_that_answers_by_itself_while_nothing_serves_is_no_pass() {
    let judgement = recorded("host-routed-nothing-serves");
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let check = check(&judgement.scenarios[0], "answered-by-replicas");
    assert_eq!(check.verdict, Verdict::Inconclusive);
    assert!(judgement.headline.contains("something else answers"), "{}", judgement.headline);
    assert!(check.remedy.as_deref().unwrap().contains("--url"));
}

#[test]
fn a_change_of_the_number_of_replicas_alone_is_a_pass() {
    let judgement = recorded("scaled-down");
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let changed = judgement.scenarios[0].update.replicas_changed.unwrap();
    assert_eq!((changed.from, changed.to), (3, 2));
    assert!(!judgement.caveats.iter().any(|caveat| caveat.contains("judged by the former")));
}

#[test]
fn an_image_that_cannot_be_resolved_is_the_reason_and_not_a_busy_machine() {
    let judgement = recorded("image-unresolvable-29");
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.headline.contains("failed to resolve reference"), "{}", judgement.headline);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert!(advice.text.as_deref().unwrap().contains("image"), "{advice:?}");
}

#[test]
fn a_host_port_that_start_first_cannot_have_is_the_reason() {
    let judgement = recorded("host-port-start-first");
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(judgement.headline.contains("host-mode port"), "{}", judgement.headline);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert_eq!(advice.lines, ["update_config:", "  order: stop-first"]);
}

/// The cause of most failed requests of the only scenario that failed.
fn main_cause(judgement: &Judgement) -> &CauseGroup {
    let failed = judgement.scenarios.iter().find(|one| one.verdict == Verdict::Fail).unwrap();
    &failed.causes[0]
}

#[test]
fn a_proxy_that_the_record_does_not_show_was_replaced() {
    let judgement = recorded("app-and-proxy-updated");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.causes.len(), 1, "{:?}", scenario.causes);
    let cause = main_cause(&judgement);
    assert_eq!(cause.cause, Cause::ProxyNotRunning);
    assert!(cause.text.contains("the record does not have its tasks"), "{}", cause.text);
}

#[test]
fn a_proxy_that_was_killed_is_named() {
    let judgement = recorded("proxy-container-killed");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let cause = main_cause(&judgement);
    assert_eq!(cause.cause, Cause::ProxyNotRunning);
    assert!(cause.text.ends_with("no task of rollproof_proxy was running"), "{}", cause.text);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    let text = advice.text.as_deref().unwrap();
    assert!(text.contains("find out why rollproof_proxy ended"), "{text}");
}

#[test]
fn the_beginning_of_a_wrong_answer_is_part_of_its_cause() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records/new-version-404");
    let mut run = RecordReader::open(&folder).unwrap();
    for shot in run.shots.iter_mut().flat_map(|(_, shots)| shots) {
        shot.body = (shot.status == Some(404)).then(|| "no such\x1b[2J page".into());
    }
    let judgement = judge(&run);
    let cause = main_cause(&judgement);
    let text = "every replica of the new version answered with status 404 (\"no such [2J page\")";
    assert_eq!(cause.text, text);
    let bodies: Vec<_> = cause.answers.iter().map(|one| one.body.as_deref()).collect();
    assert_eq!(bodies, [Some("no such [2J page"); 3]);
}

#[test]
fn a_new_version_that_is_healthy_and_answers_404() {
    let judgement = recorded("new-version-404");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let cause = main_cause(&judgement);
    assert_eq!(cause.cause, Cause::WrongAnswer);
    assert_eq!(cause.text, "every replica of the new version answered with status 404");
    let wrong: Vec<_> = cause.answers.iter().map(|one| (one.version, one.status)).collect();
    assert_eq!(wrong, [(2, Some(404)); 3]);
    assert!(judgement.headline.contains("still failing when probing stopped"));
    // The broken update failed as the service did before it.
    let broken = &judgement.scenarios[1];
    assert_eq!(broken.verdict, Verdict::Inconclusive);
    assert!(broken.causes.iter().all(|group| group.cause == Cause::BeforeUpdate));
}

#[test]
fn a_node_whose_link_was_cut_is_the_cause() {
    let judgement = recorded("link-of-a-node-cut");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.causes.len(), 1, "{:?}", scenario.causes);
    assert_eq!(main_cause(&judgement).cause, Cause::NodeLost);
    assert_eq!(scenario.nodes.len(), 1);
    assert_eq!(scenario.nodes[0].change, NodeChange::Emptied, "the record does not say why");
    let advice = scenario.advice.as_ref().unwrap();
    assert!(advice.because.contains("Swarm rolled the update back: node w7i008"), "{advice:?}");
    assert!(!judgement.because.iter().any(|text| text.contains("busy")));
}

/// Engine 29.7.2, three nodes: the link of a node was cut 2.5 s after the change, with `update`
/// watching. Swarm went on changing what it wanted of the tasks there, which is no sign of life.
#[test]
fn nodes_a_link_that_is_cut_in_an_update_is_the_cause_from_the_cut_on() {
    let judgement = recorded("nodes-link-cut");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.nodes.len(), 1);
    let loss = &scenario.nodes[0];
    assert_eq!((loss.name.as_str(), loss.change), ("rollproof-n2", NodeChange::Down));
    let cause = main_cause(&judgement);
    assert_eq!(cause.cause, Cause::NodeLost, "{}", cause.text);
    assert_eq!(cause.failed, 99, "of 100 failed requests, one came late 67 s after that");
    assert!(
        cause.text.starts_with("node rollproof-n2 went down; Swarm noticed 12"),
        "{}",
        cause.text
    );
    assert!(cause.first_at < loss.noticed_at && loss.last_sign.unwrap() < cause.first_at);
    let advice = scenario.advice.as_ref().unwrap();
    assert_eq!(
        advice.because,
        "node rollproof-n2 went down, and Swarm waits for its tasks without a time limit"
    );
    assert!(advice.text.as_deref().unwrap().starts_with("start the update again"), "{advice:?}");
}

/// Engine 29.7.2, three nodes: a node was drained 2 s after the change.
#[test]
fn nodes_a_node_that_is_drained_in_an_update_is_the_cause() {
    let judgement = recorded("nodes-drained");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    let nodes: Vec<_> =
        scenario.nodes.iter().map(|loss| (loss.name.as_str(), loss.change)).collect();
    assert_eq!(nodes, [("rollproof-n2", NodeChange::Drained)]);
    let capacity = scenario.capacity.as_ref().unwrap();
    assert!(capacity.min_serving <= capacity.desired, "{}", capacity.min_serving);
    let check = check(scenario, "capacity");
    assert_eq!(
        check.because,
        "only 3 of 6 replicas were serving at the lowest point: node rollproof-n2 was drained"
    );
}

/// Engine 28.5.2: an update to an image that is nowhere. The task is rejected at once.
#[test]
fn an_image_that_an_engine_rejects_is_named_in_the_reason() {
    let judgement = recorded("engines-image-rejected");
    assert_eq!(judgement.verdict, Verdict::Fail);
    let reason = "slot 1 was rejected after 215 ms: No such image: nowhere/app:1";
    assert!(judgement.headline.ends_with(reason), "{}", judgement.headline);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert!(advice.because.ends_with(reason), "{advice:?}");
}
