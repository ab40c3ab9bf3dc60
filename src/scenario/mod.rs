//! The table of scenarios: what is changed, and what Swarm must do about it.
//!
//! A scenario is one file and one line in [`TABLE`]. Performing one is the job of `run`.

mod broken_update;
mod update;
mod watched_update;

use std::fmt;
use std::time::Duration;

use crate::deploy::Change;
use crate::record::Expects;
use crate::stack::ServiceBody;

/// Every scenario that rollproof performs by itself, in the order in which `verify` does.
pub const TABLE: &[&ScenarioKind] = &[&update::KIND, &broken_update::KIND];

/// A good update.
pub const UPDATE: &ScenarioKind = &update::KIND;
/// An update that cannot become healthy.
pub const BROKEN_UPDATE: &ScenarioKind = &broken_update::KIND;
/// An update that somebody or something outside this program makes.
pub const WATCHED_UPDATE: &ScenarioKind = &watched_update::KIND;

/// One kind of scenario.
pub struct ScenarioKind {
    /// Its name in the record, in reports and on the command line.
    pub name: &'static str,
    /// What happens, in a few words.
    pub about: &'static str,
    /// Whether `verify` performs it unless told otherwise.
    pub of_verify: bool,
    /// Makes the scenario for a service.
    make: fn(&Wishes, &ServiceBody) -> Scenario,
}

/// What the user asked for.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// The changes of a good update; empty: whatever replaces every task.
    pub changes: Vec<Change>,
    /// The health check's command of a broken update; absent: one that cannot succeed.
    pub health_cmd: Option<String>,
    /// Whether the run deploys the stack, so that the example is at its first version.
    pub fresh: bool,
    /// What a watched update should do; absent: succeed.
    pub expects: Option<Expects>,
    /// How long to wait for an update that is made elsewhere.
    pub wait: Duration,
}

/// One scenario: what is changed and what must happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What Swarm must do.
    pub expects: Expects,
    /// What is done.
    pub act: Act,
}

/// What is done in a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Change the service.
    Roll(Vec<Change>),
    /// Change nothing, and wait at most this long until the service is changed elsewhere.
    Watch(Duration),
}

impl ScenarioKind {
    /// The scenario for a service with this body.
    #[must_use]
    pub fn scenario(&self, wishes: &Wishes, body: &ServiceBody) -> Scenario {
        (self.make)(wishes, body)
    }
}

impl Scenario {
    /// What is changed, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.act {
            Act::Roll(changes) => {
                changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
            Act::Watch(_) => "made elsewhere".to_owned(),
        }
    }

    /// The body after the changes.
    #[must_use]
    pub fn changed(&self, body: &ServiceBody) -> ServiceBody {
        let mut changed = body.clone();
        if let Act::Roll(changes) = &self.act {
            for change in changes {
                change.apply(&mut changed);
            }
        }
        changed
    }
}

impl PartialEq for ScenarioKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for ScenarioKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(image: &str) -> ServiceBody {
        ServiceBody::new(json!({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image}}}))
    }

    #[test]
    fn an_update_without_a_change_replaces_every_task() {
        let scenario = UPDATE.scenario(&Wishes::default(), &body("a:1"));
        assert_eq!(scenario.act, Act::Roll(vec![Change::Force]));
        assert_eq!(scenario.changed(&body("a:1")).force_update(), 1);
    }

    #[test]
    fn the_fresh_example_rolls_to_its_second_version() {
        let wishes = Wishes { fresh: true, ..Wishes::default() };
        let scenario = UPDATE.scenario(&wishes, &body(crate::image::APP_V1));
        assert_eq!(scenario.changed(&body(crate::image::APP_V1)).image(), crate::image::APP_V2);
        assert_eq!(UPDATE.scenario(&wishes, &body("a:1")).act, Act::Roll(vec![Change::Force]));
    }

    #[test]
    fn a_broken_update_expects_a_rollback() {
        let scenario = BROKEN_UPDATE.scenario(&Wishes::default(), &body("a:1"));
        assert_eq!((scenario.name, scenario.expects), ("broken-update", Expects::Rollback));
        assert!(scenario.describe().starts_with("--health-cmd"), "{}", scenario.describe());
    }
}
