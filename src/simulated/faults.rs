//! The example app's faults, from its environment variables (`docs/app.md`).

use std::collections::BTreeMap;
use std::time::Duration;

use super::health_test::Check;
use crate::Offset;
use crate::swarm_model::{Behaviour, CheckResult, Exit, StopReaction};

/// Starting the app and stopping it without an open request, on an idle machine.
const START: Offset = Offset::from_millis(20);
const STOP: Offset = Offset::from_millis(100);
/// How long the app goes on after its stop signal with `ROLLPROOF_ON_STOP=serve`, by default.
const STOP_TIMEOUT: Offset = Offset::from_millis(8_000);
/// The exit code of a process that the kernel ended: 128 + SIGKILL.
const KILLED: i32 = 137;

/// What the app does after its stop signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum OnStop {
    /// Takes no new connections, and finishes open requests.
    #[default]
    Drain,
    /// Serves as before.
    Serve,
    /// Ends at once.
    Exit,
}

/// The faults of a replica. Times count from the start of its process, in the swarm's time; those of
/// single requests are in their users' time.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Faults {
    pub(super) start_delay: Offset,
    pub(super) ready_after: Offset,
    pub(super) unhealthy_after: Option<Offset>,
    pub(super) health_delay: Offset,
    pub(super) answer_status: Option<u16>,
    pub(super) answer_delay: Duration,
    pub(super) answer_share: Option<f64>,
    pub(super) crash_after: Option<Offset>,
    pub(super) crash_on_request: Option<u64>,
    pub(super) crash_exit_code: Option<i32>,
    pub(super) leak: Option<f64>,
    pub(super) ignore_stop: bool,
    pub(super) on_stop: OnStop,
    pub(super) stop_exit_code: i32,
    pub(super) drop_on_stop: bool,
}

