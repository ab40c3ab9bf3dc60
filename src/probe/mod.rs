//! Requests on a fixed schedule, and exactly how each of them ended.
//!
//! Open loop: the schedule is fixed before the first request, and a shot starts at its intended
//! time whatever happened before, so an outage is measured in full. Nothing is retried, no redirect
//! is followed, and a shot that could not be sent is recorded as a hole in the measurement.
//! `docs/measuring.md` says what is measured and why.

mod agent;
mod ahead;
mod ask;
mod asked;
mod beginning;
mod check;
mod cookies;
mod expect;
mod fault;
mod flight;
mod headers;
mod hold;
mod holder;
mod http1;
mod http2;
mod line;
mod link;
mod order;
mod pacer;
mod patterns;
mod pool;
mod prober;
mod raw;
mod reach;
mod replicas;
mod request;
mod resent;
mod schedule;
mod slots;
mod stream;
mod stream_plan;
mod tls;
mod totals;
mod trust;
mod wire;

pub use agent::{AgentEnd, AgentHello, AgentLine, EndedBy, run_agent, run_agent_with};
pub use ask::{Answer, ask};
pub use asked::{Asked, Resolve, WeightedPath};
pub use expect::{BodyExpect, Expect};
pub use order::ProbeOrder;
pub use prober::Prober;
pub use replicas::Lookup;
pub use request::{Host, Method};
pub use stream_plan::StreamPlan;
pub use tls::{Identity, TlsSettings};
pub use totals::{Failures, ProbeTotals, Tally};
