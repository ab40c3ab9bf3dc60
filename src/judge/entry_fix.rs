//! What to change where the service that publishes the port was not there.

use super::other_services::OtherService;
use crate::Offset;
use crate::record::StackFacts;
use crate::remedy::{PORT_OF_THE_RUN, keep_port_open};
use crate::swarm::Order;

/// What to change where the service that publishes the port was not there.
pub(super) fn entry_fix(
    other: Option<&OtherService>,
    stack: &StackFacts,
    submitted: Offset,
    ipvs: bool,
) -> String {
    let name = other.map_or("the service that publishes the port", |other| other.name);
    let entry =
        stack.entry.as_ref().filter(|entry| other.is_none_or(|other| other.name == entry.service));
    let ended = other.and_then(|other| other.ended_task(submitted));
    if let Some(life) = ended
        && let Some(failure) = life.failure()
    {
        return format!(
            "find out why {name} ended ({}): `docker service ps --no-trunc {name}`; with replicas on \
             several nodes, each with its own address for users, the others would have answered",
            failure.of_whom(&life.whom())
        );
    }
    match entry {
        Some(entry) if !entry.host_port && entry.order == Order::StopFirst => format!(
            "update {name} with `update_config.order: start-first` and give it a `healthcheck`, so \
             that the new task answers before the old one stops"
        ),
        Some(entry) if !entry.host_port => {
            format!("give {name} a `healthcheck` and more than one replica")
        }
        Some(entry) if entry.moved => PORT_OF_THE_RUN.to_owned(),
        Some(_) => keep_port_open(name, Some(ipvs)),
        None => format!("run more than one replica of {name}, and update them one after the other"),
    }
}