impl Faults {
    /// Reads them. The app ends with exit code 2 for a wrong value, which is then named.
    pub(super) fn read(env: &BTreeMap<String, String>) -> Result<Self, String> {
        let get = |name: &str| env.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let wrong = |name: &str, value: &str| format!("{name}={value}: not valid");
        let time = |name: &str| -> Result<Option<Offset>, String> {
            let parsed = get(name)
                .map(|value| humantime::parse_duration(value).map_err(|_| wrong(name, value)));
            Ok(parsed.transpose()?.map(Offset::from))
        };
        let number = |name: &str| -> Result<Option<f64>, String> {
            get(name)
                .map(|value| {
                    value.parse().ok().filter(|n: &f64| *n >= 0.0).ok_or_else(|| wrong(name, value))
                })
                .transpose()
        };
        let switch = |name: &str| match get(name) {
            None | Some("0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(value) => Err(wrong(name, value)),
        };
        let code = |name: &str| -> Result<Option<i32>, String> {
            get(name)
                .map(|value| value.parse::<u8>().map(i32::from).map_err(|_| wrong(name, value)))
                .transpose()
        };
        let whole = |name: &str| -> Result<Option<u64>, String> {
            get(name).map(|value| value.parse().map_err(|_| wrong(name, value))).transpose()
        };
        Ok(Self {
            start_delay: time("ROLLPROOF_START_DELAY")?.unwrap_or_default(),
            ready_after: time("ROLLPROOF_READY_AFTER")?.unwrap_or_default(),
            unhealthy_after: time("ROLLPROOF_UNHEALTHY_AFTER")?,
            health_delay: time("ROLLPROOF_HEALTH_DELAY")?.unwrap_or_default(),
            answer_status: match whole("ROLLPROOF_ANSWER_STATUS")? {
                None => None,
                Some(status) => Some(
                    u16::try_from(status)
                        .ok()
                        .filter(|status| (200..=599).contains(status))
                        .ok_or_else(|| wrong("ROLLPROOF_ANSWER_STATUS", &status.to_string()))?,
                ),
            },
            answer_delay: time("ROLLPROOF_ANSWER_DELAY")?.unwrap_or_default().to_duration(),
            answer_share: number("ROLLPROOF_ANSWER_PROBABILITY")?,
            crash_after: time("ROLLPROOF_CRASH_AFTER")?,
            crash_on_request: whole("ROLLPROOF_CRASH_ON_REQUEST")?,
            crash_exit_code: code("ROLLPROOF_CRASH_EXIT_CODE")?,
            leak: number("ROLLPROOF_LEAK_MIB_PER_SECOND")?,
            ignore_stop: switch("ROLLPROOF_IGNORE_STOP")?,
            on_stop: match get("ROLLPROOF_ON_STOP") {
                None | Some("drain" | "close") => OnStop::Drain,
                Some("serve") => OnStop::Serve,
                Some("exit") => OnStop::Exit,
                Some(value) => return Err(wrong("ROLLPROOF_ON_STOP", value)),
            },
            stop_exit_code: code("ROLLPROOF_STOP_EXIT_CODE")?.unwrap_or(0),
            drop_on_stop: switch("ROLLPROOF_DROP_ON_STOP")?,
        })
    }

    /// When the app listens.
    pub(super) fn listens_after(&self) -> Offset {
        START + self.start_delay
    }

    /// How the process behaves, as far as Swarm sees it. `memory` is its limit in bytes.
    pub(super) fn behaviour(
        &self,
        check: Check,
        stop_timeout: Option<Offset>,
        memory: Option<f64>,
    ) -> Behaviour {
        let listens = self.listens_after();
        let (boot, checks) = match check {
            Check::Always => (Offset::ZERO, Vec::new()),
            Check::Never => (listens, vec![(Offset::ZERO, CheckResult::Fail)]),
            Check::Listening => (listens, Vec::new()),
            Check::Health => {
                let sick = self.unhealthy_after.map(|after| (after, CheckResult::Fail));
                (listens.max(self.ready_after), sick.into_iter().collect())
            }
        };
        let crash =
            self.crash_after.map(|after| Exit { after, code: self.crash_exit_code.unwrap_or(1) });
        let eaten = self.leak.filter(|leak| *leak > 0.0).map(|leak| {
            // Without a limit it stops at 1 GiB.
            let mebibytes = memory.map(|bytes| bytes / 1_048_576.0);
            mebibytes.map(|limit| Exit { after: Offset::from_secs_f64(limit / leak), code: KILLED })
        });
        let exit = [crash, eaten.flatten()].into_iter().flatten().min_by_key(|exit| exit.after);
        let time = match (self.ignore_stop, self.on_stop) {
            (true, _) => None,
            (false, OnStop::Serve) => Some(stop_timeout.unwrap_or(STOP_TIMEOUT) + STOP),
            (false, OnStop::Exit) => Some(Offset::from_millis(10)),
            (false, OnStop::Drain) => Some(STOP),
        };
        Behaviour {
            boot,
            checks,
            check_time: (check == Check::Health && self.health_delay > Offset::ZERO)
                .then_some(self.health_delay),
            exit,
            stop: StopReaction { time, code: self.stop_exit_code },
            ..Behaviour::default()
        }
    }
}

/// The slots that have faults, of `replicas`; absent for all.
pub(super) fn faulty_slots(env: &BTreeMap<String, String>, replicas: u64) -> Option<Vec<u64>> {
    let chosen = env.get("ROLLPROOF_FAULT_SLOTS").filter(|value| !value.is_empty());
    let share: Option<f64> =
        env.get("ROLLPROOF_FAULT_PROBABILITY").and_then(|text| text.parse().ok());
    if chosen.is_none() && share.is_none() {
        return None;
    }
    let in_range = |slot: u64| {
        chosen.is_none_or(|chosen| {
            chosen.split(',').any(|part| {
                let (first, last) = part.split_once('-').unwrap_or((part, part));
                let number = |text: &str| text.trim().parse::<u64>().unwrap_or(0);
                (number(first)..=number(last)).contains(&slot)
            })
        })
    };
    let mut slots: Vec<u64> = (1..=replicas.max(1)).filter(|slot| in_range(*slot)).collect();
    if let Some(share) = share {
        // The same share each time, spread over the slots.
        #[expect(clippy::cast_precision_loss, reason = "a number of slots")]
        let hit = |at: usize| ((at + 1) as f64 * share).floor() > (at as f64 * share).floor();
        let mut at = 0;
        slots.retain(|_| {
            at += 1;
            hit(at - 1)
        });
    }
    Some(slots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn faults_become_behaviour() {
        let none = Faults::read(&env(&[])).unwrap();
        let sound = none.behaviour(Check::Health, None, None);
        assert!(sound.checks.is_empty() && sound.exit.is_none());
        let faults = Faults::read(&env(&[
            ("ROLLPROOF_START_DELAY", "4s"),
            ("ROLLPROOF_UNHEALTHY_AFTER", "8s"),
            ("ROLLPROOF_STOP_EXIT_CODE", "3"),
            ("ROLLPROOF_LEAK_MIB_PER_SECOND", "64"),
        ]))
        .unwrap();
        let behaviour = faults.behaviour(Check::Health, None, Some(96.0 * 1_048_576.0));
        assert_eq!(behaviour.boot, Offset::from_millis(4_020));
        assert_eq!(behaviour.checks, [(Offset::from_millis(8_000), CheckResult::Fail)]);
        assert_eq!(behaviour.exit, Some(Exit { after: Offset::from_millis(1_500), code: 137 }));
        assert_eq!(behaviour.stop.code, 3);
        let ignores = Faults::read(&env(&[("ROLLPROOF_IGNORE_STOP", "true")])).unwrap();
        assert_eq!(ignores.behaviour(Check::Health, None, None).stop.time, None);
        assert!(Faults::read(&env(&[("ROLLPROOF_CRASH_AFTER", "soon")])).is_err());
    }

    #[test]
    fn faults_can_be_those_of_some_slots() {
        assert_eq!(faulty_slots(&env(&[]), 6), None);
        assert_eq!(
            faulty_slots(&env(&[("ROLLPROOF_FAULT_SLOTS", "1,3-4")]), 6),
            Some(vec![1, 3, 4])
        );
        let half = faulty_slots(&env(&[("ROLLPROOF_FAULT_PROBABILITY", "0.5")]), 6);
        assert_eq!(half, Some(vec![2, 4, 6]));
    }
}
