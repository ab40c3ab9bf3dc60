//! What is said of failed requests: one by one, and in groups of one cause.

use super::attribution::{Attribution, Finding};
use super::cause::{Cause, CauseGroup, Failure, Nearest};
use super::entry_fix::entry_fix;
use super::fix::Fix;
use super::loss_fixes::{Lost, lost_requests};
use super::transition::Transition;
use crate::Offset;
use crate::record::{Shot, StreamFacts};
use crate::wording::length;

impl Attribution<'_> {
    /// Explains one failed request, given what was found.
    pub(super) fn explain(&self, stream: &StreamFacts, shot: &Shot, found: &Finding) -> Failure {
        let from = shot.end.map_or(shot.began(), |end| end.at);
        let Finding { cause, life, .. } = *found;
        let text = self.sentence(found, shot);
        let nearest = match cause {
            Cause::ProxyNotRunning | Cause::ProxyStopping => self.nearest_of_entry(found, from),
            Cause::BeforeUpdate
            | Cause::OwnLag
            | Cause::EngineLost
            | Cause::NodeLost
            | Cause::PortWithdrawn
            | Cause::WrongAnswer => None,
            _ => {
                let nearest = Transition::nearest(&self.transitions, from, |transition| {
                    life.is_none_or(|life| life == transition.life)
                });
                nearest.map(|transition| transition.seen_from(from))
            }
        };
        let because = nearest.as_ref().map_or_else(
            || text.clone(),
            |near| {
                let side = if near.dt_s < Offset::ZERO { "later" } else { "earlier" };
                let distance = length(near.dt_s.abs());
                let event = near.event.replace('-', " ");
                let service =
                    near.service.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
                format!("{text} ({service}slot {}: {event} {distance} {side})", near.slot)
            },
        );
        Failure {
            stream: stream.name.clone(),
            at: shot.shows(),
            class: shot.outcome,
            replica: shot.replica.as_deref().map(str::to_owned),
            version: shot.version.as_deref().map(str::to_owned),
            reused: shot.reused,
            nearest,
            cause,
            because,
        }
    }

    fn nearest_of_entry(&self, found: &Finding, from: Offset) -> Option<Nearest> {
        let other = self.entry.service(found.about?)?;
        let all = Transition::all(&other.tasks, self.scene.started);
        let nearest = Transition::nearest(&all, from, |_| true)?.seen_from(from);
        Some(Nearest { service: Some(other.name.to_owned()), ..nearest })
    }

    /// What is said of one failed request.
    fn sentence(&self, found: &Finding, shot: &Shot) -> String {
        let entry = found.about.and_then(|about| self.entry.service(about));
        match (found.cause, entry) {
            (Cause::ProxyNotRunning, Some(other)) => {
                format!("the published port was closed: no task of {} was running", other.name)
            }
            (Cause::ProxyNotRunning, None) => format!(
                "the published port was closed although replicas of {} were serving: what publishes \
                 it was not running (the record does not have its tasks)",
                self.scene.service
            ),
            (Cause::ProxyStopping, Some(other)) => {
                format!("a task of {}, which publishes the port, was being stopped", other.name)
            }
            (Cause::PortWithdrawn, _) => {
                let port = self.entry.withdrawn.first();
                port.map_or_else(|| found.cause.text().to_owned(), |port| format!("{port}"))
            }
            (Cause::WrongAnswer, _) => self.answers.sentence(self.scene, shot),
            (Cause::NodeLost, _) => {
                let loss = found.about.and_then(|about| self.scene.nodes.get(about));
                loss.map_or_else(
                    || found.cause.text().to_owned(),
                    |loss| format!("{}: {}", found.cause.text(), loss.what()),
                )
            }
            (cause, _) => cause.sentence(found.holder),
        }
    }

    /// Words a group of requests with one cause, and what to change.
    pub(super) fn word(&self, group: &mut CauseGroup, found: &Finding, like: &Shot) {
        let scene = self.scene;
        let loss = found.about.and_then(|about| scene.nodes.get(about));
        group.text = match loss.filter(|_| group.cause == Cause::NodeLost) {
            Some(loss) => loss.sentence(group.failed, group.first_at),
            None => self.sentence(found, like),
        };
        if group.cause == Cause::WrongAnswer {
            group.answers = self.answers.list(scene);
        }
        let fix = match group.cause {
            Cause::ProxyNotRunning | Cause::ProxyStopping => {
                let other = found.about.and_then(|about| self.entry.service(about));
                Some(Fix::text(entry_fix(other, self.stack, self.submitted, self.ipvs)))
            }
            Cause::NodeLost => loss.map(|loss| Fix::text(loss.remedy())),
            cause => {
                let killed = found.life.is_some_and(|life| self.is_killed(life));
                let longest = killed.then(|| self.longest_answer(&group.streams)).flatten();
                let of = Lost { cause, killed_after_grace: longest, ipvs: self.ipvs };
                lost_requests(&of, scene, self.stack)
            }
        };
        group.remedy = fix.as_ref().map(Fix::sentence);
        group.fix = fix;
    }
}
