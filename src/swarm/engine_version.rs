//! A release of Docker Engine.

use std::fmt;

/// A release of Docker Engine. Suffixes such as `+dfsg1` and `-rc.1` are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineVersion {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl EngineVersion {
    /// A release by its three numbers.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Parses `20.10.24+dfsg1`, `v28.5.2` or `27`; missing numbers are 0. None if it does not begin
    /// with a number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let plain = text.split(['+', '-', '~']).next().unwrap_or_default();
        let mut numbers = plain.split('.').map(str::parse);
        let mut next = || numbers.next().map_or(Some(0), Result::ok);
        Some(Self { major: next()?, minor: next()?, patch: next()? })
    }

    /// The time between health checks in the start period unless the service sets it, in seconds;
    /// none where the engine uses the interval (moby `daemon/health.go`: 5 s from 27.0).
    #[must_use]
    pub fn default_start_interval(self) -> Option<f64> {
        (self >= Self::new(27, 0, 0)).then_some(5.0)
    }

    /// Whether a service's own `start_interval` has an effect (moby 25.0.1; 25.0.0 dropped it for
    /// services).
    #[must_use]
    pub fn has_start_interval(self) -> bool {
        self >= Self::new(25, 0, 1)
    }

    /// Whether an update's last watch outlasts its delay (swarmkit #3003, moby 20.10.10).
    #[must_use]
    pub fn watches_longer_than_delay(self) -> bool {
        self >= Self::new(20, 10, 10)
    }

    /// Whether a task whose image cannot be resolved is rejected; on later engines it stays
    /// `preparing` (seen on 29.7.2, not on 28.5.2).
    #[must_use]
    pub fn rejects_missing_images(self) -> bool {
        self < Self::new(29, 0, 0)
    }
}

impl fmt::Display for EngineVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_and_missing_numbers() {
        for (text, expected) in [
            ("20.10.24+dfsg1", Some(EngineVersion::new(20, 10, 24))),
            ("v28.5.2", Some(EngineVersion::new(28, 5, 2))),
            ("27", Some(EngineVersion::new(27, 0, 0))),
            ("25.0.0-rc.1", Some(EngineVersion::new(25, 0, 0))),
            ("dev", None),
            ("", None),
        ] {
            assert_eq!(EngineVersion::parse(text), expected, "{text}");
        }
    }
}
