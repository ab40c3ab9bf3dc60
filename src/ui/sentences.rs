//! The wording of what Swarm does with the slots.
//!
//! What Swarm does when is read from swarmkit's updater: with stop-first a new task is
//! prepared while the old one stops and starts when that has stopped; a worker waits without
//! limit until the new task runs; each worker then sleeps `delay`, also after its last slot;
//! then all slots are watched for `monitor`, or for `delay` and a second if that is longer.

use super::rollout::{Rollout, Slots};
use super::wait::{Wait, settling, watching};
use crate::judge::TaskFailure;
use crate::record::StackFacts;
use crate::swarm::UpdatePolicy;
use crate::wording::setting;

/// What Swarm is doing, and what the run waits for.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Narration {
    /// One plain sentence. It holds no running time: it changes only when the facts do.
    pub doing: String,
    /// What is being waited for.
    pub waiting: Option<Wait>,
}

/// Which version comes to the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coming {
    /// The only one: a deployment.
    First,
    /// The new one: an update.
    Update,
    /// The one from before the update: a rollback.
    Back,
}

/// Words the state of one rollout.
pub(super) struct Sentences<'a> {
    /// How far it is.
    pub rollout: &'a Rollout,
    /// What it brings.
    pub coming: Coming,
    /// The stack's settings, if known.
    pub facts: Option<&'a StackFacts>,
}

