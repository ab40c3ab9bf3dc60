//! Stories that many tests begin with: what a good update and a good rollback look like.

use rollproof::record::{EndReason, EventKind, Expects, SpecMatch};
use rollproof::swarm::UpdateState;

use crate::judge_story::{REPLICAS, SERVICE, SUBMIT, Story};

/// A good update of all six slots, two at a time, that loses nothing.
pub fn good_update() -> Story {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let mut at = SUBMIT + 0.1;
    for pair in [[3, 1], [6, 2], [4, 5]] {
        at = pair.map(|slot| story.replace(slot, 2, at))[1] + 2.0;
    }
    story.state(at + 5.0, UpdateState::Completed, "update completed");
    story.end(at + 7.0, SpecMatch::Submitted, EndReason::Settled);
    story
}

/// When [`good_update`] ends.
pub const GOOD_END: f64 = SUBMIT + 0.1 + 3.0 * 6.5 + 7.0;

/// A broken update of two slots that Swarm rolls back.
pub fn good_rollback() -> Story {
    let mut story = Story::new(2);
    story.scenario("broken-update", Expects::Rollback);
    roll_back(&mut story, SUBMIT, 2);
    story
}

/// Slots 2 and 5 get this broken generation, and then the one before it. Returns the task for which
/// Swarm rolled back.
fn roll_back(story: &mut Story, submit: f64, generation: u32) -> String {
    story.state(submit + 0.1, UpdateState::Updating, "update in progress");
    let mut broken = String::new();
    for slot in [2, 5] {
        let ended = story.stop(slot, submit + 0.1);
        broken = story.start_broken(slot, generation, ended + 0.2);
    }
    // Both have failed at 3.3 + 0.2 + 4.0 s.
    let failed = submit + 7.6;
    let message =
        format!("update rolled back due to failure or early termination of task {broken}");
    story.state(failed + 0.1, UpdateState::RollbackStarted, &message);
    for slot in [2, 5] {
        story.start(slot, generation - 1, failed + 2.2);
    }
    story.state(failed + 8.2, UpdateState::RollbackCompleted, "rollback completed");
    story.end(failed + 10.0, SpecMatch::Previous, EndReason::Settled);
    broken
}

/// When [`good_rollback`] ends.
pub const ROLLBACK_END: f64 = SUBMIT + 17.6;

/// [`good_update`], then a broken update of two of the same slots that Swarm rolls back.
pub fn good_verify() -> Story {
    let mut story = good_update();
    let start = GOOD_END + 1.0;
    let submit = GOOD_END + 5.0;
    story.event(
        start,
        EventKind::ScenarioStarted {
            name: "broken-update".to_owned(),
            expects: Expects::Rollback,
            service: SERVICE.to_owned(),
            replicas: REPLICAS,
            generation: 2,
            change: "a health check that always fails".to_owned(),
        },
    );
    story.event(
        submit,
        EventKind::Submitted {
            service: SERVICE.to_owned(),
            generation: 3,
            replicas: None,
            specs: None,
        },
    );
    let broken = roll_back(&mut story, submit, 3);
    story.health_check_failed(&broken, submit + 5.6);
    story
}

/// When [`good_verify`] ends.
pub const VERIFY_END: f64 = GOOD_END + 5.0 + 17.6;
