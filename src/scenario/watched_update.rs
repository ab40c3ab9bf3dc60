//! An update that is made elsewhere: by an operator, a pipeline, `docker stack deploy`.

use super::{Act, Scenario, ScenarioKind, Wishes};
use crate::record::Expects;
use crate::stack::ServiceBody;

pub(super) const KIND: ScenarioKind = ScenarioKind {
    name: "watched-update",
    about: "an update that is made elsewhere while rollproof only watches",
    of_verify: false,
    make,
};

fn make(wishes: &Wishes, _: &ServiceBody) -> Scenario {
    Scenario {
        name: KIND.name,
        expects: wishes.expects.unwrap_or(Expects::Update),
        act: Act::Watch(wishes.wait),
    }
}
