//! Arithmetic on what the probes saw: gaps, percentiles, bounds. Values in, values out.

mod bound;
mod gaps;
mod held;
mod live;
mod outage;
mod spread;
mod times;

pub use bound::{error_rate_upper_95, trials_needed};
pub use gaps::{Gap, Gaps};
pub use held::{EndOfLine, HeldEnds, HeldStats};
pub use live::{LiveGaps, Recent};
pub use outage::Outage;
pub use spread::Spread;
pub use times::Times;
