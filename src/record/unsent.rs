//! Requests that are gaps in the measurement, and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a request was not sent, or why its time could not be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsent {
    /// Too many requests were already in flight.
    NoSlot,
    /// The machine had no file descriptor, port or memory for a socket.
    NoSocket,
    /// The prober got no processor time when it had to send the request or read the response, so
    /// the delay says nothing about the service.
    Stalled,
}

impl Unsent {
    /// The reason in words, after "because".
    #[must_use]
    pub fn because(self) -> &'static str {
        match self {
            Self::NoSlot => "too many were in flight",
            Self::NoSocket => "this machine ran out of ports or file descriptors",
            Self::Stalled => "rollproof got no processor time",
        }
    }
}

/// How many requests were not sent, or could not be measured, by reason.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnsentCounts(BTreeMap<Unsent, u64>);

impl UnsentCounts {
    /// Adds `number` requests for this reason.
    pub fn add(&mut self, why: Unsent, number: u64) {
        *self.0.entry(why).or_insert(0) += number;
    }

    /// Adds all counts of another set.
    pub fn add_all(&mut self, other: &Self) {
        for (why, number) in &other.0 {
            self.add(*why, *number);
        }
    }

    /// The count for this reason.
    #[must_use]
    pub fn of(&self, why: Unsent) -> u64 {
        self.0.get(&why).copied().unwrap_or(0)
    }

    /// The count for all reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The most frequent reason.
    #[must_use]
    pub fn most(&self) -> Option<Unsent> {
        self.0.iter().max_by_key(|(_, number)| **number).map(|(why, _)| *why)
    }

    /// `2 because too many were in flight, 1 because …`, with numbers formatted by `write`.
    #[must_use]
    pub fn by_reason(&self, write: impl Fn(u64) -> String) -> String {
        let words = |(why, number): (&Unsent, &u64)| {
            format!("{} because {}", write(*number), why.because())
        };
        self.0.iter().map(words).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for UnsentCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.by_reason(|number| number.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_add_up() {
        let mut counts = UnsentCounts::default();
        assert_eq!((counts.total(), counts.most(), counts.to_string()), (0, None, String::new()));
        counts.add(Unsent::Stalled, 2);
        counts.add_all(&counts.clone());
        counts.add(Unsent::NoSlot, 1);
        assert_eq!((counts.of(Unsent::Stalled), counts.total()), (4, 5));
        assert_eq!(counts.most(), Some(Unsent::Stalled));
        let text = "1 because too many were in flight, 4 because rollproof got no processor time";
        assert_eq!(counts.to_string(), text);
        let json = serde_json::to_string(&counts).unwrap();
        assert_eq!(json, r#"{"no-slot":1,"stalled":4}"#);
        assert_eq!(serde_json::from_str::<UnsentCounts>(&json).unwrap(), counts);
    }
}
