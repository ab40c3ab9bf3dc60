//! Faults that can be switched on, to make an update fail.

use std::time::Duration;

/// The switches, all off by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Start listening only after this long: a slow start.
    pub start_delay: Duration,
    /// `/health` answers 503 when this long has passed since the start.
    pub unhealthy_after: Option<Duration>,
    /// The process ends with exit code 1 this long after the start.
    pub crash_after: Option<Duration>,
    /// SIGTERM and SIGINT are ignored: only SIGKILL ends the process.
    pub ignore_stop: bool,
    /// After the signal to stop, requests get no response: their connections are closed.
    pub drop_on_stop: bool,
}

impl Faults {
    /// Reads the switches through `variable`, which looks up an environment variable.
    ///
    /// # Errors
    /// If a value is not valid.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let duration = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(|value| {
                    humantime::parse_duration(&value)
                        .map_err(|error| format!("{name}={value}: {error}"))
                })
                .transpose()
        };
        let switch = |name: &str| match variable(name).as_deref() {
            None | Some("" | "0" | "false") => Ok(false),
            Some("1" | "true") => Ok(true),
            Some(other) => Err(format!("{name}={other}: expected true or false")),
        };
        Ok(Self {
            start_delay: duration("ROLLPROOF_START_DELAY")?.unwrap_or_default(),
            unhealthy_after: duration("ROLLPROOF_UNHEALTHY_AFTER")?,
            crash_after: duration("ROLLPROOF_CRASH_AFTER")?,
            ignore_stop: switch("ROLLPROOF_IGNORE_STOP")?,
            drop_on_stop: switch("ROLLPROOF_DROP_ON_STOP")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &'static str, value: &'static str) -> Result<Faults, String> {
        Faults::read(|asked| (asked == name).then(|| value.to_owned()))
    }

    #[test]
    fn there_are_no_faults_by_default() {
        assert_eq!(Faults::read(|_| None).unwrap(), Faults::default());
        assert!(!read("ROLLPROOF_IGNORE_STOP", "false").unwrap().ignore_stop);
        assert_eq!(read("ROLLPROOF_CRASH_AFTER", "").unwrap().crash_after, None);
    }

    #[test]
    fn switches_are_read_and_wrong_values_are_named() {
        assert_eq!(
            read("ROLLPROOF_START_DELAY", "1500ms").unwrap().start_delay,
            Duration::from_millis(1500)
        );
        assert_eq!(
            read("ROLLPROOF_UNHEALTHY_AFTER", "0s").unwrap().unhealthy_after,
            Some(Duration::ZERO)
        );
        let error = read("ROLLPROOF_CRASH_AFTER", "soon").unwrap_err();
        assert!(error.starts_with("ROLLPROOF_CRASH_AFTER=soon: "), "{error}");
        assert!(read("ROLLPROOF_IGNORE_STOP", "yes").is_err());
        assert!(read("ROLLPROOF_DROP_ON_STOP", "1").unwrap().drop_on_stop);
    }
}
