//! A recorded update, played again.

use super::{Input, Observed, Outcome, Races, simulate};
use crate::Offset;

/// Times of a replay that differ by less are the same: a second, or this share of the time.
const SAME: Offset = Offset::from_millis(1_000);
const SAME_SHARE: f64 = 0.1;

impl Observed {
    /// The way of the engine's races to end that is nearest to what was recorded, and how it goes as
    /// long as it was looked at.
    #[must_use]
    pub fn replay(&self) -> (Races, Outcome) {
        let play = |races: Races| {
            let mut outcome = simulate(&Input { races, ..self.input.clone() });
            self.forget_what_came_later(&mut outcome);
            (races, outcome)
        };
        let first = play(Races::default());
        Races::ALL.into_iter().skip(1).map(play).fold(first, |best, other| {
            if self.distance(&other.1) < self.distance(&best.1) { other } else { best }
        })
    }

    /// Of an update that was over when nobody looked any more, states beyond the recorded ones that come
    /// after that.
    fn forget_what_came_later(&self, outcome: &mut Outcome) {
        let known = self.states.len();
        if self.states.last().is_some_and(|(state, _)| state.is_terminal()) {
            let seen = outcome.states.iter().skip(known).take_while(|step| step.at <= self.until);
            let keep = known + seen.count();
            outcome.states.truncate(keep);
        }
    }

    fn distance(&self, outcome: &Outcome) -> (bool, Offset) {
        let pairs = self.states.iter().zip(&outcome.states);
        let times = pairs.fold(Offset::ZERO, |sum, ((_, at), step)| sum + (step.at - *at).abs());
        (!self.has_states_of(outcome), times)
    }

    /// Whether an outcome has the recorded states and as many touched slots.
    #[must_use]
    pub fn has_states_of(&self, outcome: &Outcome) -> bool {
        let states = outcome.states.iter().map(|step| step.state);
        states.eq(self.states.iter().map(|(state, _)| *state))
            && outcome.touched.len() == self.touched.len()
    }

    /// Whether an outcome's states also came when they did: within a second or a tenth of the
    /// time.
    #[must_use]
    pub fn is_like(&self, outcome: &Outcome) -> bool {
        let pairs = self.states.iter().zip(&outcome.states);
        self.has_states_of(outcome)
            && pairs.into_iter().all(|((_, at), step)| Self::same_time(*at, step.at))
    }

    /// Whether a recorded time and that of a replay are the same, apart from what a machine takes
    /// now and then.
    #[must_use]
    pub fn same_time(recorded: Offset, played: Offset) -> bool {
        let apart = (recorded - played).abs();
        apart <= SAME || apart.as_secs_f64() <= recorded.as_secs_f64() * SAME_SHARE
    }
}
