//! What is being waited for, and how long it may take.

use super::rollout::Slots;
use crate::Offset;
use crate::record::StackFacts;
use crate::swarm::{FailureAction, HealthCheck, UpdatePolicy};
use crate::wording::{setting, span};

/// What is being waited for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wait {
    /// To fit after "waiting for", or after "until" if Swarm's timer decides.
    what: String,
    /// Since when, if that is known better than from the change of the sentence.
    pub since: Option<Offset>,
    /// Seconds after which it is decided.
    limit: Option<f64>,
    /// Whether it is over when the limit is reached: Swarm's own timer.
    timer: bool,
}

impl Wait {
    /// Waiting for something that may take any time.
    pub fn for_event(what: impl Into<String>) -> Self {
        Self { what: what.into(), since: None, limit: None, timer: false }
    }

    /// Waiting for slots to get somewhere.
    pub fn for_slots(slots: &Slots, what: &str) -> Self {
        let what = format!("{} to {what}", slots.named());
        Self { since: slots.since, ..Self::for_event(what) }
    }

    /// Waiting for Swarm's own timer of `limit` seconds.
    pub fn until(what: impl Into<String>, since: Option<Offset>, limit: f64) -> Self {
        Self { what: what.into(), since, limit: Some(limit), timer: true }
    }

    /// Waiting for the first check that succeeds, at most until the engine calls the containers
    /// unhealthy: failed checks count from the end of the start period.
    pub fn for_health(check: &HealthCheck, facts: &StackFacts, slots: &Slots) -> Self {
        let default = match facts.is_default("healthcheck.interval") {
            Some(true) => ", the default",
            _ => "",
        };
        let mut every = format!("every {}{default}", setting(check.interval));
        if check.start_period > 0.0 {
            every = format!("{every}; start period {}", setting(check.start_period));
        }
        #[expect(clippy::cast_precision_loss, reason = "a small number of retries")]
        let limit = check.start_period + check.retries as f64 * check.interval;
        Self {
            what: format!("the first health check of {} ({every})", slots.named()),
            since: slots.since,
            limit: Some(limit),
            timer: false,
        }
    }

    /// Whether both wait for the same thing.
    pub fn is_same(&self, other: &Self) -> bool {
        self.what == other.what
    }

    /// `0.5 s of 12 s until Swarm calls the update completed`,
    /// `waiting for slots 1 and 4 to stop, 2.1 s`.
    pub fn line(&self, elapsed: Offset) -> String {
        let (elapsed, what) = (span(elapsed), &self.what);
        match self.limit.map(setting) {
            Some(limit) if self.timer => format!("{elapsed} of {limit} until {what}"),
            Some(limit) => format!("waiting for {what}, {elapsed} of {limit}"),
            None => format!("waiting for {what}, {elapsed}"),
        }
    }
}

/// Seconds from the last slot's arrival until Swarm calls the change completed.
pub(super) fn settling(policy: &UpdatePolicy) -> f64 {
    // From engine 20.10.10 on, a delay of at least `monitor` stretches the time that follows.
    let watched = if policy.delay >= policy.monitor { policy.delay + 1.0 } else { policy.monitor };
    policy.delay + watched
}

/// What Swarm waits for after the last slot, in few words: `delay (2 s) and monitor (5 s)`.
pub(super) fn settings_left(policy: &UpdatePolicy) -> String {
    let (delay, monitor) = (setting(policy.delay), setting(policy.monitor));
    if policy.delay <= 0.0 {
        format!("monitor ({monitor})")
    } else if policy.delay < policy.monitor {
        format!("delay ({delay}) and monitor ({monitor})")
    } else {
        format!(
            "delay ({delay}) and monitor ({}: always longer than delay)",
            setting(policy.delay + 1.0)
        )
    }
}

/// What follows the last slot, to fit after "is".
pub(super) fn watching(policy: Option<&UpdatePolicy>) -> String {
    match policy {
        None => "watching them (monitor)".to_owned(),
        // The updater waits the same time, but looks at no failure.
        Some(policy) if policy.failure_action == FailureAction::Continue => format!(
            "waiting for {} and ignores failures (failure_action: continue)",
            settings_left(policy)
        ),
        Some(policy) => format!("waiting for {}", settings_left(policy)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::replay::{facts, seen, task};
    use super::super::rollout::Rollout;
    use super::super::sentences::{Coming, Sentences};
    use super::super::slots::SlotTable;
    use super::*;
    use crate::swarm::TaskState::{Running, Starting};

    #[test]
    fn what_follows_the_last_slot() {
        let policy = |delay, monitor| UpdatePolicy { delay, monitor, ..facts().update_config };
        for (policy, words, seconds) in [
            (policy(0.0, 5.0), "monitor (5 s)", 5.0),
            (policy(2.5, 5.0), "delay (2.5 s) and monitor (5 s)", 7.5),
            (policy(10.0, 5.0), "delay (10 s) and monitor (11 s: always longer than delay)", 21.0),
            (policy(5.0, 5.0), "delay (5 s) and monitor (6 s: always longer than delay)", 11.0),
        ] {
            assert_eq!(settings_left(&policy), words);
            assert!((settling(&policy) - seconds).abs() < 1e-9);
        }
        let ignoring = UpdatePolicy { failure_action: FailureAction::Continue, ..policy(0.0, 5.0) };
        assert!(watching(Some(&ignoring)).contains("ignores failures"));
    }

    /// What is waited for while `starting` slots of six start.
    fn waiting(facts: &StackFacts, starting: u64) -> String {
        let mut table = SlotTable::default();
        for slot in 1..=6 {
            let state = if slot <= starting { Starting } else { Running };
            table.event(&seen(1_000, task(&format!("n{slot}"), slot, 2, state, Running)));
        }
        let rollout = Rollout::towards(Some(2), "demo_app", 6, &table);
        let sentences = Sentences { rollout: &rollout, coming: Coming::Update, facts: Some(facts) };
        let wait = sentences.updating().waiting.unwrap();
        wait.line(Offset::from_millis(72_000) - wait.since.unwrap())
    }

    #[test]
    fn a_health_check_has_a_limit_and_the_default_is_named() {
        let mut facts = facts();
        let check = facts.healthcheck.as_mut().unwrap();
        check.interval = 30.0;
        assert_eq!(
            waiting(&facts, 6),
            "waiting for the first health check of 6 slots (every 30 s), 1m 11s of 90 s"
        );
        facts.places = BTreeMap::from([("service".to_owned(), "stack.yml:2".to_owned())]);
        facts.healthcheck.as_mut().unwrap().start_period = 60.0;
        assert_eq!(
            waiting(&facts, 1),
            "waiting for the first health check of slot 1 (every 30 s, the default; start period \
             60 s), 1m 11s of 150 s"
        );
        facts.healthcheck = None;
        assert_eq!(waiting(&facts, 2), "waiting for slots 1 and 2 to run, 1m 11s");
    }

    #[test]
    fn swarms_timer_is_shown_with_its_end() {
        assert_eq!(waiting(&facts(), 0), "1m 11s of 7 s until Swarm calls the update completed");
    }
}
