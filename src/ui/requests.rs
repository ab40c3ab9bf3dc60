//! Every stream of requests, and what plain output tells of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::request_stream::RequestStream;
use super::words::{clean, count, precise};
use crate::Offset;
use crate::record::Shot;

/// How often the totals are told.
const TOTALS: Offset = Offset::from_millis(10_000);
/// How long no request may fail before failures count as ended: with one broken replica of
/// six, every sixth request would begin and end them.
const CALM: Offset = Offset::from_millis(1_000);

/// A line about requests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its time.
    pub at: Offset,
    /// What it says.
    pub text: String,
    /// Whether it tells of something that the live area does not keep showing.
    pub lasting: bool,
}

/// Every stream of requests by name.
#[derive(Debug, Default)]
pub(super) struct Requests {
    streams: BTreeMap<String, Told>,
    /// When the totals are told next; absent while no stream is active.
    totals_at: Option<Offset>,
}

/// A stream and the failures whose end has not been told.
#[derive(Debug, Default)]
struct Told {
    stream: RequestStream,
    failing: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    number: u64,
    /// When the first request that failed was due.
    first_due: Offset,
    /// When the newest failure became known.
    newest: Offset,
}

impl Requests {
    /// Takes one request's outcome; a line when failures begin.
    pub fn shot(&mut self, name: &str, shot: &Shot) -> Option<Line> {
        if !self.streams.contains_key(name) {
            self.streams.insert(name.to_owned(), Told::default());
        }
        let told = self.streams.get_mut(name)?;
        told.stream.shot(shot);
        if !shot.outcome.is_failure() {
            return None;
        }
        let now = shot.done.unwrap_or(shot.intended);
        if let Some(failing) = &mut told.failing {
            failing.number += 1;
            failing.first_due = failing.first_due.min(shot.intended);
            failing.newest = failing.newest.max(now);
            return None;
        }
        told.failing = Some(Failing { number: 1, first_due: shot.intended, newest: now });
        let (name, outcome, due) = (clean(name), shot.outcome, shot.intended);
        let text = format!("requests {name}: failures begin: {outcome}, due at {due}");
        Some(Line { at: now, text, lasting: true })
    }

    /// Lets time pass; lines when failures ended and when totals are due.
    pub fn advance(&mut self, now: Offset) -> Vec<Line> {
        let mut lines = Vec::new();
        for (name, told) in &mut self.streams {
            told.stream.advance(now);
            let Some(failing) = told.failing.take_if(|failing| now - failing.newest >= CALM) else {
                continue;
            };
            let text = ended(name, &failing, &told.stream, now);
            lines.push(Line { at: now, text, lasting: true });
        }
        if !self.active().any(|_| true) {
            self.totals_at = None;
        } else if now >= *self.totals_at.get_or_insert(now + TOTALS) {
            self.totals_at = Some(now + TOTALS);
            lines.extend(self.active().map(|(name, stream)| {
                let text = totals(name, stream, now);
                Line { at: now, text, lasting: false }
            }));
        }
        lines
    }

    /// Notes that probing stops at `now`.
    pub fn stop(&mut self, now: Offset) {
        for told in self.streams.values_mut() {
            told.stream.stop(now);
        }
    }

    /// The streams that are being sent, by name.
    pub fn active(&self) -> impl Iterator<Item = (&str, &RequestStream)> {
        let streams = self.streams.iter().map(|(name, told)| (name.as_str(), &told.stream));
        streams.filter(|(_, stream)| stream.is_active())
    }
}

fn ended(name: &str, failing: &Failing, stream: &RequestStream, now: Offset) -> String {
    format!(
        "requests {}: no failure since {}; {} failed, the first due at {}; in all {}, longest gap {}",
        clean(name),
        failing.newest,
        count(failing.number),
        failing.first_due,
        stream.classes_text(),
        precise(stream.gaps(now).longest)
    )
}

/// A stream's figures in one line.
fn totals(name: &str, stream: &RequestStream, now: Offset) -> String {
    let mut line = format!("requests {}: {} sent, ", clean(name), count(stream.sent));
    _ = match stream.failed() {
        0 => write!(line, "none failed"),
        failed => write!(line, "{} failed ({})", count(failed), stream.classes_text()),
    };
    if stream.unsent > 0 {
        _ = write!(line, ", {} never sent", count(stream.unsent));
    }
    let gaps = stream.gaps(now);
    if gaps.longest > Offset::ZERO {
        _ = write!(line, ", longest gap {}", precise(gaps.longest));
    }
    if let Some(p99) = stream.p99() {
        _ = write!(line, ", p99 {}", precise(p99));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::super::replay::shot;
    use super::*;
    use crate::record::Outcome;

    fn ms(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    fn told(lines: Vec<Line>) -> Vec<(Offset, String)> {
        lines.into_iter().map(|line| (line.at, line.text)).collect()
    }

    #[test]
    fn failures_are_told_when_they_begin_and_once_when_they_end() {
        let mut requests = Requests::default();
        let mut lines = Vec::new();
        for due in (0..8_000).step_by(5) {
            // One replica of six is broken for a second.
            let bad = (2_000..3_000).contains(&due) && due % 30 == 0;
            let outcome = if bad { Outcome::Refused } else { Outcome::Ok };
            lines.extend(requests.shot("proxy", &shot(due, due + 3, outcome)));
            lines.extend(requests.advance(ms(due + 3)));
        }
        assert_eq!(
            told(lines),
            [
                (ms(2_013), "requests proxy: failures begin: refused, due at 2.01s".to_owned()),
                (
                    ms(3_973),
                    "requests proxy: no failure since 2.97s; 33 failed, the first due at 2.01s; \
                     in all 33 refused, longest gap 5.0 ms"
                        .to_owned()
                ),
            ]
        );
    }

    #[test]
    fn totals_come_every_ten_seconds_while_requests_are_sent() {
        let mut requests = Requests::default();
        let mut lines = Vec::new();
        for due in (0..25_000).step_by(10) {
            requests.shot("proxy", &shot(due, due + 3, Outcome::Ok));
            lines.extend(requests.advance(ms(due + 3)));
        }
        requests.stop(ms(25_000));
        lines.extend((25_000..60_000).step_by(100).flat_map(|now| requests.advance(ms(now))));
        assert_eq!(
            told(lines),
            [
                (ms(10_003), "requests proxy: 1,001 sent, none failed, p99 3.0 ms".to_owned()),
                (ms(20_003), "requests proxy: 2,001 sent, none failed, p99 3.0 ms".to_owned()),
            ]
        );
    }
}
