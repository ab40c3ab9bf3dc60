//! Which replicas answered, and what each answered when it was asked directly.

use std::collections::BTreeSet;

use serde::Serialize;

use super::check::{Check, trust};
use super::remedies::SAY_WHO_ANSWERS;
use super::request::is_own_lag;
use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{EventKind, Outcome, Purpose, Run, Shot};
use crate::stats::Times;
use crate::wording::{count, counted};

/// How far the engine's time of a task's start or end may lie from the real one.
const NEAR: Offset = Offset::from_millis(1_000);
/// Length of a container's host name, unless the stack sets one: the beginning of its id.
const SHORT_ID: usize = 12;

/// How many of the replicas that serve in the end have answered at least `least` users' requests,
/// and which have answered any of each stream; absent if no response names its replica. A proxy passes
/// on the names of those behind it.
pub(super) fn replicas_answering(
    scene: &Scene,
    run: &Run,
    least: u64,
) -> Option<(u64, Vec<BTreeSet<usize>>)> {
    let serving: Vec<_> = scene.tasks.serving_last(scene.aimed_generation()).collect();
    let mut totals = vec![0_u64; serving.len()];
    let mut by_stream = Vec::with_capacity(run.shots.len());
    let mut anybody = false;
    let behind = names_behind(scene, run);
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
            anybody |=
                place.is_some() || (is_container_id(replica) && !behind.contains(replica.as_ref()));
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

/// The names of the containers of other services, if every request of users reaches those through the
/// service under test: it publishes the port that they ask.
fn names_behind<'a>(scene: &Scene, run: &'a Run) -> BTreeSet<&'a str> {
    let is_entry =
        run.meta.stack.entry.as_ref().is_some_and(|entry| entry.service == scene.service);
    let tasks = run.events.iter().filter(|_| is_entry).filter_map(|event| match &event.kind {
        EventKind::Task(task) if task.service != scene.service => task.container.get(..SHORT_ID),
        _ => None,
    });
    tasks.collect()
}

/// Good responses that no replica of the service can have sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Strangers {
    /// Good responses of the users' streams.
    good: u64,
    /// Those that came while no task of the service was RUNNING from the request's beginning to
    /// its end.
    none_running: u64,
    /// Those without a replica's name, though the service names its replicas.
    nameless: u64,
    /// Those that name a container which is none of the service's.
    others: u64,
}

impl Strangers {
    pub(super) fn of(run: &Run, scene: &Scene) -> Self {
        let mut found = Self::default();
        let lives = &scene.tasks.lives;
        if lives.is_empty() {
            return found;
        }
        let there = Times::of(lives.iter().filter_map(|life| {
            let from = life.running?;
            Some((from, life.ended.unwrap_or(scene.ended).max(from)))
        }));
        // What happened while the engine did not respond is not known.
        let unseen = Times::of(scene.losses.iter().copied());
        let known = |shot: &Shot| {
            let name = shot.replica.as_deref()?;
            Some(lives.iter().any(|life| life.is_container(name)))
        };
        let of = |purpose: Purpose| {
            let streams = run.shots.iter().filter(move |(facts, _)| facts.purpose == purpose);
            streams.map(|(_, shots)| -> Vec<&Shot> {
                let good = shots.iter().filter(|shot| {
                    shot.outcome == Outcome::Ok
                        && shot.intended >= scene.started
                        && shot.intended < scene.ended
                });
                good.collect()
            })
        };
        let names_itself = of(Purpose::EachReplica)
            .any(|shots| shots.iter().any(|shot| known(shot) == Some(true)));
        for shots in of(Purpose::Users) {
            let named = names_itself || shots.iter().any(|shot| known(shot) == Some(true));
            for shot in &shots {
                found.good += 1;
                let (from, to) = (shot.began() - NEAR, shot.ended() + NEAR);
                let named_stranger = shot.replica.as_deref().is_some_and(is_container_id);
                if !there.touch(from, to) && !unseen.touch(from, to) && known(shot) != Some(true) {
                    found.none_running += 1;
                } else if named && shot.replica.is_none() && shot.slot.is_none() {
                    found.nameless += 1;
                } else if named && known(shot) == Some(false) && named_stranger {
                    found.others += 1;
                }
            }
        }
        found
    }

