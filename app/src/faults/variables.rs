//! Environment variables as typed values. An empty value is no value.

use std::ops::RangeInclusive;
use std::time::Duration;

use hyper::StatusCode;

use super::chance::Chance;

/// The variables that switch faults on.
pub const NAMES: [&str; 18] = [
    "ROLLPROOF_START_DELAY",
    "ROLLPROOF_READY_AFTER",
    "ROLLPROOF_UNHEALTHY_AFTER",
    "ROLLPROOF_HEALTH_DELAY",
    "ROLLPROOF_ANSWER_STATUS",
    "ROLLPROOF_ANSWER_DELAY",
    "ROLLPROOF_ANSWER_PROBABILITY",
    "ROLLPROOF_CRASH_AFTER",
    "ROLLPROOF_CRASH_ON_REQUEST",
    "ROLLPROOF_CRASH_EXIT_CODE",
    "ROLLPROOF_LEAK_MIB_PER_SECOND",
    "ROLLPROOF_IGNORE_STOP",
    "ROLLPROOF_ON_STOP",
    "ROLLPROOF_STOP_EXIT_CODE",
    "ROLLPROOF_DROP_ON_STOP",
    "ROLLPROOF_FAULT_SLOTS",
    "ROLLPROOF_FAULT_PROBABILITY",
    "ROLLPROOF_FAULT_SEED",
];

/// Reads variables through a lookup; errors are `NAME=VALUE: expected …`.
pub struct Variables<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Variables<'a> {
    pub fn new(variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { variable }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    pub fn duration(&self, name: &str) -> Result<Option<Duration>, String> {
        self.parse(name, "a duration such as 500ms or 10s", |value| {
            humantime::parse_duration(value).ok()
        })
    }

    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, String> {
        let expected = match (*range.start(), *range.end()) {
            (0, u64::MAX) => "a whole number".to_owned(),
            (least, u64::MAX) => format!("a whole number of at least {least}"),
            (least, most) => format!("a whole number from {least} to {most}"),
        };
        self.parse(name, &expected, |value| {
            value.parse().ok().filter(|number| range.contains(number))
        })
    }

    pub fn status(&self, name: &str) -> Result<Option<StatusCode>, String> {
        self.parse(name, "a status from 200 to 599", |value| {
            let status = value.parse().ok().filter(|number| (200..=599).contains(number))?;
            StatusCode::from_u16(status).ok()
        })
    }

    pub fn chance(&self, name: &str, seed: u64) -> Result<Chance, String> {
        let probability = self.parse(name, "a probability from 0 to 1", |value| {
            value.parse().ok().filter(|number| (0.0..=1.0).contains(number))
        })?;
        Ok(Chance { probability: probability.unwrap_or(1.0), seed })
    }

    pub fn slots(&self, name: &str) -> Result<Option<Vec<RangeInclusive<u32>>>, String> {
        self.parse(name, "slots such as 1,3-5", |value| {
            let range = |text: &str| {
                let (first, last) = text.split_once('-').unwrap_or((text, text));
                let range = first.trim().parse().ok()?..=last.trim().parse().ok()?;
                (!range.is_empty() && *range.start() > 0).then_some(range)
            };
            value.split(',').map(range).collect()
        })
    }

    pub fn switch(&self, name: &str) -> Result<bool, String> {
        let on = self.parse(name, "true or false", |value| match value {
            "0" | "false" => Some(false),
            "1" | "true" => Some(true),
            _ => None,
        })?;
        Ok(on.unwrap_or(false))
    }

    pub fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, T)],
        default: T,
    ) -> Result<T, String> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let expected = match words.split_last() {
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
            None => String::new(),
        };
        let chosen = self.parse(name, &expected, |value| {
            choices.iter().find(|(word, _)| *word == value).map(|(_, choice)| *choice)
        })?;
        Ok(chosen.unwrap_or(default))
    }

    fn parse<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        self.text(name)
            .map(|value| {
                parse(&value).ok_or_else(|| format!("{name}={value}: expected {expected}"))
            })
            .transpose()
    }
}
