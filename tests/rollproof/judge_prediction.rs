//! What the judge says of the model's prediction, next to what was measured.

use std::path::Path;

use rollproof::judge::{Judgement, Limits, judge};
use rollproof::record::{Event, EventKind, RecordReader, Run};
use rollproof::swarm::UpdateState;

use crate::records::Judged;
use crate::swarm_model::secs;

fn read(record: &str) -> Run {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(record);
    RecordReader::open(&folder).unwrap()
}

fn judged(run: &Run) -> Judgement {
    judge(run, &Limits::default())
}

#[test]
fn a_run_that_went_as_the_model_says_agrees() {
    let judgement = judged(&read("new-version-404"));
    for scenario in &judgement.scenarios {
        let prediction = scenario.prediction.as_ref().unwrap();
        assert_eq!(prediction.difference, None, "{}", scenario.name);
        assert_eq!(prediction.states.last().unwrap().state, scenario.update.final_state);
    }
}

#[test]
fn what_a_record_does_not_show_is_named() {
    for (record, said) in [
        ("host-port-start-first", "does not show why"),
        ("nodes-link-cut", "does not show why"),
        ("link-of-a-node-cut", "a task fails once"),
    ] {
        let judgement = judged(&read(record));
        let prediction = judgement.scenarios[0].prediction.as_ref().unwrap();
        let difference = prediction.difference.as_ref().unwrap();
        assert!(difference.rule.contains(said), "{record}: {difference:?}");
    }
    // Nothing was replaced, and the model says so too.
    let scaled = judged(&read("scaled-down"));
    let prediction = scaled.scenarios[0].prediction.as_ref().unwrap();
    assert!(prediction.states.is_empty() && prediction.difference.is_none(), "{prediction:?}");
}

/// A scenario that updates nothing, such as one that ends a process: a restart is no new version.
#[test]
fn a_restart_without_an_update_is_no_difference() {
    let mut run = read("scaled-down");
    let submitted = |event: &Event| matches!(event.kind, EventKind::Submitted { .. });
    let at = run.events.iter().find(|event| submitted(event)).unwrap().at;
    let task = |event: &&Event| {
        matches!(&event.kind, EventKind::Task(task)
            if task.slot == 1 && task.service == run.meta.stack.service)
    };
    let mut restarted = run.events.iter().find(task).unwrap().clone();
    let EventKind::Task(task) = &mut restarted.kind else { unreachable!() };
    task.task = "restarted".to_owned();
    restarted.at = at + secs(1.0);
    restarted.seen = restarted.at;
    let place = run.events.iter().position(|event| event.at > restarted.at).unwrap();
    run.events.insert(place, restarted);
    let prediction = judged(&run).scenarios[0].prediction.clone().unwrap();
    assert_eq!(prediction.difference, None);
}

/// Every instant of the update twice as late: the machine, not a rule.
#[test]
fn a_slow_machine_is_the_reason_where_its_own_hop_times_explain_it() {
    let mut run = read("new-version-404");
    let submitted = run
        .events
        .iter()
        .find(|event| matches!(event.kind, EventKind::Submitted { .. }))
        .map(|event| event.at)
        .unwrap();
    // Starting a container takes two seconds more, for each of the three slots in turn.
    let starts: Vec<_> = run
        .events
        .iter()
        .filter(|event| event.at > submitted)
        .filter(|event| {
            matches!(&event.kind, EventKind::Container { action, service, .. }
                if *action == rollproof::record::ContainerAction::Start
                    && *service == run.meta.stack.service)
        })
        .map(|event| event.at)
        .collect();
    for event in &mut run.events {
        let late = starts.iter().filter(|start| **start <= event.at).count();
        let more = secs(2.0 * f64::from(u32::try_from(late).unwrap()));
        event.at = event.at + more;
        event.seen = event.seen + more;
    }
    let judgement = judged(&run);
    let difference = judgement.scenarios[0].prediction.as_ref().unwrap().difference.clone();
    let difference = difference.unwrap();
    assert!(difference.what.starts_with("completed was predicted after 12."), "{difference:?}");
    assert!(difference.rule.starts_with("starting a container takes"), "{difference:?}");
    assert_eq!(difference.setting, None);
}

/// Swarm calls an update completed that the model rolls back: the rule is named.
#[test]
fn an_update_that_ends_otherwise_names_the_rule() {
    let mut run = read("new-version-404");
    let mut broken = false;
    for event in &mut run.events {
        broken |= matches!(&event.kind, EventKind::ScenarioStarted { name, .. } if name == "broken-update");
        if let EventKind::Service { state, .. } = &mut event.kind
            && broken
            && *state == UpdateState::RollbackStarted
        {
            *state = UpdateState::Paused;
        }
    }
    let judgement = judged(&run);
    let difference = judgement.scenarios[1].prediction.as_ref().unwrap().difference.clone();
    let difference = difference.unwrap();
    assert!(
        difference.what.contains("rollback_started was predicted, and paused came"),
        "{difference:?}"
    );
    assert_eq!(difference.setting, Some("update_config.monitor"));
    let text = Judged::of(run).write("details");
    assert!(text.contains("rollback_started was predicted"), "{text}");
}

#[test]
fn summaries_have_predicted_beside_measured() {
    let text = Judged::of(read("new-version-404")).write("summary");
    assert!(text.contains("updated in 13.0 s (predicted 12.9 s);"), "{text}");
    let text = Judged::of(read("nodes-link-cut")).write("summary");
    assert!(text.contains("not done after 2m 05s (predicted 22.0 s);"), "{text}");
    assert!(text.lines().count() <= 20, "{text}");
}

/// A run that was cut short differs from every prediction: nothing is said of that.
#[test]
fn an_update_that_was_not_seen_to_its_end_has_no_difference() {
    let mut run = read("new-version-404");
    let from = run.events.iter().position(|event| {
        matches!(&event.kind, EventKind::Service { state, .. } if *state == UpdateState::Completed)
    });
    run.events.truncate(from.unwrap());
    let judgement = judged(&run);
    let prediction = judgement.scenarios[0].prediction.as_ref().unwrap();
    assert_eq!(prediction.difference, None);
}
