//! Arithmetic on what the probes saw: gaps, percentiles, bounds. Values in, values out.

mod bound;
mod gaps;
mod needed;
mod outage;
mod spread;

pub use bound::error_rate_upper_95;
pub use gaps::{Gap, Gaps};
pub use needed::trials_needed;
pub use outage::Outage;
pub use spread::Spread;
