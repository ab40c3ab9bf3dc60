//! How the health checks of one container went, and the arithmetic behind `unhealthy`.

use crate::Offset;
use crate::record::{CheckRules, CheckSeen};
use crate::wording::{clean, counted, cut, length, setting};

/// The longest output of a check that is shown, in characters.
const OUTPUT: usize = 160;

/// How the health checks of one container went so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CheckCourse {
    rules: Option<CheckRules>,
    /// How many checks were seen.
    seen: u64,
    /// Failures that did not count, because the start period was not over.
    uncounted: u64,
    /// Failed checks in a row.
    streak: u64,
    /// How many of these ran into the time limit.
    timed_out: u64,
    /// The end of the last check that passed, from the container's start.
    passed: Option<Offset>,
    /// The end of the last check, from the container's start.
    ended: Offset,
}

impl CheckCourse {
    /// Takes the next check.
    pub fn take(&mut self, check: &CheckSeen) {
        self.rules = self.rules.or(check.rules);
        self.seen += 1;
        // The engine goes on checking while Swarm stops the container.
        if self.is_unhealthy() && !check.passed() {
            return;
        }
        self.ended = check.after + check.took;
        if check.passed() {
            (self.streak, self.timed_out, self.passed) = (0, 0, Some(self.ended));
            return;
        }
        let counts = check.streak.map_or_else(|| !self.in_start_period(check), |streak| streak > 0);
        if counts {
            self.streak = check.streak.unwrap_or(self.streak + 1);
            self.timed_out += u64::from(self.is_timeout(check));
        } else {
            self.uncounted += 1;
        }
    }

    fn is_unhealthy(&self) -> bool {
        self.rules.is_some_and(|rules| rules.retries > 0 && self.streak >= rules.retries)
    }

    /// A failure does not count if the check began in the start period of a container that was
    /// never healthy (moby `daemon/health.go`).
    fn in_start_period(&self, check: &CheckSeen) -> bool {
        self.passed.is_none() && self.rules.is_some_and(|rules| check.after < rules.start_period)
    }

    fn is_timeout(&self, check: &CheckSeen) -> bool {
        check.exit_code == -1 && self.rules.is_some_and(|rules| check.took >= rules.timeout)
    }

    /// Why the container is unhealthy, in numbers; absent while it is not: `unhealthy after 3 checks,
    /// each 2 s after the previous one ended: 6.4 s after start; the start period of 5 s did not count
    /// the first`.
    #[must_use]
    pub fn arithmetic(&self) -> Option<String> {
        let rules = self.rules.filter(|_| self.is_unhealthy())?;
        let limit = setting(rules.timeout.as_secs_f64());
        let mut text = format!("unhealthy after {}", counted(self.streak, "check"));
        if self.streak > 1 && self.timed_out == self.streak {
            text = format!("{text} of {limit} without a result");
        } else if self.timed_out > 0 {
            text = format!("{text}, {} of them {limit} without a result", self.timed_out);
        }
        if self.streak > 1 {
            let interval = setting(rules.interval.as_secs_f64());
            text = format!("{text}, each {interval} after the previous one ended");
        }
        text = format!("{text}: {} after start", length(self.ended));
        if let Some(passed) = self.passed {
            text =
                format!("{text}, {} after the last one that passed", length(self.ended - passed));
        }
        let period = setting(rules.start_period.as_secs_f64());
        match self.uncounted {
            0 => {}
            1 => text = format!("{text}; the start period of {period} did not count the first"),
            some => {
                text =
                    format!("{text}; the start period of {period} did not count the first {some}");
            }
        }
        Some(text)
    }

    /// Where the container stands while checks fail: `2 of 3 checks failed`. Absent if the last one
    /// passed or there was none.
    #[must_use]
    pub fn standing(&self) -> Option<String> {
        let retries = self.rules?.retries;
        match (self.streak, self.passed, self.uncounted) {
            (0, None, uncounted @ 1..) => {
                Some(format!("{} failed, not counted", counted(uncounted, "check")))
            }
            (0, ..) => None,
            (streak, ..) => Some(format!("{streak} of {} failed", counted(retries, "check"))),
        }
    }

    /// What the check that was taken last says, if it is news: each failure, and each pass that is
    /// the first or follows a failure. `before` is the course without it.
    #[must_use]
    pub fn news(&self, before: &Self, check: &CheckSeen) -> Option<String> {
        if before.is_unhealthy() {
            return None;
        }
        let took = length(check.took);
        if check.passed() {
            return if before.streak > 0 || before.passed.is_none() {
                Some(format!("health check {} passed after {took}", self.seen))
            } else {
                None
            };
        }
        let counts = match (self.rules, self.streak > before.streak) {
            (_, false) => ", not counted in the start period".to_owned(),
            (Some(rules), true) => format!(", {} of {}", self.streak, rules.retries),
            (None, true) => String::new(),
        };
        let ended = ended(check, self.is_timeout(check));
        Some(format!("health check {} {ended} after {took}{counts}{}", self.seen, said(check)))
    }
}

