//! The wording of what Swarm does with the slots.
//!
//! What Swarm does when is read from swarmkit's updater: with stop-first a new task is
//! prepared while the old one stops and starts when that has stopped; a worker waits without
//! limit until the new task runs; each worker then sleeps `delay`, also after its last slot;
//! then all slots are watched for `monitor`, or for `delay` and a second if that is longer.

use super::narration::Narration;
use super::progress::{Progress, Slots};
use super::words::{clean, setting};
use crate::record::StackFacts;
use crate::swarm::{FailureAction, UpdatePolicy};

/// Which version comes to the slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coming {
    /// The only one: a deployment.
    First,
    /// The new one: an update.
    Update,
    /// The one from before the update, with its number: a rollback.
    Back(u32),
}

/// Words the progress of one change.
pub(super) struct Sentences<'a> {
    /// How far it is.
    pub progress: &'a Progress,
    /// What it brings.
    pub coming: Coming,
    /// The stack's settings, if known.
    pub facts: Option<&'a StackFacts>,
}

impl Sentences<'_> {
    /// Slots in motion, whatever set them in motion.
    pub fn moving(&self) -> Narration {
        let steps = self.steps();
        let doing = match (steps.is_empty(), self.coming) {
            (false, _) => format!("Swarm {}", steps.join("; it ")),
            (true, Coming::First) => format!("{} replicas run", self.share()),
            (true, Coming::Update) => format!("{} replicas are new", self.share()),
            (true, Coming::Back(number)) => {
                format!("{} replicas run version #{number} again", self.share())
            }
        };
        Narration { doing, waiting: self.waiting() }
    }

    /// An update that is under way.
    pub fn updating(&self) -> Narration {
        let progress = self.progress;
        if progress.in_flight() {
            return self.moving();
        }
        let policy = self.facts.map(|facts| &facts.update_config);
        if progress.is_whole() {
            return Narration {
                doing: format!(
                    "All {} replicas are new; Swarm {}",
                    progress.wanted,
                    watching(policy, "update")
                ),
                waiting: Some("Swarm to call the update completed".to_owned()),
            };
        }
        let then = match policy.map(|policy| policy.delay) {
            Some(delay) if delay > 0.0 && progress.done > 0 => {
                format!("waits {} (delay) before it turns to the next", setting(delay))
            }
            _ => "turns to the next".to_owned(),
        };
        Narration {
            doing: format!("{} replicas are new; Swarm {then}", self.share()),
            waiting: Some("the next slot".to_owned()),
        }
    }

    /// A rollback that is under way; `cause` says why, as a sentence without a full stop.
    pub fn rolling_back(&self, cause: &str) -> Narration {
        if self.progress.in_flight() {
            let steps = self.steps().join("; it ");
            return Narration { doing: format!("{cause}; it {steps}"), waiting: self.waiting() };
        }
        let policy = self.facts.map(|facts| &facts.rollback_config);
        let then = if self.progress.is_whole() {
            let watching = watching(policy, "rollback");
            format!("all {} replicas are back; it {watching}", self.progress.wanted)
        } else {
            format!("{} replicas run the version from before", self.share())
        };
        Narration {
            doing: format!("{cause}; {then}"),
            waiting: Some("Swarm to call the rollback completed".to_owned()),
        }
    }

    /// An end state that Swarm wrote: no proof that every slot is where it should be.
    pub fn after(&self, state: &str) -> Narration {
        let progress = self.progress;
        let what = match self.coming {
            Coming::Back(number) => format!("replicas run version #{number} again"),
            Coming::First | Coming::Update => "replicas are new".to_owned(),
        };
        if progress.is_whole() {
            return Narration {
                doing: format!("{state}: all {} {what}", progress.wanted),
                waiting: Some("the service to stay at rest".to_owned()),
            };
        }
        let mut doing = format!("{state}, but only {} {what}", self.share());
        if progress.in_flight() {
            doing = format!("{doing}; it {}", self.steps().join("; it "));
        }
        Narration { doing, waiting: self.waiting() }
    }

    /// `2 of 6`.
    fn share(&self) -> String {
        format!("{} of {}", self.progress.done, self.progress.wanted)
    }

    /// What Swarm does with the slots that are between two versions, each to fit after
    /// "Swarm" or "it", in the order in which a slot goes through them.
    fn steps(&self) -> Vec<String> {
        let progress = self.progress;
        let mut steps = Vec::new();
        if !progress.stopping.is_empty() {
            steps.push(self.stopping(&progress.stopping));
        }
        if let Some((slot, reason)) = progress.unplaced.first() {
            steps.push(format!("finds no node for slot {slot}: {}", clean(reason)));
        }
        if !progress.preparing.is_empty() {
            steps.push(format!("prepares {}", self.coming(&progress.preparing)));
        }
        if !progress.held.is_empty() {
            let held = progress.held.named();
            steps.push(format!("holds {held} back for the delay of the restart policy"));
        }
        if !progress.starting.is_empty() {
            let starting = self.coming(&progress.starting);
            let check = match self.facts {
                Some(StackFacts { healthcheck: None, .. }) => String::new(),
                _ => format!(" and waits for {}", progress.starting.health_checks()),
            };
            steps.push(format!("starts {starting}{check}"));
        }
        if !progress.unhealthy.is_empty() {
            let unhealthy = progress.unhealthy.named();
            steps.push(format!(
                "ends the task{} of {unhealthy}: unhealthy",
                progress.unhealthy.plural()
            ));
        }
        if let Some((slot, reason)) = progress.failed.first() {
            steps.push(self.failed(slot, reason));
        }
        steps
    }

    /// The replicas of some slots that are on their way in.
    fn coming(&self, slots: &Slots) -> String {
        let (s, named) = (slots.plural(), slots.named());
        match self.coming {
            Coming::First => format!("the replica{s} of {named}"),
            Coming::Update => format!("the new replica{s} of {named}"),
            Coming::Back(number) => format!("version #{number} again in {named}"),
        }
    }

    /// Stop-first: what goes and what comes in its place.
    fn stopping(&self, slots: &Slots) -> String {
        let (s, named) = (slots.plural(), slots.named());
        let one = s.is_empty();
        let (old, new) = match self.coming {
            Coming::First => return format!("stops the replica{s} of {named}"),
            Coming::Back(number) => ("new", format!("version #{number}")),
            Coming::Update if one => ("old", "the new one".to_owned()),
            Coming::Update => ("old", "the new ones".to_owned()),
        };
        let stopped = if one { "it has stopped" } else { "they have stopped" };
        format!("stops the {old} replica{s} of {named}, to start {new} there once {stopped}")
    }

    /// A task that ended and that Swarm has not replaced yet.
    fn failed(&self, slot: &str, reason: &str) -> String {
        let policy = self.facts.map(|facts| match self.coming {
            Coming::Back(_) => &facts.rollback_config,
            Coming::First | Coming::Update => &facts.update_config,
        });
        let reaction = match (self.coming, policy) {
            (Coming::First, _) | (_, None) => String::new(),
            (_, Some(policy)) => {
                format!(" (failure_action: {})", policy.failure_action)
            }
        };
        format!("has yet to react to slot {slot}: {reason}{reaction}")
    }

    /// What holds the change up most, to fit after "waiting for".
    fn waiting(&self) -> Option<String> {
        let progress = self.progress;
        let counted = |slots: &Slots, what: &str| format!("{} to {what}", slots.named());
        Some(if let Some((slot, _)) = progress.unplaced.first() {
            format!("a node for slot {slot}; Swarm sets no limit to this")
        } else if let Some((slot, _)) = progress.failed.first() {
            format!("Swarm's reaction to slot {slot}")
        } else if !progress.unhealthy.is_empty() {
            counted(&progress.unhealthy, "end")
        } else if !progress.starting.is_empty() {
            match self.facts.map(|facts| &facts.healthcheck) {
                Some(Some(check)) => format!(
                    "the health of {}: checked every {}, {} failures in a row make it unhealthy",
                    progress.starting.named(),
                    setting(check.interval),
                    check.retries
                ),
                Some(None) => counted(&progress.starting, "run"),
                None => format!("the health of {}", progress.starting.named()),
            }
        } else if !progress.stopping.is_empty() {
            counted(&progress.stopping, "stop")
        } else if !progress.preparing.is_empty() {
            counted(&progress.preparing, "be prepared")
        } else if !progress.held.is_empty() {
            counted(&progress.held, "be let go")
        } else {
            return None;
        })
    }
}

