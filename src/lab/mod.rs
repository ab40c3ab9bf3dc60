//! Private swarms: `dockerd` processes in their own namespaces.
//!
//! A lab belongs to one state folder. Its nodes share a bridge in a hub namespace, and one veth
//! pair connects the hub to the host. The host's firewall rules are neither needed nor changed,
//! and the host's own Docker is not involved.
//!
//! Each node is a process namespace whose first process is a small shell script. When that
//! process dies, the kernel ends everything else in the node and drops every mount it made, so
//! no part of a node can be left behind.

mod description;
mod engine_source;
mod engines;
#[expect(clippy::module_inception, reason = "the room's main type")]
mod lab;
mod lock;
mod names;
mod network;
mod programs;
mod teardown;
mod traces;

pub use description::{DownReport, LabNode, LabOptions, LabStatus, NodeStatus};
pub use engine_source::{EngineSource, nodes_have};
pub use lab::Lab;
pub use programs::find_program;
pub use traces::{LabTrace, lab_traces};
