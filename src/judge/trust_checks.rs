//! Checks on the measurement: a broken one makes the verdict inconclusive, never a failure.

use super::baseline::{Baseline, BaselineAfter};
use super::check::{Check, trust};
use super::limits::Limits;
use super::machine::Machine;
use super::remedies::{
    ALL_REPLICAS, FREE_MACHINE, MORE_REQUESTS, MORE_SOCKETS, SLOWER, SOUND_FIRST, STEADY_CLOCK,
};
use super::scene::Scene;
use super::stream_stats::StreamStats;
use crate::Offset;
use crate::record::{EventKind, Expects, Purpose, Unsent, UnsentCounts};
use crate::stats::error_rate_upper_95;
use crate::wording::{count, counted, length, percent};

/// What the trust checks look at.
pub(super) struct Evidence<'a> {
    pub scene: &'a Scene<'a>,
    pub limits: &'a Limits,
    /// All streams, whatever they are for.
    pub streams: &'a [StreamStats],
    pub machine: &'a Machine,
    pub baseline: &'a Baseline,
    /// Absent if nothing was asked after the scenario's end.
    pub after: Option<BaselineAfter>,
    /// Replicas that serve in the end, and how many of them answered often enough; absent if
    /// no response names its replica.
    pub replicas: Option<(u64, u64)>,
}

/// Whether requests were sent when they were due.
pub(super) fn sent_in_time(streams: &[StreamStats], limits: &Limits) -> bool {
    let mut lags = streams.iter().filter_map(|stream| stream.lag_s);
    lags.all(|lag| lag.p99 <= limits.lag_p99 && lag.max <= limits.lag_max)
}

