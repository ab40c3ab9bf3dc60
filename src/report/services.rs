//! What became of the other services that a scenario changed.

use super::summary::cause;
use crate::Offset;
use crate::judge::{Check, ServiceJudgement, Verdict};
use crate::swarm::UpdateState;
use crate::wording::length;

/// What Swarm did with another service, in one line: `shop_worker: updated in 3.1 s`.
pub(super) fn in_one_line(service: &ServiceJudgement) -> String {
    let name = &service.service;
    let update = &service.update;
    let after = |at: Offset| length(at - update.submitted_at.unwrap_or(at));
    let ended = match &service.rollback {
        Some(story) => {
            let done = match story.completed_at {
                Some(done) => format!(", done after {}", after(done)),
                None => String::new(),
            };
            format!("rolled back after {}{done}: {}", after(story.started_at), cause(story))
        }
        None if service.created => "created".to_owned(),
        None => match (update.final_state, update.converged.status_terminal) {
            (UpdateState::Completed, Some(at)) => format!("updated in {}", after(at)),
            (UpdateState::None, _) => "nothing replaced".to_owned(),
            (state, Some(at)) => format!("{state} after {}", after(at)),
            (state, None) => format!("still {state}"),
        },
    };
    let scaled = update
        .replicas_changed
        .filter(|_| !service.created)
        .map_or_else(String::new, |to| format!("; scaled from {} to {}", to.from, to.to));
    let broken = match broken(service) {
        Some(check) if service.rollback.is_none() => format!("; {}", check.because),
        _ => String::new(),
    };
    format!("{name}: {ended}{scaled}{broken}")
}

/// The first check that decides a verdict which is not a pass.
fn broken(service: &ServiceJudgement) -> Option<&Check> {
    let decides = |check: &&Check| check.verdict == service.verdict;
    service.checks.iter().find(decides).filter(|_| service.verdict != Verdict::Pass)
}
