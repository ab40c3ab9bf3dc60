//! Private swarms: `dockerd` processes in namespaces of their own.
//!
//! A lab belongs to one state folder. Its nodes hang on a bridge in a hub namespace, and one
//! veth joins the hub to the host: no firewall rule of the host is needed or touched, and the
//! host's own Docker is not involved.
//!
//! Each node is a process namespace whose first process is a small shell script: when that
//! drops every mount they made. So a node can be lost, but never half left behind.

mod command;
mod down_report;
mod ipv4_net;
#[expect(clippy::module_inception, reason = "one type a file, named after it")]
mod lab;
mod lab_lock;
mod lab_names;
mod lab_node;
mod lab_options;
mod lab_record;
mod lab_status;
mod lab_trace;
mod leftovers;
mod mounts;
mod network;
mod node_start;
mod processes;
mod programs;
mod swarm;
mod teardown;

pub use down_report::DownReport;
pub use lab::Lab;
pub use lab_node::LabNode;
pub use lab_options::LabOptions;
pub use lab_status::{LabStatus, NodeStatus};
pub use lab_trace::{LabTrace, lab_traces};
pub use programs::find_program;
