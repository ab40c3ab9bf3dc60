//! The self-test: an update built to lose requests, and whether the probes noticed.

use serde::Serialize;

use super::check::{Check, trust};
use super::remedies::{NOT_BEGUN, SELF_TEST};
use super::request::is_own_lag;
use crate::Offset;
use crate::record::{ContainerAction, EventKind, Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::Gaps;
use crate::wording::{count, counted, length};

/// The self-test: what the probes saw of an update built to lose requests, and what really
/// happened. Instants count from the run's start; absent means not seen.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SelfTestStory {
    /// The service that was updated.
    pub service: Option<String>,
    /// The stream that asked it.
    pub stream: Option<String>,
    /// When its update was submitted.
    pub started_at: Option<Offset>,
    /// When it ended, or timed out.
    pub ended_at: Option<Offset>,
    /// What it was still waiting for when it timed out.
    pub gave_up: Option<String>,
    /// Good answers before the update.
    pub answered_before: u64,
    /// Whether the last request before the update got its answer, so that a later failure is
    /// the update's doing.
    pub sound_before: bool,
    /// Requests sent from the start to the end of the update.
    pub sent: u64,
    /// Those of them that failed; what the probe itself sent late does not count.
    pub failed: u64,
    /// The longest time without an answer in it.
    pub longest_gap_s: Offset,
    /// When the old container ended, as the engine says.
    pub old_ended_at: Option<Offset>,
    /// When the new container was started, as the engine says.
    pub new_started_at: Option<Offset>,
    /// How long there was no container, as the engine says: the gap cannot be much shorter.
    pub without_container_s: Option<Offset>,
}

impl SelfTestStory {
    pub(super) fn of(run: &Run) -> Self {
        let mut story = Self {
            service: None,
            stream: None,
            started_at: None,
            ended_at: None,
            gave_up: None,
            answered_before: 0,
            sound_before: false,
            sent: 0,
            failed: 0,
            longest_gap_s: Offset::ZERO,
            old_ended_at: None,
            new_started_at: None,
            without_container_s: None,
        };
        story.read_events(run);
        let stream = run.shots.iter().find(|(facts, _)| facts.purpose == Purpose::NegativeControl);
        if let Some((facts, shots)) = stream {
            story.stream = Some(facts.name.clone());
            story.read_shots(facts, shots);
        }
        story
    }

    fn read_events(&mut self, run: &Run) {
        let started = run.events.iter().enumerate().find_map(|(index, event)| match &event.kind {
            EventKind::NegativeControlStarted { service } => Some((index, event.at, service)),
            _ => None,
        });
        let Some((index, started, service)) = started else { return };
        (self.service, self.started_at) = (Some(service.clone()), Some(started));
        for event in &run.events[index..] {
            if let EventKind::NegativeControlEnded { gave_up } = &event.kind {
                (self.ended_at, self.gave_up) = (Some(event.at), gave_up.clone());
                break;
            }
        }
        let until = self.ended_at.unwrap_or(Offset::from_nanos(i64::MAX));
        // By time, not by place: they come from another source than the two events.
        let containers = run.events.iter().filter_map(|event| match &event.kind {
            EventKind::Container { container, service: of, action, .. }
                if of == service && event.at >= started && event.at <= until =>
            {
                Some((event.at, *action, container))
            }
            _ => None,
        });
        let first = |action: ContainerAction, not: Option<&String>| {
            let of_action = containers.clone().filter(|seen| seen.1 == action);
            of_action.filter(|seen| Some(seen.2) != not).min_by_key(|seen| seen.0)
        };
        let old = first(ContainerAction::Die, None);
        let new = first(ContainerAction::Start, old.map(|old| old.2));
        self.old_ended_at = old.map(|old| old.0);
        self.new_started_at = new.map(|new| new.0);
        self.without_container_s = old.zip(new).map(|(old, new)| (new.0 - old.0).max(Offset::ZERO));
    }

    fn read_shots(&mut self, facts: &StreamFacts, shots: &[Shot]) {
        let Some(started) = self.started_at else { return };
        let ended = self.ended_at.unwrap_or(Offset::from_nanos(i64::MAX));
        let mut tried: Vec<(Offset, bool)> = shots
            .iter()
            .filter(|shot| shot.outcome != Outcome::Unsent)
            .map(|shot| (shot.intended, !shot.outcome.is_failure() || is_own_lag(facts, shot)))
            .collect();
        tried.sort_unstable_by_key(|request| request.0);
        let (before, rest) = tried.split_at(tried.partition_point(|request| request.0 < started));
        let within = &rest[..rest.partition_point(|request| request.0 < ended)];
        self.answered_before = before.iter().filter(|request| request.1).count() as u64;
        self.sound_before = before.last().is_some_and(|last| last.1);
        self.sent = within.len() as u64;
        self.failed = within.iter().filter(|request| !request.1).count() as u64;
        // A gap that is still open ends with the first good answer after it, or with the last
        // request.
        let end = rest[within.len()..].iter().find(|request| request.1).or(rest.last());
        let end = end.map_or(ended, |request| request.0);
        self.longest_gap_s = Gaps::of(within.iter().copied(), end).longest();
    }

    /// The check that a lost request would have been noticed.
    pub(super) fn check(&self) -> Check {
        let missing = self.missing();
        let good = missing.is_empty();
        let because = if good {
            "the self-test, an update built to lose requests, lost some, and the probes noticed"
                .to_owned()
        } else {
            format!(
                "nothing shows that this run would have noticed a lost request: {}",
                missing.join("; ")
            )
        };
        let begun = self.stream.is_some() || self.started_at.is_some();
        let truth = self.without_container_s;
        let truth = truth.map(|time| format!("; {} without a container", length(time)));
        trust(
            "negative-control",
            good,
            format!(
                "{} of {} failed, longest gap {}{}",
                count(self.failed),
                count(self.sent),
                length(self.longest_gap_s),
                truth.unwrap_or_default()
            ),
            "at least 1 failed, none just before",
            because,
        )
        .remedy(if begun { SELF_TEST } else { NOT_BEGUN })
    }

    /// What is missing for a proof, each in plain words.
    fn missing(&self) -> Vec<String> {
        let mut missing = Vec::new();
        if self.stream.is_none() {
            missing.push("no stream asked the self-test's service".to_owned());
        }
        if self.started_at.is_none() {
            missing.push("the self-test did not start".to_owned());
            return missing;
        }
        match (&self.ended_at, &self.gave_up) {
            (None, _) => missing.push("the self-test did not end".to_owned()),
            (_, Some(text)) => missing.push(format!("the self-test timed out: {text}")),
            _ => {}
        }
        if self.stream.is_some() {
            if self.answered_before == 0 {
                missing.push("its service answered no request before the update".to_owned());
            } else if !self.sound_before {
                missing.push("its service failed already just before the update".to_owned());
            }
            if self.failed == 0 {
                let sent = counted(self.sent, "request");
                missing.push(format!("none of {sent} during the self-test failed"));
            }
        }
        missing
    }
}
