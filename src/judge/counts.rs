//! How many tasks ran and served over time.

use super::VersionStep;
use super::levels::Levels;
use super::scene::Scene;
use super::task_life::TaskLife;
use crate::Offset;

/// How many of some tasks ran and served over time.
pub(super) struct Counts {
    pub running: Levels,
    pub serving: Levels,
}

impl Counts {
    /// From the change to the end, of the tasks that `which` chooses.
    pub fn of(scene: &Scene, which: impl Fn(&TaskLife) -> bool) -> Self {
        let (start, end) = (scene.submitted_at(), scene.ended);
        let lives = || scene.tasks.lives.iter().filter(|life| which(life));
        Self {
            running: Levels::of(
                lives().filter_map(|life| Some((life.running?, life.ended))),
                start,
                end,
            ),
            serving: Levels::of(
                lives().filter_map(|life| Some((life.running?, life.serves_until()))),
                start,
                end,
            ),
        }
    }

    /// The counts at an instant.
    pub fn at(&self, at: Offset) -> VersionStep {
        VersionStep { running: self.running.at(at), serving: self.serving.at(at) }
    }
}
