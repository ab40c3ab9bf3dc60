//! What a stream did, as one process tells it to another.

use serde::{Deserialize, Serialize};

use super::ProbeTotals;
use crate::record::UnsentCounts;

/// [`ProbeTotals`] as one process tells it to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentTotals {
    name: String,
    sent: u64,
    unsent: UnsentCounts,
    closed_idle: u64,
    /// Lags in nanoseconds, each with its count.
    lag: Vec<(u64, u64)>,
}

impl AgentTotals {
    /// The stream.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shots the stream had, sent or not.
    #[must_use]
    pub fn shots(&self) -> u64 {
        self.sent + self.unsent.total()
    }
}

impl From<&ProbeTotals> for AgentTotals {
    fn from(totals: &ProbeTotals) -> Self {
        let lag = totals.lag.iter_recorded();
        Self {
            name: totals.name.clone(),
            sent: totals.sent,
            unsent: totals.unsent.clone(),
            closed_idle: totals.closed_idle,
            lag: lag.map(|step| (step.value_iterated_to(), step.count_at_value())).collect(),
        }
    }
}

impl From<&AgentTotals> for ProbeTotals {
    fn from(told: &AgentTotals) -> Self {
        let mut totals = Self::new(&told.name);
        totals.sent = told.sent;
        totals.unsent = told.unsent.clone();
        totals.closed_idle = told.closed_idle;
        for (lag, count) in &told.lag {
            totals.lag.saturating_record_n(*lag, *count);
        }
        totals
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Offset;
    use crate::record::Unsent;

    #[test]
    fn nothing_is_lost_on_the_way() {
        let mut totals = ProbeTotals::new("s");
        for lag in [0, 10, 10, 5_000, 77_000_000] {
            totals.sent(Some(Offset::from_nanos(lag * 1_000)));
        }
        for (why, number) in [(Unsent::NoSlot, 1), (Unsent::NoSocket, 2), (Unsent::Stalled, 3)] {
            totals.unsent.add(why, number);
        }
        totals.closed_idle = 4;
        let told = AgentTotals::from(&totals);
        assert_eq!(told.shots(), 11);
        let text = serde_json::to_string(&told).unwrap();
        let again = ProbeTotals::from(&serde_json::from_str::<AgentTotals>(&text).unwrap());
        assert_eq!(AgentTotals::from(&again), told);
        assert_eq!((again.sent, &again.unsent, again.closed_idle), (5, &totals.unsent, 4));
        for quantile in [0.0, 0.5, 0.9, 1.0] {
            assert_eq!(again.lag_at(quantile), totals.lag_at(quantile));
        }
    }
}
