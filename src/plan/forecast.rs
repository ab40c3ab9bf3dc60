//! One change of a service, as a forecast: how it goes and how long that takes.

use super::course::Course;
use super::setting::Setting;
use super::{FailureKind, broken};
use crate::Offset;
use crate::error::Result;
use crate::swarm::SpecChange;

/// Time from the start of a container until its program is ready, unless the user knows better.
pub const BOOT: Offset = Offset::from_millis(1_000);
/// Time from the stop signal to the end of the program.
pub const STOP: Offset = Offset::from_millis(100);

/// How a change of a service goes, if the new version is sound; or if it fails in the way that a
/// broken update does. `speed` is how much faster than real the swarm's time passes.
///
/// # Errors
/// A service that is too large to be played.
pub fn forecast(service: &str, change: SpecChange, fails: bool, speed: f64) -> Result<Course> {
    let change = change.at_speed(speed);
    let [boot, stop] = [BOOT, STOP].map(|time| time.at_speed(speed));
    let mut setting = Setting::new(service, change.after.clone(), boot, stop).of_change(change);
    setting.hops = setting.hops.faster(speed);
    setting.check_size().map(|()| course_of_change(&setting, fails))
}

/// The same for a setting that has the change already.
#[must_use]
pub fn course_of_change(setting: &Setting, fails: bool) -> Course {
    let kind = fails.then(|| broken(setting));
    let new = kind.map_or_else(|| setting.sound.clone(), |kind| kind.behaviour(setting));
    let name = if fails { "broken" } else { "good" };
    let behaviour = kind.map_or("sound", FailureKind::as_str).to_owned();
    Course::of(name, behaviour, &setting.input(setting.sound.clone(), new))
}

impl Course {
    /// When Swarm calls it over and no replaced task is left; absent if it never ends, or goes on with
    /// failed tasks.
    #[must_use]
    pub fn at_rest(&self) -> Option<Offset> {
        let finished = self.finished_s.filter(|_| self.hangs.is_none() && !self.churns)?;
        Some(self.last_replaced_gone_s.map_or(finished, |gone| gone.max(finished)))
    }
}
