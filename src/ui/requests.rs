//! Every stream of requests, and when its failures begin and end.

use std::collections::BTreeMap;

use super::request_stream::{RequestStream, classes_text};
use crate::Offset;
use crate::record::{Event, EventKind, Outcome, Purpose, Shot, StreamFacts};
use crate::wording::{count, counted, length};

/// Every stream of requests by name.
#[derive(Debug, Default)]
pub(super) struct Requests {
    streams: BTreeMap<String, RequestStream>,
    purposes: BTreeMap<String, Purpose>,
    /// The requests of users that were due since the scenario's change.
    pub since_change: Count,
    /// The requests of the self-test that were due during its update.
    pub self_test: Count,
}

/// Requests that were due from one moment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Count {
    /// From when on; absent if nothing is counted.
    from: Option<Offset>,
    /// Requests that were sent.
    pub sent: u64,
    /// Those of them that failed.
    pub failed: u64,
}

impl Count {
    fn starting(at: Offset) -> Self {
        Self { from: Some(at), ..Self::default() }
    }

    fn add(&mut self, shot: &Shot) {
        let counts = self.from.is_some_and(|from| shot.intended >= from);
        if counts && shot.outcome != Outcome::Unsent {
            self.sent += 1;
            self.failed += u64::from(shot.outcome.is_failure());
        }
    }

    /// `57 of 221 requests lost`.
    pub fn lost(&self) -> String {
        format!("{} of {} lost", count(self.failed), counted(self.sent, "request"))
    }
}

impl Requests {
    /// Notes what the requests of a stream are for; without that they are users'.
    pub fn stream(&mut self, facts: &StreamFacts) {
        self.purposes.insert(facts.name.clone(), facts.purpose);
    }

    /// What the requests of a stream are for.
    pub fn purpose(&self, name: &str) -> Purpose {
        self.purposes.get(name).copied().unwrap_or_default()
    }

    /// Takes an event: some begin and end what is counted.
    pub fn event(&mut self, event: &Event) {
        match event.kind {
            EventKind::Submitted { .. } => self.since_change = Count::starting(event.at),
            EventKind::NegativeControlStarted { .. } => self.self_test = Count::starting(event.at),
            EventKind::Phase { .. } | EventKind::ScenarioEnded { .. } => {
                self.streams.values_mut().for_each(|stream| stream.stop(event.seen));
            }
            _ => {}
        }
    }

    /// Takes one request's outcome.
    pub fn shot(&mut self, name: &str, shot: &Shot) {
        match self.purpose(name) {
            Purpose::NegativeControl => return self.self_test.add(shot),
            // A replica that is being replaced stops answering: shown, that would look like a
            // failure of the service.
            Purpose::EachReplica => return,
            Purpose::Users => self.since_change.add(shot),
            Purpose::Control => {}
        }
        if !self.streams.contains_key(name) {
            self.streams.insert(name.to_owned(), RequestStream::default());
        }
        if let Some(stream) = self.streams.get_mut(name) {
            stream.shot(shot);
        }
    }

    /// A stream that is shown.
    pub fn get(&self, name: &str) -> Option<&RequestStream> {
        self.streams.get(name)
    }

    /// The streams that are being sent, by name.
    pub fn active(&self) -> impl Iterator<Item = (&str, &RequestStream)> {
        let streams = self.streams.iter().map(|(name, stream)| (name.as_str(), stream));
        streams.filter(|(_, stream)| stream.is_active())
    }

    /// The requests of users that are being sent, of the whole run.
    pub fn users(&self) -> Count {
        let mut all = Count::default();
        for (name, stream) in self.active() {
            if self.purpose(name) == Purpose::Users {
                all.sent += stream.sent;
                all.failed += stream.failed();
            }
        }
        all
    }
}

/// Failures that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failures {
    /// How many of each class.
    pub classes: BTreeMap<Outcome, u64>,
    /// When the first request that failed was due.
    pub first_due: Offset,
    /// When the last request that failed was due.
    pub last_due: Offset,
    /// When the newest failure became known.
    pub newest: Offset,
    /// When failures were last found to have been added. A program that was not run for a while
    /// gets many at once, long after they became known; they still follow each other.
    found: Offset,
    /// Whether failures were added since the last look.
    fresh: bool,
}

