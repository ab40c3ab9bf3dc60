//! Checks on what the service came to, whatever was expected.

use super::scene::Scene;
use super::{Check, Verdict};
use crate::record::SpecMatch;

/// The verdict on something about the end: a broken expectation is only proven if the end was
/// seen. The second part says why it is not known.
pub(super) fn about_the_end(scene: &Scene, good: bool) -> (Verdict, Option<String>) {
    match (good, scene.end.unknown()) {
        (_, Some(unknown)) => (Verdict::Inconclusive, Some(unknown)),
        (true, None) => (Verdict::Pass, None),
        (false, None) => (Verdict::Fail, None),
    }
}

/// Every replica runs the wanted version in the end.
pub(super) fn every_slot(scene: &Scene, name: &'static str, version: &str) -> Check {
    let wanted = scene.wanted_generation();
    let mut places: Vec<_> =
        scene.tasks.serving_last(wanted).map(super::task_life::TaskLife::place).collect();
    places.sort_unstable();
    places.dedup();
    let found = places.len() as u64;
    let (verdict, unknown) = about_the_end(scene, found >= scene.replicas);
    let because = unknown.unwrap_or_else(|| {
        if found >= scene.replicas {
            format!("every replica runs the {version} version")
        } else {
            let others = scene.tasks.wanted().filter(|life| life.last.generation != wanted).count();
            let errors = scene.tasks.lives.iter().rev().filter(|life| life.failed.is_some());
            let error = errors.map(|life| life.last.error.as_str()).find(|error| !error.is_empty());
            format!(
                "{} of {} replicas do not run the {version} version in the end{}{}",
                scene.replicas - found,
                scene.replicas,
                if others > 0 { format!(", {others} of them another one") } else { String::new() },
                error
                    .map(|error| format!("; the last error of a task: {error}"))
                    .unwrap_or_default()
            )
        }
    });
    Check::new(
        name,
        verdict,
        format!("{found} of {}", scene.replicas),
        format!("{} of {}", scene.replicas, scene.replicas),
        because,
    )
    .remedy_if_failed("look at `docker service ps --no-trunc` of the service for the tasks' errors")
}

/// No task is left that nobody needs.
pub(super) fn no_leftover_tasks(scene: &Scene) -> Check {
    let wanted = scene.tasks.wanted().count() as u64;
    let extra = wanted.saturating_sub(scene.replicas);
    let (verdict, unknown) = about_the_end(scene, extra == 0);
    Check::new(
        "no-leftover-tasks",
        verdict,
        format!("{wanted} tasks"),
        format!("at most {}", scene.replicas),
        unknown.unwrap_or_else(|| match extra {
            0 => "no task is left over".to_owned(),
            _ => format!("Swarm wants {extra} more tasks to run than there are replicas"),
        }),
    )
}

/// The service has the spec it should have in the end.
pub(super) fn spec(scene: &Scene, name: &'static str, wanted: SpecMatch) -> Check {
    let word = |spec| match spec {
        SpecMatch::Submitted => "the submitted one",
        SpecMatch::Previous => "the one from before",
        SpecMatch::Other => "neither: somebody else changed the service",
        SpecMatch::Unknown => "unknown",
    };
    let (mut verdict, unknown) = about_the_end(scene, scene.spec == wanted);
    if scene.spec == SpecMatch::Unknown {
        verdict = Verdict::Inconclusive;
    }
    let because = unknown.unwrap_or_else(|| match scene.spec {
        SpecMatch::Unknown => "the service's spec could not be read in the end".to_owned(),
        found if found == wanted => "the service has the spec it should have".to_owned(),
        found => format!("the service's spec in the end is {}", word(found)),
    });
    Check::new(name, verdict, word(scene.spec), word(wanted), because)
}
