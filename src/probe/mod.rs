//! Requests on a fixed schedule, and exactly how each of them ended.
//!
//! Open loop: the schedule is fixed before the first request, and a shot starts at its intended
//! time whatever happened before, so an outage is measured in full. Nothing is retried, no redirect
//! is followed, and a shot that could not be sent is recorded as a hole in the measurement.
//! `docs/measuring.md` says what is measured and why.

mod agent;
mod beginning;
mod expect;
mod fault;
mod flight;
mod link;
mod order;
mod pacer;
mod prober;
mod replicas;
mod request;
mod resent;
mod schedule;
mod slots;
mod stream;
mod stream_plan;
mod totals;

pub use agent::{AgentEnd, AgentHello, AgentLine, EndedBy, run_agent};
pub(crate) use beginning::Beginning;
pub(crate) use expect::BodyCheck;
pub use expect::{BodyExpect, Expect};
pub use order::ProbeOrder;
pub use prober::Prober;
pub use request::Method;
pub use stream_plan::StreamPlan;
pub use totals::{Failures, ProbeTotals, Tally};
