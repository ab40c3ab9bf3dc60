//! Replicas that answer, and answer wrongly.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::scene::Scene;
use crate::record::{Outcome, Purpose, Run, Shot};
use crate::wording::{clean, count, counted};

/// A replica that answered requests wrongly while it was RUNNING.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WrongAnswer {
    /// Its slot; 0 for a task of a global service.
    pub slot: u64,
    /// Its task's id.
    pub task: String,
    /// Its version: the generation.
    pub version: u32,
    /// The status it mostly sent; absent if the status was right and the body was not.
    pub status: Option<u16>,
    /// The beginning of the body that came most often; absent if there was none, or the record is
    /// of a version that did not keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Requests that it answered wrongly.
    pub failed: u64,
    /// Requests that it answered well.
    pub answered: u64,
}

/// What each replica answered, as far as responses name their replica or it was asked directly.
#[derive(Debug, Clone, Default)]
pub(super) struct WrongAnswers {
    /// By the task's index.
    asked: BTreeMap<usize, Asked>,
}

#[derive(Debug, Clone, Default)]
struct Asked {
    good: u64,
    wrong: u64,
    statuses: BTreeMap<Option<u16>, u64>,
    bodies: BTreeMap<Arc<str>, u64>,
}

impl WrongAnswers {
    pub(super) fn of(run: &Run, scene: &Scene) -> Self {
        let mut this = Self::default();
        let lives = &scene.tasks.lives;
        for (facts, shots) in &run.shots {
            let direct = facts.purpose == Purpose::EachReplica;
            if !direct && facts.purpose != Purpose::Users {
                continue;
            }
            for shot in shots.iter().filter(|shot| {
                (shot.outcome == Outcome::Ok || is_wrong_answer(shot.outcome))
                    && shot.intended >= scene.started
                    && shot.intended < scene.ended
            }) {
                let named = || {
                    let name = shot.replica.as_deref()?;
                    lives.iter().position(|life| life.is_container(name))
                };
                let life = if direct { scene.tasks.asked(shot) } else { named() };
                let at = shot.began();
                // Before that it may still be starting, after that it is stopping.
                let Some(life) = life.filter(|life| {
                    lives[*life].running.is_some_and(|running| running <= at)
                        && lives[*life].signalled.is_none_or(|signalled| at < signalled)
                }) else {
                    continue;
                };
                this.asked.entry(life).or_default().take(shot);
            }
        }
        this
    }

    /// Whether this task answered wrongly only.
    pub(super) fn always(&self, life: usize) -> bool {
        self.asked.get(&life).is_some_and(Asked::is_always_wrong)
    }

    /// The replicas that answered wrongly.
    pub(super) fn list(&self, scene: &Scene) -> Vec<WrongAnswer> {
        let wrong = self.asked.iter().filter(|(_, asked)| asked.wrong > 0);
        let story = |(life, asked): (&usize, &Asked)| {
            let last = scene.tasks.lives[*life].last;
            WrongAnswer {
                slot: last.slot,
                task: last.task.clone(),
                version: last.generation,
                status: most(&asked.statuses).copied().flatten(),
                body: most(&asked.bodies).map(|body| clean(body).into_owned()),
                failed: asked.wrong,
                answered: asked.good,
            }
        };
        wrong.map(story).collect()
    }

    /// Who answered wrongly, and how: `every replica of the new version answered with status 404`.
    pub(super) fn sentence(&self, scene: &Scene, like: &Shot) -> String {
        let how = match (like.outcome, like.status) {
            (Outcome::WrongBody, _) | (_, None) => "with a wrong body".to_owned(),
            (_, Some(status)) => format!("with status {status}"),
        };
        let how = match &like.body {
            Some(body) => format!("{how} (\"{}\")", clean(body)),
            None => how,
        };
        let new = scene.new_generation();
        let generation = |life: &usize| scene.tasks.lives[*life].last.generation;
        let wrong: Vec<usize> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.is_always_wrong())
            .map(|one| *one.0)
            .collect();
        let asked_new = self.asked.keys().filter(|life| generation(life) == new).count();
        let only_new = new != scene.old && wrong.iter().all(|life| generation(life) == new);
        match (wrong.len(), only_new) {
            (0, _) => match &like.version {
                Some(version) => format!("version {version} answered {how}"),
                None => format!("answered {how} while replicas were serving"),
            },
            (found, true) if found == asked_new => {
                format!("every replica of the new version answered {how}")
            }
            (found, true) => format!(
                "{} of {} of the new version answered {how}",
                count(found as u64),
                counted(asked_new as u64, "replica")
            ),
            (1, false) => format!("{} answered {how}", scene.tasks.lives[wrong[0]].whom()),
            (found, false) => format!("{} answered {how}", counted(found as u64, "replica")),
        }
    }
}

impl Asked {
    fn take(&mut self, shot: &Shot) {
        if shot.outcome == Outcome::Ok {
            self.good += 1;
            return;
        }
        self.wrong += 1;
        let status = shot.status.filter(|_| shot.outcome != Outcome::WrongBody);
        *self.statuses.entry(status).or_insert(0) += 1;
        if let Some(body) = &shot.body {
            *self.bodies.entry(Arc::clone(body)).or_insert(0) += 1;
        }
    }

    fn is_always_wrong(&self) -> bool {
        self.wrong > 0 && self.good == 0
    }
}

/// What came most often.
fn most<T>(counts: &BTreeMap<T, u64>) -> Option<&T> {
    counts.iter().max_by_key(|(_, count)| **count).map(|(most, _)| most)
}

/// Whether a response was complete and not the expected one.
pub(super) fn is_wrong_answer(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::AppError | Outcome::WrongStatus | Outcome::WrongBody)
}
