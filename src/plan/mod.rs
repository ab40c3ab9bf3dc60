//! What an update will do, from the stack file alone.
//!
//! [`Plan::of`] plays a good update and a broken one on the model of Swarm and tells their
//! durations, their lowest capacity and what they notice. `lint` and others can use its parts:
//!
//! * [`Setting`]: a service, its surroundings and its behaviour;
//! * [`detection`]: whether and when an update notices a [`FailureKind`], and why it does not;
//! * [`Setting::tolerated`]: how many failed slots an update tolerates;
//! * [`Course::of`]: one update as figures;
//! * [`Tweak`]: a setting with another value; [`Sweep::of`]: the same update under many of them;
//! * [`BehaviourFile`]: `--behaviour FILE`;
//! * [`explain`]: every step of a recorded update, with the rule and the setting behind it;
//! * [`what_if`]: the same update under other settings.

mod behaviour_file;
mod chart;
mod course;
mod detection;
mod explain;
mod forecast;
mod room;
mod setting;
mod slot_courses;
mod sweep;
mod table;
mod text;
mod tweak;
mod what_if;

use serde::Serialize;

pub use behaviour_file::BehaviourFile;
pub use course::{Alternative, Capacity, Course, Doing, Rollback, SlotCourse, Span, StateAt};
pub use detection::{Blind, Detection, FailureKind, detection, detections};
pub use explain::{Explained, Explainer, Step, explain, explain_text};
pub use forecast::{BOOT, STOP, course_of_change, forecast};
pub use room::Room;
pub use setting::{MOST_REPLICAS, Setting};
pub use sweep::{LARGEST_GRID, Measured, Pair, Row, Sweep, Vary, measured_text, sweep_text};
pub use table::table;
pub use text::{ending, text};
pub use tweak::Tweak;
pub use what_if::{Played, WhatIf, what_if, what_if_text};

use crate::swarm::{HealthCheck, UpdatePolicy};

/// The version of the JSON format.
pub const SCHEMA_VERSION: u32 = 1;

/// What the updates of one service will do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// The service, without the stack's prefix.
    pub service: String,
    /// Its replicas; for a global service the nodes of the plan.
    pub replicas: u64,
    /// The engine that the plan is for.
    pub engine: String,
    /// The effective `update_config`.
    pub update_config: UpdatePolicy,
    /// The effective `rollback_config`, of the version that runs.
    pub rollback_config: UpdatePolicy,
    /// The health check; absent if the stack files set none.
    pub healthcheck: Option<HealthCheck>,
    /// Failed slots that the update tolerates.
    pub tolerated_failures: u64,
    /// The predicted updates: `good` and `broken`, or `behaviour` if the user says how the versions
    /// behave.
    pub courses: Vec<Course>,
    /// What the update notices, by kind of failure.
    pub detection: Vec<Detection>,
    /// What it needs of the nodes.
    pub room: Room,
}

impl Plan {
    /// Plays the updates of a service.
    #[must_use]
    pub fn of(setting: &Setting) -> Self {
        let sound = &setting.sound;
        let mut courses = vec![Course::of(
            "good",
            "sound".to_owned(),
            &setting.input(sound.clone(), sound.clone()),
        )];
        if let Some([old, new]) = &setting.behaviours {
            let input = setting.input(old.clone(), new.clone());
            courses.push(Course::of("behaviour", "as in the behaviour file".to_owned(), &input));
        } else {
            let kind = broken(setting);
            let input = setting.input(sound.clone(), kind.behaviour(setting));
            courses.push(Course::of("broken", kind.as_str().to_owned(), &input));
        }
        Self {
            service: setting.service.clone(),
            replicas: setting.slots(),
            engine: setting.engine.to_string(),
            update_config: setting.spec.update.clone(),
            rollback_config: setting.previous.rollback.clone(),
            healthcheck: setting.spec.health.clone(),
            tolerated_failures: setting.tolerated(),
            room: Room::of(setting, &courses),
            detection: detections(setting),
            courses,
        }
    }

    /// One of its predicted updates.
    #[must_use]
    pub fn course(&self, name: &str) -> Option<&Course> {
        self.courses.iter().find(|course| course.name == name)
    }
}

/// The kind of failure that the plan plays in full: with a health check one that it finds, else a
/// crash.
fn broken(setting: &Setting) -> FailureKind {
    if setting.spec.health.is_some() {
        FailureKind::NeverHealthy
    } else {
        FailureKind::CrashAtStart
    }
}

/// Plans as JSON.
#[must_use]
pub fn json(plans: &[Plan]) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        schema_version: u32,
        services: &'a [Plan],
    }
    let document = Document { schema_version: SCHEMA_VERSION, services: plans };
    serde_json::to_string_pretty(&document).unwrap_or_default()
}
