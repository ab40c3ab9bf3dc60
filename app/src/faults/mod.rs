//! Faults that can be switched on, to make an update fail.

mod chance;
mod ends;
mod variables;

use std::time::Duration;

use hyper::StatusCode;

use chance::{Chance, Replicas};
pub use ends::crash;
pub use variables::NAMES;
use variables::Variables;

/// The faults of this replica, all off by default.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Start listening only after this long: a slow start.
    pub start_delay: Duration,
    /// Health answers are bad until this long after the start: it listens, but is not ready.
    pub ready_after: Duration,
    /// Health answers are bad from this long after the start on. Zero: never healthy.
    pub unhealthy_after: Option<Duration>,
    /// How long health answers take.
    pub health_delay: Duration,
    /// Requests get this status, while health checks are answered as before.
    pub answer_status: Option<StatusCode>,
    /// How much longer requests take.
    pub answer_delay: Duration,
    /// The share of the requests that `answer_status` and `answer_delay` apply to.
    pub requests: Chance,
    /// The process ends this long after the start. Zero: before it listens.
    pub crash_after: Option<Duration>,
    /// The process ends instead of answering this request, the first being 1.
    pub crash_on_request: Option<u64>,
    /// The exit code of a crash.
    pub crash_exit_code: u8,
    /// Mebibytes of memory that are lost every second.
    pub leak: Option<u32>,
    /// SIGTERM and SIGINT are ignored: only SIGKILL ends the process.
    pub ignore_stop: bool,
    /// What happens after the signal to stop.
    pub on_stop: OnStop,
    /// The exit code after the signal to stop.
    pub stop_exit_code: u8,
    /// After the signal to stop, requests get no response: their connections are closed.
    pub drop_on_stop: bool,
}

/// What happens after the signal to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnStop {
    /// Accept what waits, then finish the open requests.
    Drain,
    /// Close the listener at once, resetting what waits; then finish the open requests.
    Close,
    /// Serve as before until the stop timeout is over.
    Serve,
    /// End at once, and cut the open requests.
    Exit,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            start_delay: Duration::ZERO,
            ready_after: Duration::ZERO,
            unhealthy_after: None,
            health_delay: Duration::ZERO,
            answer_status: None,
            answer_delay: Duration::ZERO,
            requests: Chance::ALWAYS,
            crash_after: None,
            crash_on_request: None,
            crash_exit_code: 1,
            leak: None,
            ignore_stop: false,
            on_stop: OnStop::Drain,
            stop_exit_code: 0,
            drop_on_stop: false,
        }
    }
}

impl Faults {
    /// Reads the faults through `variable`, which looks up an environment variable. A replica that
    /// is not chosen has none, but wrong values are refused there too.
    ///
    /// # Errors
    /// If a value is not valid.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let variables = Variables::new(&variable);
        let seed = variables.number("ROLLPROOF_FAULT_SEED", 0..=u64::MAX)?.unwrap_or(0);
        let replicas = Replicas {
            slots: variables.slots("ROLLPROOF_FAULT_SLOTS")?,
            chance: variables.chance("ROLLPROOF_FAULT_PROBABILITY", seed)?,
        };
        let code = |name| variables.number(name, 0..=255);
        let faults = Self {
            start_delay: variables.duration("ROLLPROOF_START_DELAY")?.unwrap_or_default(),
            ready_after: variables.duration("ROLLPROOF_READY_AFTER")?.unwrap_or_default(),
            unhealthy_after: variables.duration("ROLLPROOF_UNHEALTHY_AFTER")?,
            health_delay: variables.duration("ROLLPROOF_HEALTH_DELAY")?.unwrap_or_default(),
            answer_status: variables.status("ROLLPROOF_ANSWER_STATUS")?,
            answer_delay: variables.duration("ROLLPROOF_ANSWER_DELAY")?.unwrap_or_default(),
            requests: variables.chance("ROLLPROOF_ANSWER_PROBABILITY", seed)?,
            crash_after: variables.duration("ROLLPROOF_CRASH_AFTER")?,
            crash_on_request: variables.number("ROLLPROOF_CRASH_ON_REQUEST", 1..=u64::MAX)?,
            crash_exit_code: code("ROLLPROOF_CRASH_EXIT_CODE")?.map_or(1, byte),
            leak: variables
                .number("ROLLPROOF_LEAK_MIB_PER_SECOND", 1..=4096)?
                .and_then(|mebibytes| u32::try_from(mebibytes).ok()),
            ignore_stop: variables.switch("ROLLPROOF_IGNORE_STOP")?,
            on_stop: variables.choice(
                "ROLLPROOF_ON_STOP",
                &[
                    ("drain", OnStop::Drain),
                    ("close", OnStop::Close),
                    ("serve", OnStop::Serve),
                    ("exit", OnStop::Exit),
                ],
                OnStop::Drain,
            )?,
            stop_exit_code: code("ROLLPROOF_STOP_EXIT_CODE")?.map_or(0, byte),
            drop_on_stop: variables.switch("ROLLPROOF_DROP_ON_STOP")?,
        };
        let slot = variables.text("ROLLPROOF_SLOT");
        let host = variables.text("HOSTNAME").unwrap_or_default();
        Ok(if replicas.include(slot.as_deref(), &host)? { faults } else { Self::default() })
    }
}

