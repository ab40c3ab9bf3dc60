//! Requests at a fixed schedule, and exactly how each of them ended.
//!
//! Open loop: the schedule is fixed before the first request and a shot starts at its intended
//! time whatever happened before, so an outage is seen at its full length. Nothing is retried,
//! no redirect is followed, and a shot that could not be sent is recorded as a hole in the
//! measurement. `docs/measuring.md` says what is measured and why.

mod agent;
mod agent_line;
mod agent_totals;
mod alarm;
mod blame;
mod body_check;
mod dial;
mod expect;
mod fault;
mod flight;
mod link;
mod live_window;
mod method;
mod names;
mod pacer;
mod pool;
mod probe_order;
mod prober;
mod replicas;
mod schedule;
mod slots;
mod stalls;
mod stream;
mod stream_order;
mod stream_plan;
mod tally;
mod target;
mod totals;
mod wire;

pub use agent::run_agent;
pub use agent_line::{AgentEnd, AgentHello, AgentLine, EndedBy};
pub use agent_totals::AgentTotals;
pub use expect::{BodyExpect, Expect};
pub use live_window::{LiveSnapshot, LiveWindow};
pub use method::Method;
pub use probe_order::ProbeOrder;
pub use prober::Prober;
pub use stream_plan::StreamPlan;
pub use tally::{Failures, Tally};
pub use totals::ProbeTotals;
