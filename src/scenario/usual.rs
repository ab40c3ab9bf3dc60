//! The scenarios that any service can have, judged by what they expect alone.

use std::time::Duration;

use super::declaration::APP;
use super::{Act, Declaration, Group};
use crate::deploy::Change;
use crate::record::Expects;

/// Asks a port on which nothing listens, in the spelling of docker's own examples. It needs
/// `wget` in the image; without it the check fails as well.
const BROKEN_HEALTH_CMD: &str = "wget --spider http://localhost:1 || exit 1";

/// A good update: every replica must run the new version in the end. Without `changes` it replaces
/// every task in the way that is at hand.
#[must_use]
pub fn update(changes: Vec<Change>) -> Declaration {
    usual(
        "update",
        "a good update: every replica must run the new version in the end",
        Expects::Update,
        if changes.is_empty() { Act::Renew } else { Act::Roll(changes) },
    )
}

/// The next version of the whole stack: every replica of each changed service must run it in the end.
#[must_use]
pub fn deploy_update() -> Declaration {
    let about = "the next version of the stack: every changed service must run it in the end";
    usual("update", about, Expects::Update, Act::Deploy)
}

/// A next version of the whole stack that is broken: Swarm must roll back.
#[must_use]
pub fn deploy_broken_update() -> Declaration {
    let about = "a broken next version of the stack: Swarm must roll back";
    usual("broken-update", about, Expects::Rollback, Act::Deploy)
}

/// An update whose health check cannot succeed: Swarm must roll back. `health_cmd` replaces the
/// command.
#[must_use]
pub fn broken_update(health_cmd: Option<String>) -> Declaration {
    let command = health_cmd.unwrap_or_else(|| BROKEN_HEALTH_CMD.to_owned());
    usual(
        "broken-update",
        "an update that cannot become healthy: Swarm must roll back",
        Expects::Rollback,
        Act::Roll(vec![Change::HealthCmd { command }]),
    )
}

/// An update that is made elsewhere, by an operator, a pipeline or `docker stack deploy`, within
/// `wait`.
#[must_use]
pub fn watched_update(expects: Expects, wait: Duration) -> Declaration {
    usual(
        "watched-update",
        "an update that is made elsewhere while rollproof only watches",
        expects,
        Act::Watch(wait),
    )
}

fn usual(name: &str, about: &str, expects: Expects, act: Act) -> Declaration {
    Declaration {
        name: name.to_owned(),
        about: about.to_owned(),
        group: Group::Usual,
        service: APP.to_owned(),
        services: None,
        act,
        streams: Vec::new(),
        again_after: None,
        lose_image: false,
        watch: None,
        expects,
        must: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stack::ServiceBody;

    fn body(image: &str) -> ServiceBody {
        ServiceBody::new(json!({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image}}}))
    }

    #[test]
    fn an_update_without_a_change_replaces_every_task() {
        let scenario = update(Vec::new()).scenario(false, &body("a:1"));
        assert_eq!(scenario.act, Act::Roll(vec![Change::Force]));
        assert_eq!(scenario.changed(&body("a:1")).force_update(), 1);
    }

    #[test]
    fn the_fresh_example_rolls_to_its_second_version() {
        let fresh = |image| update(Vec::new()).scenario(true, &body(image)).changed(&body(image));
        assert_eq!(fresh(crate::image::APP_V1).image(), crate::image::APP_V2);
        assert_eq!(fresh("a:1").force_update(), 1);
    }

    #[test]
    fn a_broken_update_expects_a_rollback() {
        let scenario = broken_update(None).scenario(true, &body("a:1"));
        assert_eq!(
            (scenario.name.as_str(), scenario.expects),
            ("broken-update", Expects::Rollback)
        );
        assert!(scenario.describe().starts_with("--health-cmd"), "{}", scenario.describe());
    }
}
