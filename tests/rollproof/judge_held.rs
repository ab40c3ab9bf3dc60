//! Held connections that end, tied to the task whose stop ended them.

use rollproof::Offset;
use rollproof::judge::Cause;
use rollproof::record::{HeldEnd, Outcome, Shot};

use crate::judge_attribution::causes;
use crate::judge_story::{GOOD_END, good_update, judge};

/// The requests of 20 ms before `at` watch connections that are open since `since` and end then.
fn ends(since: f64, at: f64, clean: bool, outcome: Outcome) -> impl Fn(f64, &mut Shot) {
    move |intended, shot| {
        if (at - 0.02..at).contains(&intended) {
            let end = Offset::from_secs_f64(at);
            shot.outcome = outcome;
            shot.replica = None;
            shot.slot = None;
            shot.line = Some(1);
            shot.done = Some(end);
            let since = Offset::from_secs_f64(since);
            shot.end = Some(HeldEnd { since, at: end, clean, code: None });
            shot.back = Some(end + Offset::from_millis(30));
        }
    }
}

#[test]
fn a_cut_belongs_to_the_task_that_stopped_then() {
    // Slots 3 and 1 get their signal at 13.2 and end at 13.4; slots 6 and 2 at 19.7 and 19.9.
    for (since, at, slots) in [
        (2.0, 13.3, [3, 1]),
        // It was opened after the signal.
        (13.3, 13.4, [3, 1]),
        (2.0, 13.5, [3, 1]),
        (15.0, 19.72, [6, 2]),
    ] {
        let (found, first) = causes("ws", true, ends(since, at, false, Outcome::Cut));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].cause, Cause::HeldConnectionCut, "at {at}");
        assert!(found[0].remedy.as_ref().unwrap().contains("1001"));
        assert_eq!(first.at, Offset::from_secs_f64(at), "the end counts, not the ping before it");
        let nearest = first.nearest.unwrap();
        assert!(slots.contains(&nearest.slot), "{nearest:?}");
    }
    // No task stops near it.
    let (found, _) = causes("ws", true, ends(2.0, 11.0, false, Outcome::Cut));
    assert_eq!(found[0].cause, Cause::Unexplained);
    // The task that had it runs on, whoever else stops.
    let lives_on = |at: f64, shot: &mut Shot| {
        let replica = shot.replica.clone();
        ends(2.0, 13.3, false, Outcome::Cut)(at, shot);
        shot.replica = replica;
    };
    assert_eq!(causes("ws", true, lives_on).0[0].cause, Cause::Unexplained);
    // Its user was told, and found nobody for too long.
    let (found, _) = causes("ws", true, ends(2.0, 13.3, true, Outcome::Closed));
    assert_eq!(found[0].cause, Cause::SentToStoppingTask);
}

#[test]
fn what_moved_is_counted_and_not_lost() {
    let mut story = good_update();
    story.run.meta.streams[0].held = Some(4);
    story.run.shots[0].0.held = Some(4);
    story.shots(GOOD_END + 0.5, ends(2.0, 13.3, true, Outcome::Ok));
    let scenario = judge(&story.finish()).scenarios.remove(0);
    let held = scenario.streams[0].held.as_ref().unwrap();
    assert_eq!((scenario.streams[0].failed, held.cut, held.closed), (0, 0, 0));
    assert_eq!((held.moved, held.not_back, held.connections), (4, 0, 4));
    assert_eq!(held.longest_back_s, Some(Offset::from_millis(30)));
}