fn ended(check: &CheckSeen, timed_out: bool) -> String {
    match check.exit_code {
        _ if timed_out => "timed out".to_owned(),
        -1 => "could not run".to_owned(),
        code => format!("failed with code {code}"),
    }
}

/// `: "wget: can't connect"`, if it said something.
fn said(check: &CheckSeen) -> String {
    let output = cut(&clean(&check.output), OUTPUT);
    if output.is_empty() { String::new() } else { format!(": \"{output}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(after: i64, took: i64, exit_code: i64, streak: Option<u64>) -> CheckSeen {
        CheckSeen {
            task: "t".into(),
            after: Offset::from_millis(after),
            took: Offset::from_millis(took),
            exit_code,
            streak,
            output: if exit_code == 0 { String::new() } else { "no answer".into() },
            rules: Some(CheckRules {
                interval: Offset::from_millis(2_000),
                timeout: Offset::from_millis(3_000),
                retries: 3,
                start_period: Offset::from_millis(5_000),
            }),
        }
    }

    fn course(checks: &[CheckSeen]) -> CheckCourse {
        let mut course = CheckCourse::default();
        for check in checks {
            course.take(check);
        }
        course
    }

    #[test]
    fn the_arithmetic_is_said_once_the_container_is_unhealthy() {
        let mut checks = vec![
            check(2_000, 100, 1, Some(0)),
            check(5_100, 100, 1, Some(1)),
            check(7_200, 100, 1, Some(2)),
        ];
        assert_eq!(course(&checks).arithmetic(), None);
        assert_eq!(course(&checks).standing().unwrap(), "2 of 3 checks failed");
        checks.push(check(9_300, 100, 1, Some(3)));
        assert_eq!(
            course(&checks).arithmetic().unwrap(),
            "unhealthy after 3 checks, each 2 s after the previous one ended: 9.40 s after start; \
             the start period of 5 s did not count the first"
        );
        // The same without the engine's count: results that were read late.
        for check in &mut checks {
            check.streak = None;
        }
        assert!(course(&checks).arithmetic().unwrap().ends_with("did not count the first"));
    }

    #[test]
    fn after_a_check_that_passed_the_start_period_counts_nothing_any_more() {
        let checks = [
            check(2_000, 100, 1, None),
            check(4_100, 100, 0, None),
            check(4_500, 3_000, -1, None),
            check(9_500, 3_000, -1, None),
            check(14_500, 3_000, -1, None),
        ];
        assert_eq!(
            course(&checks).arithmetic().unwrap(),
            "unhealthy after 3 checks of 3 s without a result, each 2 s after the previous one \
             ended: 17.5 s after start, 13.3 s after the last one that passed; the start period of \
             5 s did not count the first"
        );
        let healed = [checks.as_slice(), &[check(20_000, 10, 0, Some(0))]].concat();
        assert_eq!((course(&healed).arithmetic(), course(&healed).standing()), (None, None));
    }

    #[test]
    fn every_failure_is_news_and_a_pass_only_after_one() {
        let checks = [
            check(2_000, 100, 1, Some(0)),
            check(5_100, 3_000, -1, Some(1)),
            check(7_200, 90, -1, Some(2)),
            check(9_300, 80, 0, Some(0)),
            check(9_400, 80, 0, Some(0)),
        ];
        let news: Vec<Option<String>> = (1..=checks.len())
            .map(|end| course(&checks[..end]).news(&course(&checks[..end - 1]), &checks[end - 1]))
            .collect();
        let failed = |text: &str| Some(format!("{text}: \"no answer\""));
        assert_eq!(
            news,
            [
                failed(
                    "health check 1 failed with code 1 after 100 ms, not counted in the start \
                     period"
                ),
                failed("health check 2 timed out after 3.00 s, 1 of 3"),
                failed("health check 3 could not run after 90 ms, 2 of 3"),
                Some("health check 4 passed after 80 ms".to_owned()),
                None,
            ]
        );
    }

    #[test]
    fn checks_of_a_container_that_is_stopped_because_of_them_change_nothing() {
        let checks: Vec<CheckSeen> = (1..=5)
            .map(|n| check(3_000 + n * 2_100, 100, 1, Some(u64::try_from(n).unwrap_or(0))))
            .collect();
        let at = |count: usize| course(&checks[..count]);
        assert!(at(3).arithmetic().unwrap().contains("3 checks"));
        assert_eq!(at(5).arithmetic(), at(3).arithmetic());
        assert_eq!(at(4).news(&at(3), &checks[3]), None);
    }
}
