//! Which replicas have answered.

use std::collections::BTreeSet;

use super::scene::Scene;
use crate::record::{Outcome, Purpose, Run};

/// How many of the replicas that serve in the end have answered at least `least` users' requests,
/// and which have answered any of each stream; absent if no answer tells who gave it.
pub(super) fn replicas_answering(
    scene: &Scene,
    run: &Run,
    least: u64,
) -> Option<(u64, Vec<BTreeSet<usize>>)> {
    let serving: Vec<_> = scene.tasks.serving_last(scene.aimed_generation()).collect();
    let mut totals = vec![0_u64; serving.len()];
    let mut by_stream = Vec::with_capacity(run.shots.len());
    let mut anybody = false;
    for (facts, shots) in &run.shots {
        let mut counts = vec![0_u64; serving.len()];
        // The others ask other services, or past what users get.
        let shots = if facts.purpose == Purpose::Users { shots.as_slice() } else { &[] };
        for shot in shots.iter().filter(|shot| {
            shot.outcome == Outcome::Ok
                && shot.intended >= scene.started
                && shot.intended < scene.ended
        }) {
            let Some(replica) = &shot.replica else { continue };
            let by_name = serving.iter().position(|life| life.is_container(replica));
            // A host name of the user's own says nothing; the slot does, once the task runs.
            let place = by_name.or_else(|| {
                serving.iter().position(|life| {
                    shot.slot == Some(life.last.slot)
                        && life.running.is_some_and(|running| shot.intended >= running)
                        && (life.last.container.is_empty() || !is_container_id(replica))
                })
            });
            anybody |= place.is_some() || is_container_id(replica);
            if let Some(place) = place {
                counts[place] += 1;
            }
        }
        for (total, count) in totals.iter_mut().zip(&counts) {
            *total += count;
        }
        by_stream.push((0..counts.len()).filter(|place| counts[*place] > 0).collect());
    }
    let often = totals.iter().filter(|total| **total >= least).count() as u64;
    anybody.then_some((often, by_stream))
}

fn is_container_id(host_name: &str) -> bool {
    host_name.len() == 12 && host_name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