impl Sentences<'_> {
    /// Slots in motion, whatever set them in motion.
    pub fn moving(&self) -> Narration {
        let doing = if self.rollout.in_flight() {
            format!("Swarm is {}", self.steps())
        } else {
            capitalised(&self.state())
        };
        Narration { doing, waiting: self.waiting() }
    }

    /// An update that is under way.
    pub fn updating(&self) -> Narration {
        let rollout = self.rollout;
        if rollout.in_flight() {
            return self.moving();
        }
        let policy = self.facts.map(|facts| &facts.update_config);
        if rollout.is_whole() {
            let state = capitalised(&self.state());
            return self.watched(&format!("{state}; Swarm is"), policy, "update");
        }
        let delay = policy.map_or(0.0, |policy| policy.delay);
        let (then, waiting) = if delay > 0.0 && rollout.done > 0 {
            let then = format!("waits {} (delay) before the next slot", setting(delay));
            (then, Wait::until("Swarm turns to the next slot", rollout.done_at, delay))
        } else {
            ("turns to the next slot".to_owned(), Wait::for_event("the next slot"))
        };
        let state = capitalised(&self.state());
        Narration { doing: format!("{state}; Swarm {then}"), waiting: Some(waiting) }
    }

    /// A rollback that is under way; `cause` says why, as a sentence without a full stop.
    pub fn rolling_back(&self, cause: &str) -> Narration {
        if self.rollout.in_flight() {
            let doing = format!("{cause}; it is {}", self.steps());
            return Narration { doing, waiting: self.waiting() };
        }
        let policy = self.facts.map(|facts| &facts.rollback_config);
        if self.rollout.is_whole() {
            return self.watched(&format!("{cause}; {}; it is", self.state()), policy, "rollback");
        }
        Narration {
            doing: format!("{cause}; {}", self.state()),
            waiting: Some(Wait::for_event("the next slot")),
        }
    }

    /// An end state that Swarm wrote: no proof that every slot is where it should be.
    pub fn after(&self, state: &str) -> Narration {
        if self.rollout.is_whole() {
            return Narration { doing: format!("{state}: {}", self.state()), waiting: None };
        }
        let mut doing = format!("{state}, but {}", self.state());
        if self.rollout.in_flight() {
            doing = format!("{doing}; it is {}", self.steps());
        }
        Narration { doing, waiting: self.waiting() }
    }

    /// How many replicas have arrived: `2 of 6 replicas have been replaced`.
    pub fn state(&self) -> String {
        let Rollout { done, wanted, .. } = *self.rollout;
        let who = match (done, wanted) {
            (_, 1) => "the replica".to_owned(),
            _ if done == wanted => format!("all {wanted} replicas"),
            _ => format!("{done} of {wanted} replicas"),
        };
        let one = done == 1 || wanted == 1;
        let not = if done == 0 && wanted == 1 { "not " } else { "" };
        let are = if one { "is" } else { "are" };
        match self.coming {
            Coming::First => format!("{who} {are} {not}running"),
            Coming::Update => {
                format!("{who} {} {not}been replaced", if one { "has" } else { "have" })
            }
            Coming::Back if !not.is_empty() => format!("{who} does not run the previous version"),
            Coming::Back => {
                format!("{who} {} the previous version", if one { "runs" } else { "run" })
            }
        }
    }

    /// After the last slot: Swarm's timers run.
    fn watched(&self, start: &str, policy: Option<&UpdatePolicy>, change: &str) -> Narration {
        let doing = format!("{start} {}", watching(policy));
        let what = format!("Swarm calls the {change} completed");
        let since = self.rollout.done_at;
        let waiting = match policy {
            Some(policy) => Wait::until(what, since, settling(policy)),
            None => Wait::for_event(format!("Swarm to call the {change} completed")),
        };
        Narration { doing, waiting: Some(waiting) }
    }

    /// What Swarm does with the slots that are between two versions, to fit after "is", in the
    /// order in which a slot goes through the steps.
    fn steps(&self) -> String {
        let rollout = self.rollout;
        let mut steps = Vec::new();
        if !rollout.stopping.is_empty() {
            steps.push(self.stopping(&rollout.stopping));
        }
        if let Some((slot, failure)) = rollout.stuck.first() {
            let what = match failure {
                TaskFailure::NotPlaced { .. } => "looking for a node for",
                _ => "stuck preparing",
            };
            let evidence = failure.evidence().unwrap_or_default();
            steps.push(format!("{what} slot {slot}: {evidence}"));
        }
        if !rollout.preparing.is_empty() {
            steps.push(format!("preparing {}", self.coming(&rollout.preparing)));
        }
        if !rollout.held.is_empty() {
            let held = rollout.held.named();
            steps.push(format!("waiting for the restart delay in {held}"));
        }
        if !rollout.starting.is_empty() {
            let starting = self.coming(&rollout.starting);
            let check = match self.facts {
                Some(StackFacts { healthcheck: None, .. }) => "",
                _ => rollout.starting.either(
                    " and waiting for its health check",
                    " and waiting for their health checks",
                ),
            };
            steps.push(format!("starting {starting}{check}"));
        }
        if !rollout.unhealthy.is_empty() {
            let replicas = rollout.unhealthy.either("replica", "replicas");
            steps.push(format!(
                "stopping the unhealthy {replicas} in {}",
                rollout.unhealthy.named()
            ));
        }
        if let Some((slot, failure)) = rollout.failed.first() {
            steps.push(self.failed(slot, failure));
        }
        steps.join("; ")
    }

    /// The replicas of some slots that are on their way in.
    fn coming(&self, slots: &Slots) -> String {
        let (replicas, named) = (slots.either("replica", "replicas"), slots.named());
        match self.coming {
            Coming::First => format!("the {replicas} in {named}"),
            Coming::Update => format!("the new {replicas} in {named}"),
            Coming::Back => format!("the previous version in {named}"),
        }
    }

    /// Stop-first: what goes and what comes in its place.
    fn stopping(&self, slots: &Slots) -> String {
        let (replicas, named) = (slots.either("replica", "replicas"), slots.named());
        let (old, new) = match self.coming {
            Coming::First => return format!("stopping the {replicas} in {named}"),
            Coming::Back => ("new", "the previous version"),
            Coming::Update => ("old", slots.either("the new one", "the new ones")),
        };
        format!("stopping the {old} {replicas} in {named} before it starts {new}")
    }

    /// A task that ended and that Swarm has not replaced yet.
    fn failed(&self, slot: &str, failure: &TaskFailure) -> String {
        let policy = self.facts.map(|facts| match self.coming {
            Coming::Back => &facts.rollback_config,
            Coming::First | Coming::Update => &facts.update_config,
        });
        let reaction = match (self.coming, policy) {
            (Coming::First, _) | (_, None) => String::new(),
            (_, Some(policy)) => format!(" (failure_action: {})", policy.failure_action),
        };
        let failed = failure.of_whom(&format!("slot {slot}"));
        format!("about to react, because {failed}{reaction}")
    }

    /// What holds the rollout up most.
    fn waiting(&self) -> Option<Wait> {
        let rollout = self.rollout;
        Some(if let Some((slot, failure)) = rollout.stuck.first() {
            let what = match failure {
                TaskFailure::NotPlaced { .. } => "a node",
                _ => "the image",
            };
            Wait::for_event(format!("{what} for slot {slot} (Swarm sets no limit)"))
        } else if let Some((slot, _)) = rollout.failed.first() {
            Wait::for_event(format!("Swarm to react to slot {slot}"))
        } else if !rollout.unhealthy.is_empty() {
            Wait::for_slots(&rollout.unhealthy, "stop")
        } else if !rollout.starting.is_empty() {
            match self.facts {
                Some(facts) => match &facts.healthcheck {
                    Some(check) => Wait::for_health(check, facts, &rollout.starting),
                    None => Wait::for_slots(&rollout.starting, "run"),
                },
                None => Wait::for_slots(&rollout.starting, "become healthy"),
            }
        } else if !rollout.stopping.is_empty() {
            Wait::for_slots(&rollout.stopping, "stop")
        } else if !rollout.preparing.is_empty() {
            Wait::for_slots(&rollout.preparing, "be ready")
        } else if !rollout.held.is_empty() {
            Wait::for_slots(&rollout.held, "start again")
        } else {
            return None;
        })
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_replica_is_no_crowd() {
        let state = |done, wanted, coming| {
            let rollout = Rollout { wanted, done, ..Rollout::default() };
            Sentences { rollout: &rollout, coming, facts: None }.state()
        };
        assert_eq!(state(1, 1, Coming::First), "the replica is running");
        assert_eq!(state(0, 1, Coming::Update), "the replica has not been replaced");
        assert_eq!(state(1, 1, Coming::Back), "the replica runs the previous version");
        assert_eq!(state(0, 1, Coming::Back), "the replica does not run the previous version");
        assert_eq!(state(2, 2, Coming::Update), "all 2 replicas have been replaced");
        assert_eq!(state(1, 2, Coming::Back), "1 of 2 replicas runs the previous version");
    }
}
