//! A good update: every replica must run the new version in the end.

use super::{Act, Scenario, ScenarioKind, Wishes};
use crate::deploy::Change;
use crate::image::{APP_V1, APP_V2};
use crate::record::Expects;
use crate::stack::ServiceBody;

pub(super) const KIND: ScenarioKind = ScenarioKind {
    name: "update",
    about: "a good update: every replica must run the new version in the end",
    of_verify: true,
    make,
};

fn make(wishes: &Wishes, body: &ServiceBody) -> Scenario {
    let changes = if !wishes.changes.is_empty() {
        wishes.changes.clone()
    } else if wishes.fresh && body.image() == APP_V1 {
        vec![Change::Image { image: APP_V2.to_owned() }]
    } else {
        vec![Change::Force]
    };
    Scenario { name: KIND.name, expects: Expects::Update, act: Act::Roll(changes) }
}