fn byte(number: u64) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Faults, String> {
        Faults::read(|asked| {
            variables.iter().find(|(name, _)| *name == asked).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn there_are_no_faults_by_default_and_an_empty_value_is_none() {
        assert_eq!(read(&[]).unwrap(), Faults::default());
        let empty: Vec<_> = NAMES.iter().map(|name| (*name, "")).collect();
        assert_eq!(read(&empty).unwrap(), Faults::default());
        assert!(!read(&[("ROLLPROOF_IGNORE_STOP", "false")]).unwrap().ignore_stop);
    }

    #[test]
    fn each_variable_switches_its_fault_on() {
        for (name, value) in [
            ("ROLLPROOF_START_DELAY", "1500ms"),
            ("ROLLPROOF_READY_AFTER", "5s"),
            ("ROLLPROOF_UNHEALTHY_AFTER", "0s"),
            ("ROLLPROOF_HEALTH_DELAY", "1s"),
            ("ROLLPROOF_ANSWER_STATUS", "404"),
            ("ROLLPROOF_ANSWER_DELAY", "10ms"),
            ("ROLLPROOF_ANSWER_PROBABILITY", "0.25"),
            ("ROLLPROOF_CRASH_AFTER", "0s"),
            ("ROLLPROOF_CRASH_ON_REQUEST", "1"),
            ("ROLLPROOF_CRASH_EXIT_CODE", "0"),
            ("ROLLPROOF_LEAK_MIB_PER_SECOND", "64"),
            ("ROLLPROOF_IGNORE_STOP", "true"),
            ("ROLLPROOF_ON_STOP", "serve"),
            ("ROLLPROOF_STOP_EXIT_CODE", "255"),
            ("ROLLPROOF_DROP_ON_STOP", "1"),
        ] {
            assert_ne!(read(&[(name, value)]).unwrap(), Faults::default(), "{name}");
            assert!(NAMES.contains(&name), "{name}");
        }
    }

    #[test]
    fn wrong_values_are_named_with_what_was_expected() {
        for (name, value, expected) in [
            ("ROLLPROOF_START_DELAY", "soon", "expected a duration such as 500ms or 10s"),
            ("ROLLPROOF_CRASH_AFTER", "-1s", "expected a duration such as 500ms or 10s"),
            ("ROLLPROOF_UNHEALTHY_AFTER", "10", "expected a duration such as 500ms or 10s"),
            ("ROLLPROOF_ANSWER_STATUS", "99", "expected a status from 200 to 599"),
            ("ROLLPROOF_ANSWER_STATUS", "teapot", "expected a status from 200 to 599"),
            ("ROLLPROOF_ANSWER_PROBABILITY", "1.01", "expected a probability from 0 to 1"),
            ("ROLLPROOF_FAULT_PROBABILITY", "NaN", "expected a probability from 0 to 1"),
            ("ROLLPROOF_FAULT_SEED", "x", "expected a whole number"),
            ("ROLLPROOF_FAULT_SLOTS", "1,", "expected slots such as 1,3-5"),
            ("ROLLPROOF_FAULT_SLOTS", "5-3", "expected slots such as 1,3-5"),
            ("ROLLPROOF_FAULT_SLOTS", "0", "expected slots such as 1,3-5"),
            ("ROLLPROOF_CRASH_ON_REQUEST", "0", "expected a whole number of at least 1"),
            ("ROLLPROOF_CRASH_EXIT_CODE", "256", "expected a whole number from 0 to 255"),
            ("ROLLPROOF_STOP_EXIT_CODE", "-1", "expected a whole number from 0 to 255"),
            ("ROLLPROOF_LEAK_MIB_PER_SECOND", "0", "expected a whole number from 1 to 4096"),
            ("ROLLPROOF_IGNORE_STOP", "yes", "expected true or false"),
            ("ROLLPROOF_ON_STOP", "wait", "expected drain, close, serve or exit"),
        ] {
            let error = read(&[(name, value), ("ROLLPROOF_SLOT", "1")]).unwrap_err();
            assert_eq!(error, format!("{name}={value}: {expected}"));
        }
    }

    #[test]
    fn only_the_chosen_slots_have_faults_and_all_check_their_values() {
        let slot = |slot, status| {
            read(&[
                ("ROLLPROOF_ANSWER_STATUS", status),
                ("ROLLPROOF_FAULT_SLOTS", "2,4-5"),
                ("ROLLPROOF_SLOT", slot),
            ])
        };
        for (number, bad) in
            [("1", false), ("2", true), ("3", false), ("4", true), ("5", true), ("6", false)]
        {
            let faults = slot(number, "500").unwrap();
            assert_eq!(faults.answer_status.is_some(), bad, "slot {number}");
        }
        assert!(slot("1", "wrong").is_err());
        let error = slot("", "500").unwrap_err();
        assert_eq!(
            error,
            "ROLLPROOF_FAULT_SLOTS needs ROLLPROOF_SLOT, in a stack: \"{{.Task.Slot}}\""
        );
    }

    #[test]
    fn the_same_seed_chooses_the_same_slots() {
        let chosen = |seed: &str, probability: &str| -> Vec<bool> {
            (1..=400)
                .map(|slot: u32| {
                    read(&[
                        ("ROLLPROOF_IGNORE_STOP", "true"),
                        ("ROLLPROOF_FAULT_PROBABILITY", probability),
                        ("ROLLPROOF_FAULT_SEED", seed),
                        ("ROLLPROOF_SLOT", &slot.to_string()),
                    ])
                    .unwrap()
                    .ignore_stop
                })
                .collect()
        };
        assert_eq!(chosen("7", "0.5"), chosen("7", "0.5"));
        assert_ne!(chosen("7", "0.5"), chosen("8", "0.5"));
        assert!(chosen("7", "0").iter().all(|bad| !bad));
        assert!(chosen("7", "1").iter().all(|bad| *bad));
        let share = chosen("7", "0.25").iter().filter(|bad| **bad).count();
        // 100 are expected; 8.7 is the standard deviation.
        assert!((60..=140).contains(&share), "{share} of 400");
    }
}
