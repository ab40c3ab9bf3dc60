//! The other services that a scenario changes, and the stack as a whole.

use std::collections::BTreeSet;

use serde::Serialize;

use super::advice::{Advice, Case};
use super::capacity::Capacity;
use super::check::{Check, Verdict};
use super::other_scene::OtherScene;
use super::scenario_judgement::swarm_checks;
use super::scene::Scene;
use super::swarm_checks::{about_the_end, every_slot};
use super::tasks::TaskLife;
use super::update_story::{RollbackStory, UpdateStory};
use super::user_checks::capacity;
use crate::record::SpecMatch;
use crate::swarm::{TaskState, UpdateState};
use crate::wording::list;

/// The judgement of another service that a scenario changed or created. Instants count from the run's
/// start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceJudgement {
    /// The service, with the stack's prefix.
    pub service: String,
    /// What was changed, in plain words.
    pub change: String,
    /// Whether the deployment created it.
    pub created: bool,
    /// The worst of its checks.
    pub verdict: Verdict,
    /// What Swarm did.
    pub update: UpdateStory,
    /// The rollback, if there was one.
    pub rollback: Option<RollbackStory>,
    /// The replicas; absent if no task was seen.
    pub capacity: Option<Capacity>,
    /// The checks.
    pub checks: Vec<Check>,
    /// Why it failed and what to change; absent unless it failed.
    pub advice: Option<Advice>,
}

impl ServiceJudgement {
    /// One for each other service, in the order of the deployment.
    pub(super) fn all(scene: &Scene) -> Vec<Self> {
        scene.others.iter().map(Self::of).collect()
    }

    fn of(other: &OtherScene) -> Self {
        let scene = &other.scene;
        let facts = &other.change.facts.in_update(scene.specs());
        let course = Capacity::of(scene);
        let rollback = RollbackStory::of(scene);
        let checks = match other {
            _ if other.change.ends => vec![ended_well(scene)],
            _ if other.is_created() => vec![every_slot(scene, "every-slot-runs", "new")],
            _ => {
                let mut checks = swarm_checks(scene, rollback.as_ref(), facts);
                checks.push(capacity(scene, course.as_ref(), facts, None));
                checks
            }
        };
        let case = Case {
            scene,
            stack: facts,
            checks: &checks,
            causes: &[],
            streams: &[],
            capacity: course.as_ref(),
        };
        Self {
            service: scene.service.to_owned(),
            change: other.change.change.clone(),
            created: other.is_created(),
            verdict: Verdict::worst(checks.iter().map(|check| check.verdict)),
            update: UpdateStory::of(scene),
            advice: case.advice(),
            rollback,
            capacity: course,
            checks,
        }
    }

    /// Its advice, with its name.
    pub(super) fn named_advice(&self) -> Option<Advice> {
        let advice = self.advice.clone()?;
        Some(Advice { because: format!("{}: {}", self.service, advice.because), ..advice })
    }

    /// The first of its checks that decides its verdict.
    fn deciding(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.verdict == self.verdict)
    }
}

/// No task of a service whose tasks are there to end failed.
fn ended_well(scene: &Scene) -> Check {
    let new = scene.new_generation();
    let of_new = |life: &&TaskLife| life.last.generation == new;
    let failed = scene.tasks.lives.iter().filter(of_new).find(|life| life.failure().is_some());
    let done = scene.tasks.lives.iter().filter(of_new).filter(|life| {
        life.last.state == TaskState::Complete || (life.running.is_some() && life.ended.is_none())
    });
    let done = done.map(TaskLife::place).collect::<BTreeSet<_>>().len() as u64;
    let wanted = scene.wanted_replicas();
    let (verdict, unknown) = about_the_end(scene, failed.is_none() && done >= wanted);
    let because = match failed {
        Some(life) => match life.failure() {
            Some(failure) => failure.of_whom(&life.whom()),
            None => "a task failed".to_owned(),
        },
        None => unknown.unwrap_or_else(|| format!("{done} of {wanted} ended well or still run")),
    };
    // A task that failed is proven whatever happened later.
    let verdict = if failed.is_some() { Verdict::Fail } else { verdict };
    Check::new("tasks-done", verdict, format!("{done} of {wanted}"), wanted.to_string(), because)
}