impl Evidence<'_> {
    /// All trust checks.
    pub(super) fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.observed(), self.baseline_clean()];
        checks.extend(self.after.map(BaselineAfter::check));
        checks.extend(self.replicas_seen());
        checks.extend(self.control_clean());
        checks.extend([self.probe_lag(), self.probes_unsent(), self.enough_probes()]);
        checks.push(self.clock_steady());
        checks.extend(self.machine.check(self.limits));
        checks
    }

    fn observed(&self) -> Check {
        let scene = self.scene;
        let lost: Offset = scene
            .losses
            .iter()
            .map(|(from, to)| *to.min(&scene.ended) - *from.max(&scene.started))
            .filter(|lost| *lost > Offset::ZERO)
            .max()
            .unwrap_or_default();
        let replaced = scene.new_generation() != scene.old;
        let changed = !scene.states.is_empty()
            || scene
                .tasks
                .lives
                .iter()
                .any(|life| replaced && life.last.generation == scene.new_generation());
        let flaw = if let Some(unknown) = scene.unknown() {
            Some(unknown)
        } else if scene.tasks.lives.is_empty() {
            Some("no task of the service was seen".to_owned())
        } else if lost > self.limits.observer_gap {
            Some(format!("the engine did not respond for {}", length(lost)))
        } else if matches!(scene.expects, Expects::Update | Expects::Rollback)
            && !(scene.is_scaled() || changed && replaced)
        {
            Some("the change replaced no task: nothing was tested".to_owned())
        } else {
            None
        };
        let tasks = scene.tasks.lives.iter().filter(|life| scene.is_of_this(life)).count() as u64;
        let states = scene.states.len() as u64;
        trust(
            "observed",
            flaw.is_none(),
            format!("{}, {}", counted(states, "state"), counted(tasks, "task")),
            "from the change to its end",
            flaw.unwrap_or_else(|| "the engine was watched from the change to its end".to_owned()),
        )
    }

    fn baseline_clean(&self) -> Check {
        let baseline = self.baseline;
        let enough = baseline.sent >= self.limits.baseline_requests && !baseline.silent;
        let because = if baseline.is_dirty() {
            format!(
                "{} failed before the change, the last one {} into the run",
                counted(baseline.failed, "request"),
                length(baseline.last_failed.unwrap_or_default())
            )
        } else if enough {
            "no request failed before the change".to_owned()
        } else {
            format!(
                "only {} sent before the change{}",
                counted(baseline.sent, "request"),
                if baseline.silent { ", and none on one stream" } else { "" }
            )
        };
        trust(
            "baseline-clean",
            enough && !baseline.is_dirty(),
            format!(
                "{} failed, {} sent on the densest stream",
                count(baseline.failed),
                count(baseline.sent)
            ),
            format!("0 failed, at least {} sent", count(self.limits.baseline_requests)),
            because,
        )
        .remedy(if baseline.is_dirty() { SOUND_FIRST } else { MORE_REQUESTS })
    }

    fn replicas_seen(&self) -> Option<Check> {
        let (serving, seen) = self.replicas?;
        let good = seen >= serving;
        let because = if good {
            "every replica responded".to_owned()
        } else {
            format!(
                "{} answered fewer than {}: what the others do is not known",
                counted(serving - seen, "replica"),
                counted(self.limits.answers_per_replica, "request")
            )
        };
        let limit = format!("{serving} of {serving}");
        let check = trust("replicas-seen", good, format!("{seen} of {serving}"), limit, because);
        Some(check.remedy(ALL_REPLICAS))
    }

    fn control_clean(&self) -> Option<Check> {
        let of_control = || self.streams.iter().filter(|stream| stream.purpose == Purpose::Control);
        of_control().next()?;
        let (sent, failed) = of_control()
            .fold((0, 0), |(sent, failed), stream| (sent + stream.sent, failed + stream.failed));
        let good = failed == 0;
        let because = if good {
            "the control target, which no update touches, answered every request".to_owned()
        } else {
            format!(
                "{} to the control target, which no update touches, failed too: the network or \
                 this machine lost them",
                counted(failed, "request")
            )
        };
        let measured = format!("{} of {} failed", count(failed), count(sent));
        Some(trust("control-clean", good, measured, "0 failed", because).remedy(FREE_MACHINE))
    }

    /// Whether the target that no update touches failed.
    pub(super) fn control_failed(&self) -> bool {
        self.streams.iter().any(|stream| stream.purpose == Purpose::Control && stream.failed > 0)
    }

    fn probe_lag(&self) -> Check {
        let p99 = self.streams.iter().filter_map(|stream| Some(stream.lag_s?.p99)).max();
        let max = self.streams.iter().filter_map(|stream| Some(stream.lag_s?.max)).max();
        let words = |p99, max| format!("p99 {}, max {}", length(p99), length(max));
        let (p99, max) = (p99.unwrap_or_default(), max.unwrap_or_default());
        let good = sent_in_time(self.streams, self.limits);
        let because = if good {
            "requests were sent when they were due".to_owned()
        } else {
            format!(
                "the send lag was too high ({}): this machine was too busy, and an outage could \
                 have been missed",
                words(p99, max)
            )
        };
        let limit = words(self.limits.lag_p99, self.limits.lag_max);
        trust("probe-lag", good, words(p99, max), limit, because).remedy(FREE_MACHINE)
    }

    fn probes_unsent(&self) -> Check {
        let unsent: u64 = self.streams.iter().map(|stream| stream.unsent).sum();
        let missing: u64 = self.streams.iter().map(|stream| stream.missing).sum();
        let good = unsent + missing <= self.limits.unsent;
        let mut reasons = UnsentCounts::default();
        for stream in self.streams {
            reasons.add_all(&stream.unsent_by_reason);
        }
        let most = reasons.most();
        let why = most.map(|_| format!(" ({})", reasons.by_reason(count))).unwrap_or_default();
        let not_sent = counted(unsent, "request");
        let not_there = counted(missing, "request");
        let because = match (good, unsent, missing) {
            (true, ..) => "every request of the schedule was sent and recorded".to_owned(),
            (false, _, 0) => format!("{not_sent} could not be sent or timed{why}"),
            (false, 0, _) => format!("{not_there} missing from the record"),
            (false, ..) => {
                format!("{not_sent} could not be sent{why}, {not_there} missing from the record")
            }
        };
        let measured = format!("{} unsent, {} missing", count(unsent), count(missing));
        let remedy = match most {
            Some(Unsent::NoSlot) => SLOWER,
            Some(Unsent::NoSocket) => MORE_SOCKETS,
            _ => FREE_MACHINE,
        };
        trust("probes-unsent", good, measured, count(self.limits.unsent), because).remedy(remedy)
    }

    fn enough_probes(&self) -> Check {
        // Each stream's own bound stands in its figures; one of them has to support the claim.
        let of_service = self.streams.iter().filter(|stream| stream.purpose == Purpose::Users);
        let sent: Vec<u64> = of_service.map(|stream| stream.sent).collect();
        let most = sent.iter().copied().max().unwrap_or(0);
        let bound = error_rate_upper_95(0, most);
        let silent = sent.contains(&0);
        let good = bound <= self.limits.error_rate_upper && !silent;
        let because = if sent.is_empty() {
            "no request was sent to the service: what users notice was not measured".to_owned()
        } else if silent {
            "one stream sent no request".to_owned()
        } else {
            format!(
                "{} {} bound the share of lost ones by {} (95 % confidence)",
                counted(most, "request"),
                if good { "can" } else { "can only" },
                percent(bound)
            )
        };
        trust(
            "enough-probes",
            good,
            format!("{} on the densest stream, error bound {}", count(most), percent(bound)),
            format!("error bound {}", percent(self.limits.error_rate_upper)),
            because,
        )
        .remedy(MORE_REQUESTS)
    }

    fn clock_steady(&self) -> Check {
        let events = self.scene.events;
        let ahead = events.iter().map(|event| event.at - event.seen).max().unwrap_or_default();
        // Container events come at once, so a time that lies far back is a clock set forward
        // here or back on the engine's side, unless the engine did not respond meanwhile.
        let mut behind: Vec<Offset> = events
            .iter()
            .filter(|event| matches!(event.kind, EventKind::Container { .. }))
            .filter(|event| !self.scene.losses.iter().any(|loss| event.seen >= loss.0))
            .map(|event| event.seen - event.at)
            .collect();
        behind.sort_unstable();
        let behind = behind.get(behind.len() / 2).copied().unwrap_or_default();
        let limit = self.limits.clock_step;
        // Delivery takes a little; a step shows in all of them.
        let good = ahead <= limit && behind <= limit + Offset::from_millis(750);
        let because = if good {
            "the engine's times match the moments at which its events arrived".to_owned()
        } else {
            "the engine's times do not match the moments at which its events arrived: a clock was \
             set during the run"
                .to_owned()
        };
        let measured = format!("{} ahead, {} behind", length(ahead), length(behind));
        trust("clock-steady", good, measured, format!("{} ahead", length(limit)), because)
            .remedy(STEADY_CLOCK)
    }
}