impl Failures {
    /// Adds a failed request to those that are going on; whether it is the first of them.
    pub fn add(ongoing: &mut Option<Self>, shot: &Shot) -> bool {
        let now = shot.done.unwrap_or(shot.intended);
        let begin = ongoing.is_none();
        let failures = ongoing.get_or_insert_with(|| Self {
            classes: BTreeMap::new(),
            first_due: shot.intended,
            last_due: shot.intended,
            newest: now,
            found: now,
            fresh: true,
        });
        *failures.classes.entry(shot.outcome).or_default() += 1;
        failures.first_due = failures.first_due.min(shot.intended);
        failures.last_due = failures.last_due.max(shot.intended);
        failures.newest = failures.newest.max(now);
        failures.fresh = true;
        begin
    }

    /// Takes the failures if there was none for `calm`.
    pub fn ended(ongoing: &mut Option<Self>, now: Offset, calm: Offset) -> Option<Self> {
        if let Some(failures) = ongoing.as_mut().filter(|failures| failures.fresh) {
            failures.found = failures.found.max(now);
            failures.fresh = false;
        }
        ongoing.take_if(|failures| now - failures.found >= calm)
    }

    /// `  requests succeed again: 40 lost within 390 ms (40 reset)`.
    pub fn recovered(&self, what: &str) -> String {
        let number = self.number();
        let classes = classes_text(&self.classes);
        let within = match number {
            1 => String::new(),
            _ => format!(" within {}", length(self.last_due - self.first_due)),
        };
        let number = count(number);
        format!("  requests{what} succeed again: {number} lost{within} ({classes})")
    }

    /// How many there are.
    pub fn number(&self) -> u64 {
        self.classes.values().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{event, shot};
    use super::*;

    fn ms(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    #[test]
    fn failures_that_follow_each_other_are_one_thing() {
        let mut ongoing = None;
        let mut begins = 0;
        for due in (0..5_000).step_by(500) {
            begins += u32::from(Failures::add(&mut ongoing, &shot(due, due + 3, Outcome::Late)));
            assert_eq!(Failures::ended(&mut ongoing, ms(due + 400), ms(1_000)), None);
        }
        assert_eq!(begins, 1);
        let ended = Failures::ended(&mut ongoing, ms(5_900), ms(1_000)).unwrap();
        assert_eq!((ended.number(), ended.first_due, ended.last_due), (10, ms(0), ms(4_500)));
        assert_eq!(ongoing, None);
    }

    #[test]
    fn failures_that_come_late_and_all_at_once_are_one_thing() {
        let mut ongoing = None;
        let mut begins = 0;
        for due in (0..5_000).step_by(10) {
            begins += u32::from(Failures::add(&mut ongoing, &shot(due, due + 800, Outcome::Late)));
            assert_eq!(Failures::ended(&mut ongoing, ms(60_000), ms(1_000)), None);
        }
        assert_eq!(begins, 1);
        assert_eq!(Failures::ended(&mut ongoing, ms(61_000), ms(1_000)).unwrap().number(), 500);
    }

    #[test]
    fn only_users_requests_since_the_change_are_counted() {
        let mut requests = Requests::default();
        requests.purposes.insert("control".into(), Purpose::Control);
        requests.purposes.insert("each".into(), Purpose::EachReplica);
        requests.shot("users", &shot(900, 901, Outcome::Refused));
        let submitted = EventKind::Submitted {
            service: "demo_app".into(),
            generation: 2,
            replicas: None,
            specs: None,
        };
        requests.event(&event(1_000, submitted));
        for name in ["users", "control", "each"] {
            requests.shot(name, &shot(990, 1_100, Outcome::Ok));
            requests.shot(name, &shot(1_000, 1_100, Outcome::Ok));
            requests.shot(name, &shot(1_010, 1_100, Outcome::Refused));
            requests.shot(name, &shot(1_020, 1_100, Outcome::Unsent));
        }
        assert_eq!(requests.since_change.lost(), "1 of 2 requests lost");
        assert_eq!(requests.users().lost(), "2 of 4 requests lost");
        assert!(requests.get("each").is_none(), "its failures are no failures of the service");
    }

    #[test]
    fn the_self_test_is_counted_apart() {
        let mut requests = Requests::default();
        requests.purposes.insert("lossy".into(), Purpose::NegativeControl);
        let service = "demo_rollproof-negative".to_owned();
        requests.event(&event(1_000, EventKind::NegativeControlStarted { service }));
        for due in (900..1_200).step_by(100) {
            requests.shot("lossy", &shot(due, due + 1, Outcome::Refused));
        }
        assert_eq!(requests.self_test.lost(), "2 of 2 requests lost");
        assert_eq!(requests.active().count(), 0);
    }
}