/// That every other service went as expected; absent where there is none.
pub(super) fn other_services(services: &[ServiceJudgement]) -> Option<Check> {
    let worst = services.iter().max_by_key(|service| service.verdict)?;
    let good = services.iter().filter(|service| service.verdict == Verdict::Pass).count();
    let because = match worst.deciding() {
        Some(check) if worst.verdict != Verdict::Pass => {
            format!("{}: {}", worst.service, check.because)
        }
        _ => "every other changed service went as expected".to_owned(),
    };
    let (measured, all) = (format!("{good} of {}", services.len()), services.len());
    let check =
        Check::new("other-services", worst.verdict, measured, format!("{all} of {all}"), because);
    Some(match worst.deciding().and_then(|check| check.remedy.as_deref()) {
        Some(remedy) => check.remedy_if_failed(remedy),
        None => check,
    })
}

/// That all changed services are on the same side of the change; absent where only one was changed.
pub(super) fn one_version(scene: &Scene) -> Option<Check> {
    let mut sides = vec![Side::of(scene)];
    // A service that was created has no other side, and one whose tasks end is not looked at.
    let others = scene.others.iter().filter(|other| !other.change.ends && !other.is_created());
    sides.extend(others.map(|other| Side::of(&other.scene)));
    let sides: Vec<Side> = sides.into_iter().flatten().collect();
    if sides.len() < 2 {
        return None;
    }
    let known = scene.unknown();
    let groups: Vec<String> = [Place::New, Place::Previous, Place::Between]
        .into_iter()
        .filter_map(|place| {
            let those = sides.iter().filter(|side| side.place == place);
            let names: Vec<String> = those.clone().map(|side| side.service.to_owned()).collect();
            let first = those.map(|side| side.words).next()?;
            Some(format!(
                "{} {} {first}",
                list(&names),
                if names.len() == 1 { "is" } else { "are" }
            ))
        })
        .collect();
    let mixed = groups.len() > 1;
    let verdict = match known {
        Some(_) => Verdict::Inconclusive,
        None if mixed => Verdict::Fail,
        None => Verdict::Pass,
    };
    let because = match known {
        Some(unknown) => unknown,
        None if mixed => format!("the stack is mixed: {}", groups.join(", ")),
        None => groups.concat(),
    };
    let measured = if mixed { "mixed" } else { "one version" };
    let check = Check::new("one-version", verdict, measured, "one version", because);
    Some(check.remedy_if_failed(
        "deploy the previous stack file again, or one with a repaired version: Swarm rolls back \
         each service on its own, never a stack",
    ))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    New,
    Previous,
    Between,
}

struct Side<'a> {
    service: &'a str,
    place: Place,
    words: &'static str,
}

impl<'a> Side<'a> {
    /// Where a service is in the end; absent if nothing of it was to be replaced.
    fn of(scene: &Scene<'a>) -> Option<Self> {
        if scene.new_generation() == scene.old {
            return None;
        }
        let (place, words) = match scene.final_state() {
            UpdateState::Paused => (Place::Between, "paused between two versions"),
            UpdateState::RollbackPaused => (Place::Between, "stuck in a rollback"),
            UpdateState::Updating | UpdateState::RollbackStarted => {
                (Place::Between, "still between two versions")
            }
            _ if scene.rolled_back() || scene.spec == SpecMatch::Previous => {
                (Place::Previous, "rolled back")
            }
            _ => (Place::New, "on the new version"),
        };
        Some(Self { service: scene.service, place, words })
    }
}
