//! What users get before anything is changed: a service that already fails then cannot be tested.

use std::collections::BTreeMap;

use crate::Offset;
use crate::error::Error;
use crate::record::{Outcome, Purpose, Route, Shot, StreamFacts};
use crate::wording::{clean, count, counted};

/// At most one of so many requests may fail before the first change.
const ONE_OF: u64 = 20;
/// A single failure proves nothing, however few requests there were.
const AT_LEAST: u64 = 2;
/// A request that was sent this late says nothing about the service.
const LAG: Offset = Offset::from_millis(100);

/// How users' requests ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UsersCount {
    sent: u64,
    failed: BTreeMap<Failure, u64>,
}

/// A way in which requests of one stream fail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Failure {
    stream: String,
    inside: bool,
    outcome: Outcome,
    status: Option<u16>,
}

impl UsersCount {
    /// Counts a request, if it is a user's and was sent on time.
    pub fn add(&mut self, stream: &StreamFacts, shot: &Shot) {
        let on_time = shot.sent.is_some_and(|sent| sent - shot.intended <= LAG);
        if stream.purpose != Purpose::Users || shot.outcome == Outcome::Unsent || !on_time {
            return;
        }
        self.sent += 1;
        if shot.outcome.is_failure() {
            let failure = Failure {
                stream: stream.name.clone(),
                inside: stream.route == Route::Overlay,
                outcome: shot.outcome,
                status: shot.status,
            };
            *self.failed.entry(failure).or_default() += 1;
        }
    }

    /// Why nothing can be tested, if too many of these requests failed.
    pub fn verdict(&self) -> Option<Error> {
        let failed: u64 = self.failed.values().sum();
        let (most, _) = self.failed.iter().max_by_key(|(_, number)| **number)?;
        if failed < AT_LEAST || failed * ONE_OF <= self.sent {
            return None;
        }
        let how = match (most.outcome, most.status) {
            (Outcome::Late | Outcome::WrongBody | Outcome::WrongHeader, _) | (_, None) => {
                most.outcome.to_string()
            }
            (_, Some(status)) => format!("status {status}"),
        };
        let error = Error::environment(format!(
            "{} of {} failed before anything was changed (most: {how}, {})",
            count(failed),
            counted(self.sent, "request"),
            clean(&most.stream)
        ));
        if self.failed.keys().all(|failure| failure.inside) {
            return Some(error.hint(
                "only requests inside the network failed, which ask the service itself; --streams \
                 chooses others",
            ));
        }
        Some(match (most.outcome, most.status) {
            (Outcome::Late, _) => {
                error.hint("--deadline allows more time, if a good response normally takes longer")
            }
            (Outcome::WrongStatus | Outcome::AppError, Some(status)) => {
                error.hint(format!("if this is a good response, --expect-status {status} says so"))
            }
            (Outcome::WrongBody | Outcome::WrongHeader, _) => {
                error.hint("--expect-body and --expect-header say what a good response is")
            }
            _ => error.hint("make the service answer every request at rest, then test its updates"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(name: &str, purpose: Purpose, route: Route) -> StreamFacts {
        StreamFacts {
            name: name.into(),
            url: "http://a/".into(),
            rate_hz: 10.0,
            deadline: 1.0,
            takes: None,
            connection: crate::record::Connection::Fresh,
            held: None,
            address: None,
            purpose,
            route,
        }
    }

    fn shot(outcome: Outcome, status: Option<u16>, lag: i64) -> Shot {
        let mut shot = Shot::new(Offset::ZERO, outcome);
        shot.sent = Some(Offset::from_millis(lag));
        shot.status = status;
        shot
    }

    fn counted_of(good: u64, bad: u64, outcome: Outcome, status: Option<u16>) -> UsersCount {
        let mut users = UsersCount::default();
        let stream = stream("proxy-fresh", Purpose::Users, Route::Published);
        (0..good).for_each(|_| users.add(&stream, &shot(Outcome::Ok, Some(200), 0)));
        (0..bad).for_each(|_| users.add(&stream, &shot(outcome, status, 0)));
        users
    }

    #[test]
    fn more_than_one_of_twenty_ends_the_run() {
        let of = |good, bad| counted_of(good, bad, Outcome::Proxy502, Some(502)).verdict();
        assert!(of(1_000, 0).is_none() && of(0, 0).is_none());
        assert!(of(95, 5).is_none());
        assert!(of(3, 1).is_none(), "one failure proves nothing");
        let error = of(940, 60).unwrap();
        assert_eq!(
            error.message(),
            "60 of 1,000 requests failed before anything was changed (most: status 502, proxy-fresh)"
        );
        assert_eq!(error.kind(), crate::ErrorKind::Environment);
    }

    #[test]
    fn the_hint_fits_the_failure() {
        let hint = |outcome, status| {
            counted_of(0, 9, outcome, status).verdict().unwrap().hints()[0].clone()
        };
        assert!(hint(Outcome::Late, Some(200)).contains("--deadline"));
        assert!(hint(Outcome::WrongStatus, Some(302)).contains("--expect-status 302"));
        assert!(hint(Outcome::WrongHeader, Some(200)).contains("--expect-header"));
        assert!(hint(Outcome::Refused, None).contains("at rest"));
    }

    #[test]
    fn only_what_users_get_counts() {
        let mut users = UsersCount::default();
        let control = stream("control", Purpose::Control, Route::Companion);
        let inside = stream("overlay-fresh", Purpose::Users, Route::Overlay);
        for _ in 0..9 {
            users.add(&control, &shot(Outcome::Refused, None, 0));
            users.add(&inside, &shot(Outcome::Refused, None, 500));
            users.add(&inside, &shot(Outcome::Unsent, None, 0));
        }
        assert_eq!(users, UsersCount::default());
        users.add(&inside, &shot(Outcome::Refused, None, 0));
        users.add(&inside, &shot(Outcome::Refused, None, 0));
        assert!(users.verdict().unwrap().hints()[0].contains("--streams"));
    }
}
