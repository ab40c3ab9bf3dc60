//! Checks on the measurement: a broken one makes the verdict inconclusive, never a failure.

use super::baseline::Baseline;
use super::baseline_after::BaselineAfter;
use super::machine::Machine;
use super::scene::Scene;
use super::{Check, Limits, StreamStats, Verdict};
use crate::Offset;
use crate::record::{EventKind, Expects, Purpose, Unsent, UnsentCounts};
use crate::stats::error_rate_upper_95;

/// What the trust checks look at.
pub(super) struct Evidence<'a> {
    pub scene: &'a Scene<'a>,
    pub limits: &'a Limits,
    /// All streams, whatever they are for.
    pub streams: &'a [StreamStats],
    pub machine: &'a Machine,
    pub baseline: Baseline,
    /// Absent if nothing was asked after the scenario's end.
    pub after: Option<BaselineAfter>,
    /// Replicas that serve in the end, and how many of them answered often enough; absent if
    /// no answer tells who gave it.
    pub replicas: Option<(u64, u64)>,
}

/// A check that either holds or makes the verdict inconclusive.
pub(super) fn trust(
    name: &'static str,
    good: bool,
    measured: impl Into<String>,
    limit: impl Into<String>,
    because: impl Into<String>,
) -> Check {
    let verdict = if good { Verdict::Pass } else { Verdict::Inconclusive };
    Check::new(name, verdict, measured, limit, because)
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
            .max()
            .unwrap_or_default();
        let replaced = scene.new_generation() != scene.old;
        let changed = !scene.states.is_empty()
            || scene
                .tasks
                .lives
                .iter()
                .any(|life| replaced && life.last.generation == scene.new_generation());
        let flaw = if let Some(unknown) = scene.end.unknown() {
            Some(unknown)
        } else if scene.submitted.is_none() {
            Some("the change was never submitted".to_owned())
        } else if scene.tasks.lives.is_empty() {
            Some("no task of the service was seen".to_owned())
        } else if lost > self.limits.observer_gap {
            Some(format!("the engine was out of sight for {lost}"))
        } else if scene.expects != Expects::NoChange && !(changed && replaced) {
            Some("the change replaced no task: nothing was tested".to_owned())
        } else {
            None
        };
        trust(
            "observed",
            flaw.is_none(),
            format!("{} states, {} tasks", scene.states.len(), scene.tasks.lives.len()),
            "from the change to its end",
            flaw.unwrap_or_else(|| "the engine was watched from the change to its end".to_owned()),
        )
    }

    fn baseline_clean(&self) -> Check {
        let baseline = self.baseline;
        let enough = baseline.sent >= self.limits.baseline_requests && !baseline.silent;
        let because = if baseline.is_dirty() {
            format!(
                "{} requests failed before the change, the last at {}",
                baseline.failed,
                baseline.last_failed.unwrap_or_default()
            )
        } else if enough {
            "every request before the change was answered as it should be".to_owned()
        } else {
            format!(
                "only {} requests{} were sent before the change",
                baseline.sent,
                if baseline.silent { ", and of one stream none," } else { "" }
            )
        };
        trust(
            "baseline-clean",
            enough && !baseline.is_dirty(),
            format!("{} failed, {} sent in the densest stream", baseline.failed, baseline.sent),
            format!("0 failed, at least {} sent", self.limits.baseline_requests),
            because,
        )
        .remedy(if baseline.is_dirty() {
            "make the service answer every request at rest first"
        } else {
            "probe longer before the change, or at a higher rate"
        })
    }

    fn replicas_seen(&self) -> Option<Check> {
        let (serving, seen) = self.replicas?;
        let good = seen >= serving;
        let because = if good {
            "every replica that serves in the end has answered".to_owned()
        } else {
            format!(
                "{} replicas answered fewer than {} requests: what they do is not known",
                serving - seen,
                self.limits.answers_per_replica
            )
        };
        let check = trust(
            "replicas-seen",
            good,
            format!("{seen} of {serving}"),
            format!("{serving} of {serving}"),
            because,
        );
        Some(check.remedy("probe at a higher rate or longer, and let the proxy use all replicas"))
    }

    fn control_clean(&self) -> Option<Check> {
        let of_control = || self.streams.iter().filter(|stream| stream.purpose == Purpose::Control);
        of_control().next()?;
        let (sent, failed) = of_control()
            .fold((0, 0), |(sent, failed), stream| (sent + stream.sent, failed + stream.failed));
        let good = failed == 0;
        let because = if good {
            "the control target, which no update touches, answered every request"
        } else {
            "the control target, which no update touches, failed too: the path to the service is \
             not sound"
        };
        let measured = format!("{failed} of {sent} failed");
        Some(trust("control-clean", good, measured, "0 failed", because))
    }

    /// Whether requests were sent when they were due.
    pub(super) fn sent_in_time(&self) -> bool {
        self.streams
            .iter()
            .filter_map(|stream| stream.lag_s)
            .all(|lag| lag.p99 <= self.limits.lag_p99 && lag.max <= self.limits.lag_max)
    }

    /// Whether the target that no update touches failed.
    pub(super) fn control_failed(&self) -> bool {
        self.streams.iter().any(|stream| stream.purpose == Purpose::Control && stream.failed > 0)
    }

    fn probe_lag(&self) -> Check {
        let p99 = self.streams.iter().filter_map(|stream| Some(stream.lag_s?.p99)).max();
        let max = self.streams.iter().filter_map(|stream| Some(stream.lag_s?.max)).max();
        let (p99, max) = (p99.unwrap_or_default(), max.unwrap_or_default());
        let good = self.sent_in_time();
        let because = if good {
            "requests were sent when they were due"
        } else {
            "requests were sent late: the machine was too busy, and an outage could have been \
             missed meanwhile"
        };
        let limit =
            format!("p99 {}, max {}", millis(self.limits.lag_p99), millis(self.limits.lag_max));
        trust(
            "probe-lag",
            good,
            format!("p99 {}, max {}", millis(p99), millis(max)),
            limit,
            because,
        )
        .remedy("run on a machine with more free processor time, or at a lower rate")
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
        let told = most.map(|_| format!(" ({reasons})")).unwrap_or_default();
        let because = match (good, missing) {
            (true, _) => "every request of the schedule was sent and recorded".to_owned(),
            (false, 0) => format!("{unsent} requests were not sent or could not be timed{told}"),
            (false, _) => format!(
                "{unsent} requests were not sent{told} and {missing} are not in the record: nothing \
                 is known of those moments"
            ),
        };
        let measured = format!("{unsent} unsent, {missing} missing");
        let remedy = match most {
            Some(Unsent::NoSlot) => "send fewer requests a second: they were not answered as fast",
            Some(Unsent::NoSocket) => {
                "raise the limit of open files (`ulimit -n`), or send fewer requests a second"
            }
            _ => "run on a machine with more free processor time, or at a lower rate",
        };
        trust("probes-unsent", good, measured, format!("{}", self.limits.unsent), because)
            .remedy(remedy)
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
            "nothing was asked of the service: what users notice was not measured".to_owned()
        } else if silent {
            "a stream sent no request at all".to_owned()
        } else if good {
            format!(
                "{most} requests without a failure prove an error rate below {}",
                percent(bound)
            )
        } else {
            format!(
                "{most} requests without a failure would only prove an error rate below {}",
                percent(bound)
            )
        };
        trust(
            "enough-probes",
            good,
            format!("{most} in the densest stream, bound {}", percent(bound)),
            format!("bound {}", percent(self.limits.error_rate_upper)),
            because,
        )
        .remedy("probe at a higher rate, or for longer")
    }

    fn clock_steady(&self) -> Check {
        let events = self.scene.events;
        let ahead = events.iter().map(|event| event.at - event.seen).max().unwrap_or_default();
        // Container events come at once, so a time that lies far back is a clock set forward
        // here or back on the engine's side, unless the engine was out of sight meanwhile.
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
            "the engine's times fit to the moments at which they were seen"
        } else {
            "the engine's times do not fit to the moments at which they were seen: a clock was set"
        };
        let measured = format!("{} ahead, {} behind", millis(ahead), millis(behind));
        trust("clock-steady", good, measured, format!("{} ahead", millis(limit)), because)
            .remedy("run again while nothing sets the clock")
    }
}

fn millis(offset: Offset) -> String {
    let millis = offset.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.2} ms") } else { format!("{millis:.0} ms") }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 0.1 { format!("{percent:.3} %") } else { format!("{percent:.2} %") }
}