/// What follows the last slot, to fit after "Swarm".
fn watching(policy: Option<&UpdatePolicy>, change: &str) -> String {
    let end = format!("before it calls the {change} completed");
    let Some(policy) = policy else { return format!("watches them (monitor) {end}") };
    let (delay, monitor) = (setting(policy.delay), setting(policy.monitor));
    if policy.failure_action == FailureAction::Continue {
        // The updater waits the same time, but looks at no failure.
        return format!("reacts to no failure (failure_action: continue) and waits {end}");
    }
    if policy.delay <= 0.0 {
        format!("watches them for {monitor} (monitor) {end}")
    } else if policy.delay < policy.monitor {
        format!("waits {delay} (delay) and then watches them for {monitor} (monitor) {end}")
    } else {
        let longer = setting(policy.delay + 1.0);
        format!(
            "waits {delay} (delay) and then watches them for {longer} (delay and 1 s, being more \
             than monitor) {end}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::Order;

    #[test]
    fn what_follows_the_last_slot() {
        let policy = |delay, monitor, action: FailureAction| UpdatePolicy {
            parallelism: 2,
            delay,
            failure_action: action,
            monitor,
            max_failure_ratio: 0.0,
            order: Order::StopFirst,
        };
        for (policy, words) in [
            (policy(0.0, 5.0, FailureAction::Pause), "watches them for 5 s (monitor) before"),
            (
                policy(2.5, 5.0, FailureAction::Pause),
                "waits 2.5 s (delay) and then watches them for 5 s (mon",
            ),
            // From engine 20.10.10 on: a delay of at least `monitor` stretches it.
            (
                policy(10.0, 5.0, FailureAction::Rollback),
                "waits 10 s (delay) and then watches them for 11 s (del",
            ),
            (
                policy(5.0, 5.0, FailureAction::Rollback),
                "waits 5 s (delay) and then watches them for 6 s (del",
            ),
            (
                policy(0.0, 5.0, FailureAction::Continue),
                "reacts to no failure (failure_action: continue) and",
            ),
        ] {
            let text = watching(Some(&policy), "update");
            assert!(text.starts_with(words), "{text}");
            assert!(text.ends_with("before it calls the update completed"), "{text}");
        }
    }
}