    /// The check that good responses came from the service.
    pub(super) fn check(self) -> Check {
        let all = self.none_running + self.nameless + self.others;
        let because = if self.none_running > 0 {
            format!(
                "something else answers at this address: {} got a good response while no replica \
                 was running",
                counted(self.none_running, "request")
            )
        } else if self.nameless > 0 {
            format!(
                "something else may answer at this address: {} did not name a replica, and others \
                 did",
                counted(self.nameless, "good response")
            )
        } else if self.others > 0 {
            format!(
                "something else answers at this address: {} came from containers that are none of \
                 the service's",
                counted(self.others, "good response")
            )
        } else {
            "every good response can have come from a replica of the service".to_owned()
        };
        let measured = format!("{} of {} cannot", count(all), counted(self.good, "good response"));
        trust("answered-by-replicas", all == 0, measured, "0", because).remedy(SAY_WHO_ANSWERS)
    }
}

fn is_container_id(host_name: &str) -> bool {
    host_name.len() == SHORT_ID && host_name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What one task answered when it was asked directly, past every proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplicaStory {
    /// Its slot; 0 for a task of a global service.
    pub slot: u64,
    /// Its id.
    pub task: String,
    /// Its version: the generation.
    pub version: u32,
    /// From RUNNING to the first request that it answered well, negative if that was earlier;
    /// absent if it was RUNNING before the scenario began.
    pub answers_after_running_s: Option<Offset>,
    /// From being told to stop to the last request that it answered well, negative if that was
    /// earlier; absent if it was not told to stop.
    pub answers_after_told_to_stop_s: Option<Offset>,
    /// Requests that it answered well.
    pub answered: u64,
    /// Requests that failed though Swarm counted it as serving when they were sent.
    pub failed_while_serving: u64,
}

impl ReplicaStory {
    /// One for each task that was asked during the scenario, by slot and time.
    pub(super) fn all(run: &Run, scene: &Scene) -> Vec<Self> {
        let mut asked: Vec<Asked> = vec![Asked::default(); scene.tasks.lives.len()];
        for (facts, shots) in
            run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::EachReplica)
        {
            for shot in shots.iter().filter(|shot| {
                shot.outcome != Outcome::Unsent
                    && shot.intended >= scene.started
                    && shot.intended < scene.ended
            }) {
                let Some(index) = scene.tasks.asked(shot) else { continue };
                let own_lag = is_own_lag(facts, shot);
                asked[index].take(shot, own_lag, &scene.tasks.lives[index]);
            }
        }
        let mut stories: Vec<(&TaskLife, Self)> = scene
            .tasks
            .lives
            .iter()
            .zip(&asked)
            .filter(|(_, asked)| asked.requests > 0)
            .map(|(life, asked)| (life, asked.story(life, scene.started)))
            .collect();
        stories.sort_by_key(|(life, _)| (life.place(), life.running));
        stories.into_iter().map(|(_, story)| story).collect()
    }
}

/// What one task was asked.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    requests: u64,
    answered: u64,
    failed_while_serving: u64,
    first: Option<Offset>,
    last: Option<Offset>,
}

impl Asked {
    fn take(&mut self, shot: &Shot, own_lag: bool, life: &TaskLife) {
        let sent = shot.began();
        self.requests += 1;
        if !shot.outcome.is_failure() || own_lag {
            self.answered += 1;
            self.first = Some(self.first.map_or(sent, |first| first.min(sent)));
            self.last = self.last.max(Some(sent));
        } else if life.serves_at(sent) {
            self.failed_while_serving += 1;
        }
    }

    fn story(self, life: &TaskLife, started: Offset) -> ReplicaStory {
        // Before that it was not asked, so its first answer says nothing.
        let running = life.running.filter(|running| *running >= started);
        ReplicaStory {
            slot: life.last.slot,
            task: life.last.task.clone(),
            version: life.last.generation,
            answers_after_running_s: running.zip(self.first).map(|(from, first)| first - from),
            answers_after_told_to_stop_s: life
                .told_to_stop
                .zip(self.last)
                .map(|(told, last)| last - told),
            answered: self.answered,
            failed_while_serving: self.failed_while_serving,
        }
    }
}
