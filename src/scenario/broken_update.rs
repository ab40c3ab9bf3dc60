//! An update whose health check cannot succeed: Swarm must roll back.

use super::{Act, Scenario, ScenarioKind, Wishes};
use crate::deploy::Change;
use crate::record::Expects;
use crate::stack::ServiceBody;

/// Asks a port on which nothing listens, in the spelling of docker's own examples. It needs
/// `wget` in the image; without it the check fails as well.
const BROKEN_HEALTH_CMD: &str = "wget --spider http://localhost:1 || exit 1";

pub(super) const KIND: ScenarioKind = ScenarioKind {
    name: "broken-update",
    about: "an update that cannot become healthy: Swarm must roll back",
    of_verify: true,
    make,
};

fn make(wishes: &Wishes, _: &ServiceBody) -> Scenario {
    let command = wishes.health_cmd.clone().unwrap_or_else(|| BROKEN_HEALTH_CMD.to_owned());
    Scenario {
        name: KIND.name,
        expects: Expects::Rollback,
        act: Act::Roll(vec![Change::HealthCmd { command }]),
    }
}
