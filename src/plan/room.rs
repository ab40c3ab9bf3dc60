//! Whether the nodes have room for the most tasks at once.

use serde::Serialize;

use super::course::Course;
use super::setting::Setting;
use crate::swarm_model::{End, Node, simulate};

/// What an update needs of the nodes at its fullest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Room {
    /// Nodes that the plan is for.
    pub nodes: u64,
    /// Whether the user named them.
    pub nodes_are_given: bool,
    /// The fewest nodes on which the update does not wait for ever; absent if 3 more are too few.
    pub needed_nodes: Option<u64>,
    /// The most tasks at once, in any of the plan's updates.
    pub most_tasks: u64,
    /// Reserved processors at that moment.
    pub reserved_cpus: f64,
    /// Reserved memory at that moment, in bytes.
    pub reserved_memory: u64,
    /// Ports that each task needs on its node.
    pub host_ports: Vec<u16>,
    /// The most tasks on one node; 0 means any number.
    pub max_replicas_per_node: u64,
}

impl Room {
    pub(super) fn of(setting: &Setting, courses: &[Course]) -> Self {
        let most_tasks = courses.iter().map(|course| course.most_tasks).max().unwrap_or(0);
        let nodes = setting.nodes();
        #[expect(clippy::cast_precision_loss, reason = "a number of tasks")]
        let reserved_cpus = setting.spec.cpus * most_tasks as f64;
        Self {
            nodes: nodes.len() as u64,
            nodes_are_given: !setting.nodes.is_empty(),
            needed_nodes: needed_nodes(setting, nodes),
            most_tasks,
            reserved_cpus,
            reserved_memory: setting.spec.memory.saturating_mul(most_tasks),
            host_ports: setting.spec.host_ports.clone(),
            max_replicas_per_node: setting.spec.max_per_node,
        }
    }
}

/// The fewest nodes on which a good update does not wait for ever.
fn needed_nodes(setting: &Setting, mut nodes: Vec<Node>) -> Option<u64> {
    for _ in 0..=3 {
        let mut more = setting.clone();
        more.nodes.clone_from(&nodes);
        let outcome = simulate(&more.input(setting.sound.clone(), setting.sound.clone()));
        if outcome.end == End::Rest {
            return Some(nodes.len() as u64);
        }
        nodes.push(Node::default());
    }
    None
}
