//! How busy the machine was that the probes ran on.

use super::scene::Scene;
use super::times::Times;
use super::trust_checks::trust;
use super::{Check, Limits};
use crate::Offset;
use crate::record::{EventKind, MachineLoad};

/// At this share of used and stolen processor time, in thousandths, a machine is full.
const FULL: u16 = 950;
/// At this share of the time in which something waited for a processor, in thousandths, a
/// request may have waited too.
const WAITING: u16 = 500;
/// A load is told about so often, and is the mean since the one before.
const TOLD_EVERY: Offset = Offset::from_millis(1_000);
/// A load is the mean of about the second before it was told; a request may have met it anywhere
/// in it or just beside it.
const AROUND: Offset = Offset::from_millis(1_500);

/// How busy the machine was during a scenario, about once a second.
pub(super) struct Machine {
    loads: Vec<(Offset, MachineLoad)>,
}

impl Machine {
    pub(super) fn of(scene: &Scene) -> Self {
        let loads = scene.events.iter().filter_map(|event| match event.kind {
            EventKind::Machine(load) => Some((event.at, load)),
            _ => None,
        });
        Self { loads: loads.collect() }
    }

    /// The times in which the machine had no processor time left, so that requests of its own
    /// came late.
    pub(super) fn starved(&self) -> Times {
        let starved = self.loads.iter().filter(|(_, load)| is_starved(*load));
        Times::of(starved.map(|(at, _)| (*at - AROUND, *at + AROUND)))
    }

    /// Whether the machine had no processor time left for half of this time or more.
    pub(super) fn was_starved(&self, from: Offset, to: Offset) -> bool {
        let within = |at: Offset| at >= from && at <= to + TOLD_EVERY;
        let loads = || self.loads.iter().filter(|(at, _)| within(*at));
        let starved = loads().filter(|(_, load)| is_starved(*load)).count();
        starved > 0 && 2 * starved >= loads().count()
    }

    /// The check that the hypervisor left the machine its processors; absent if the record does
    /// not tell. A busy machine alone is no flaw: `probe-lag` tells whether that did harm.
    pub(super) fn check(&self, limits: &Limits) -> Option<Check> {
        let of = |part: fn(&MachineLoad) -> u16| {
            let values = || self.loads.iter().map(|(_, load)| f64::from(part(load)) / 10.0);
            let worst = values().fold(0.0, f64::max);
            (mean(values()), worst)
        };
        let (busy, busiest) = of(|load| load.busy);
        let (stolen, most_stolen) = of(|load| load.stolen);
        let (busy, stolen) = (busy?, stolen?);
        let told = self.loads.iter().filter_map(|(_, load)| load.waiting);
        let waiting = mean(told.map(|waiting| f64::from(waiting) / 10.0));
        let good = stolen <= limits.stolen * 100.0;
        let because = if good {
            "the hypervisor left this machine its processors".to_owned()
        } else {
            format!(
                "the hypervisor gave {stolen:.0} % of this machine's processor time to others: \
                 what this machine measured then is not the service's alone"
            )
        };
        let check = trust(
            "machine-free",
            good,
            format!(
                "busy {busy:.0} %, at worst {busiest:.0} %; stolen {stolen:.0} %, at worst \
                 {most_stolen:.0} %{}",
                waiting.map(|waiting| format!("; waiting {waiting:.0} %")).unwrap_or_default()
            ),
            format!("stolen at most {:.0} % on average", limits.stolen * 100.0),
            because,
        );
        Some(check.remedy("run on a machine that has its processors to itself"))
    }
}

/// Whether the processors, those that others took among them, were full and something waited.
fn is_starved(load: MachineLoad) -> bool {
    load.busy + load.stolen >= FULL && load.waiting.is_none_or(|waiting| waiting >= WAITING)
}

/// The mean; absent if there are no values.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}
