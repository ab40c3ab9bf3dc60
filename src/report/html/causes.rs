//! The causes of all failed requests of a run, each with its class in the page.

use super::bins::Bin;
use crate::judge::{Cause, Judgement};
use crate::wording::cut;

/// How many causes have a colour of their own.
const COLOURS: usize = 6;
/// The most letters of a cause beside the timeline.
const SHORT: usize = 60;

/// The causes, the most frequent first.
pub(super) struct Causes {
    pub list: Vec<ShownCause>,
}

/// One cause, over all scenarios.
pub(super) struct ShownCause {
    /// Absent for requests that failed outside of a scenario.
    pub cause: Option<Cause>,
    pub failed: u64,
    pub text: String,
    pub short: String,
    pub class: String,
}

impl Causes {
    pub(super) fn of(judgement: &Judgement, outside: u64) -> Self {
        let mut list: Vec<ShownCause> = Vec::new();
        let mut take = |cause: Option<Cause>, failed: u64, text: &str, short: &str| match list
            .iter_mut()
            .find(|known| known.cause == cause)
        {
            Some(known) => known.failed += failed,
            None => list.push(ShownCause {
                cause,
                failed,
                text: text.to_owned(),
                short: cut(short, SHORT),
                class: String::new(),
            }),
        };
        for group in judgement.scenarios.iter().flat_map(|scenario| &scenario.causes) {
            take(Some(group.cause), group.failed, &group.text, group.cause.text());
        }
        if outside > 0 {
            take(None, outside, "failed outside of the scenarios", "outside of the scenarios");
        }
        list.sort_by_key(|cause| std::cmp::Reverse(cause.failed));
        for (place, cause) in list.iter_mut().enumerate() {
            cause.class = format!("c{}", place.min(COLOURS - 1));
        }
        Self { list }
    }

    /// The place of a cause in the list.
    pub(super) fn place(&self, cause: Cause) -> usize {
        self.list.iter().position(|known| known.cause == Some(cause)).unwrap_or(0)
    }
}

impl ShownCause {
    /// How many requests of a bin failed because of it.
    pub(super) fn of(&self, bin: &Bin) -> u64 {
        match self.cause {
            Some(cause) => bin.failed.get(&cause).copied().unwrap_or(0),
            None => bin.unexplained,
        }
    }
}
