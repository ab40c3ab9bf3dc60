//! The last answer of everything that is watched, and whether all is well.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// An answer that is older than so many rounds is stale, and counts as a failure.
const STALE_AFTER: u32 = 2;

/// What a target answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A page, with this status.
    Status(u16),
    /// A service without a published port, as the engine sees it.
    Replicas {
        /// Tasks that run.
        running: u64,
        /// Tasks that should.
        wanted: u64,
    },
    /// None, and why.
    None(String),
}

impl Answer {
    /// Redirects are not followed, and are good answers: a target that redirects serves.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 200 | 301 | 302),
            Self::Replicas { running, wanted } => running >= wanted,
            Self::None(_) => false,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Replicas { running, wanted } => write!(f, "{running} of {wanted} replicas run"),
            Self::None(why) => f.write_str(why),
        }
    }
}

/// The last answers.
#[derive(Debug)]
pub struct Board {
    interval: Duration,
    /// By name; none before the first answer.
    last: BTreeMap<String, Option<(Answer, Instant)>>,
}

impl Board {
    /// A board without targets, for answers that come every `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, last: BTreeMap::new() }
    }

    /// A target that has not answered yet, which counts as a failure.
    pub(super) fn expect(&mut self, name: &str) {
        self.last.entry(name.to_owned()).or_default();
    }

    /// Forgets targets with other names: their services are gone.
    pub(super) fn keep(&mut self, names: &BTreeSet<&str>) {
        self.last.retain(|name, _| names.contains(name.as_str()));
        for name in names {
            self.expect(name);
        }
    }

    /// Notes an answer that came now, also of a target that was forgotten meanwhile: the next round
    /// forgets it again.
    pub(super) fn set(&mut self, name: &str, answer: Answer) {
        self.last.insert(name.to_owned(), Some((answer, Instant::now())));
    }

    /// Whether every answer is good and fresh.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.is_well_at(Instant::now())
    }

    fn is_well_at(&self, now: Instant) -> bool {
        self.last.values().all(|last| self.well(last.as_ref(), now))
    }

    fn well(&self, last: Option<&(Answer, Instant)>, now: Instant) -> bool {
        last.is_some_and(|(answer, at)| answer.is_good() && !self.is_stale(*at, now))
    }

    fn is_stale(&self, at: Instant, now: Instant) -> bool {
        now.saturating_duration_since(at) > self.interval * STALE_AFTER
    }

    /// The same for programs: each target with its answer, its age in seconds, and what is wrong.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let now = Instant::now();
        let targets: Vec<_> = self
            .last
            .iter()
            .map(|(name, last)| {
                let age = last.as_ref().map(|(_, at)| now.saturating_duration_since(*at));
                json!({
                    "name": name,
                    "ok": self.well(last.as_ref(), now),
                    "answer": last.as_ref().map(|(answer, _)| answer.to_string()),
                    "age_s": age.map(|age| (age.as_secs_f64() * 10.0).round() / 10.0),
                    "stale": last.as_ref().is_some_and(|(_, at)| self.is_stale(*at, now)),
                })
            })
            .collect();
        let status = if self.is_well_at(now) { "OK" } else { "Fail" };
        json!({ "status": status, "targets": targets })
    }

    /// Each target with its answer, and whether that is good.
    pub fn answers(&self) -> impl Iterator<Item = (&str, &Answer)> {
        self.last
            .iter()
            .filter_map(|(name, last)| last.as_ref().map(|(answer, _)| (name.as_str(), answer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board() -> Board {
        Board::new(Duration::from_secs(30))
    }

    #[test]
    fn nothing_to_watch_is_well_and_no_answer_yet_is_not() {
        let mut board = board();
        assert!(board.is_well());
        board.expect("web");
        assert!(!board.is_well());
        board.set("web", Answer::Status(200));
        assert!(board.is_well());
    }

    #[test]
    fn only_200_301_and_302_are_good() {
        for status in 100..600 {
            let good = matches!(status, 200 | 301 | 302);
            assert_eq!(Answer::Status(status).is_good(), good, "{status}");
        }
        assert!(Answer::Replicas { running: 3, wanted: 3 }.is_good());
        assert!(!Answer::Replicas { running: 2, wanted: 3 }.is_good());
        assert!(!Answer::None("connection refused".to_owned()).is_good());
    }

    #[test]
    fn one_bad_answer_spoils_all_and_a_good_one_grows_stale() {
        let mut board = board();
        board.set("api", Answer::Status(200));
        let fresh = Instant::now();
        assert!(board.is_well_at(fresh + Duration::from_secs(59)));
        assert!(!board.is_well_at(fresh + Duration::from_secs(61)));
        board.set("web", Answer::Status(503));
        assert!(!board.is_well());
        board.keep(&BTreeSet::from(["api"]));
        assert!(board.is_well(), "web is not watched any more");
        assert_eq!(board.to_json()["targets"][0]["answer"], "200");
    }
}
