//! Measures once a second how busy this machine is.

use std::fs;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::EventSink;
use crate::Clock;
use crate::Offset;
use crate::record::{Event, EventKind, MachineLoad};

const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// Emits an event once a second that says how busy this machine was, until `stop`. Without
/// `/proc/stat` there are no events.
pub(super) fn watch(clock: Clock, sink: EventSink, stop: CancellationToken, tasks: &TaskTracker) {
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(MEASURE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let Some(mut before) = Reading::take(clock) else { return };
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let Some(now) = Reading::take(clock) else { return };
            if let Some(load) = now.since(&before) {
                let kind = EventKind::Machine(load);
                sink(Event { at: now.at, seen: now.at, kind });
                before = now;
            }
        }
    });
}

/// The kernel's counters at one moment.
#[derive(Debug)]
struct Reading {
    at: Offset,
    cpu: CpuTimes,
    /// Microseconds since boot in which something waited for a processor.
    waited: Option<u64>,
}

impl Reading {
    fn take(clock: Clock) -> Option<Self> {
        let at = clock.now();
        let cpu = CpuTimes::parse(&fs::read_to_string("/proc/stat").ok()?)?;
        let waited = fs::read_to_string("/proc/pressure/cpu").ok();
        Some(Self { at, cpu, waited: waited.as_deref().and_then(total_waited) })
    }

    /// The load since an earlier reading; `None` if no time has passed.
    fn since(&self, before: &Self) -> Option<MachineLoad> {
        let all = self.cpu.all.saturating_sub(before.cpu.all);
        let micros = (self.at - before.at).as_nanos() / 1_000;
        let micros = u64::try_from(micros).ok()?;
        (all > 0 && micros > 0).then(|| MachineLoad {
            busy: thousandths(self.cpu.busy.saturating_sub(before.cpu.busy), all),
            stolen: thousandths(self.cpu.stolen.saturating_sub(before.cpu.stolen), all),
            waiting: self
                .waited
                .zip(before.waited)
                .map(|(now, before)| thousandths(now.saturating_sub(before), micros)),
        })
    }
}

/// The first line of `/proc/stat`: clock ticks of all processors together (proc(5)).
#[derive(Debug, PartialEq, Eq)]
struct CpuTimes {
    all: u64,
    busy: u64,
    stolen: u64,
}

impl CpuTimes {
    fn parse(text: &str) -> Option<Self> {
        let line = text.lines().next()?.strip_prefix("cpu ")?;
        let ticks: Vec<u64> =
            line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
        // user nice system idle iowait irq softirq steal guest guest_nice; user includes guests.
        let [user, nice, system, idle, waiting_for_disk, irq, softirq, stolen] =
            *ticks.first_chunk()?;
        let busy = user + nice + system + irq + softirq;
        Some(Self { all: busy + idle + waiting_for_disk + stolen, busy, stolen })
    }
}

/// The total of `some` in `/proc/pressure/cpu`, in microseconds.
fn total_waited(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.split_whitespace().find_map(|word| word.strip_prefix("total="))?.parse().ok()
}

fn thousandths(part: u64, whole: u64) -> u16 {
    u16::try_from((part.saturating_mul(1_000) / whole).min(1_000)).unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernel_counters_are_parsed() {
        let stat = "cpu  100 10 50 800 20 5 15 40 7 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(CpuTimes::parse(stat).unwrap(), CpuTimes { all: 1040, busy: 180, stolen: 40 });
        assert_eq!(CpuTimes::parse("cpu  1 2 3\n"), None);
        let pressure = "some avg10=1.0 avg60=0.1 avg300=0.0 total=123456\nfull avg10=0 total=9\n";
        assert_eq!(total_waited(pressure), Some(123_456));
        assert_eq!(total_waited(""), None);
    }

    #[test]
    fn the_load_is_the_difference_of_two_readings() {
        let reading = |at, all, busy, stolen, waited| Reading {
            at: Offset::from_millis(at),
            cpu: CpuTimes { all, busy, stolen },
            waited,
        };
        let before = reading(1_000, 500, 100, 0, Some(7));
        let now = reading(2_000, 700, 250, 20, Some(250_007));
        assert_eq!(
            now.since(&before).unwrap(),
            MachineLoad { busy: 750, stolen: 100, waiting: Some(250) }
        );
        assert_eq!(now.since(&now), None);
        let without_pressure = reading(2_000, 700, 250, 20, None);
        assert_eq!(without_pressure.since(&before).unwrap().waiting, None);
    }
}
