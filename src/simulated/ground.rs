//! What all services of a simulated swarm share.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::addresses::Addresses;
use super::container_log::ContainerLog;
use super::event_log::{EventLog, Happened};
use super::ids::Ids;
use super::images::Images;
use super::replica::Deed;
use super::traffic::Traffic;
use super::virtual_time::VirtualTime;
use crate::Offset;
use crate::swarm::EngineVersion;
use crate::swarm_model::{Behaviour, Input, Node, Spec};

/// The release that is simulated.
pub(super) const ENGINE: EngineVersion = EngineVersion::new(28, 5, 2);

/// A node of the swarm.
#[derive(Debug, Clone)]
pub(super) struct NodeFacts {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) processors: u32,
    pub(super) memory: u64,
    pub(super) version: u64,
    pub(super) labels: Map<String, Value>,
    pub(super) availability: String,
}

/// What all services of a simulated swarm share.
pub(super) struct Ground {
    pub(super) time: VirtualTime,
    pub(super) ids: Ids,
    /// The index of the last change of any object.
    index: u64,
    pub(super) cluster: String,
    pub(super) node: NodeFacts,
    pub(super) images: Images,
    pub(super) events: EventLog,
    pub(super) addresses: Addresses,
    pub(super) traffic: Arc<Traffic>,
    pub(super) deeds: UnboundedSender<(String, Deed)>,
    /// What containers have printed, by their ids.
    pub(super) logs: HashMap<String, Arc<ContainerLog>>,
}

impl Ground {
    pub(super) fn new(
        speed: f64,
        mut ids: Ids,
        addresses: Addresses,
        deeds: UnboundedSender<(String, Deed)>,
    ) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let node = NodeFacts {
            id: ids.swarm(),
            hostname: "simulated".to_owned(),
            processors: u32::try_from(processors).unwrap_or(1),
            memory: 8 << 30,
            version: 9,
            labels: Map::new(),
            availability: "active".to_owned(),
        };
        Self {
            time: VirtualTime::start(speed),
            cluster: ids.swarm(),
            node,
            traffic: Traffic::new(addresses.own()),
            ids,
            index: 10,
            images: Images::new(),
            events: EventLog::new(),
            addresses,
            deeds,
            logs: HashMap::new(),
        }
    }

    /// The index of one more change.
    pub(super) fn next_index(&mut self) -> u64 {
        self.index += 1;
        self.index
    }

    /// Tells those who listen to events.
    pub(super) fn tell(
        &mut self,
        at: Offset,
        kind: &'static str,
        action: &str,
        id: &str,
        attributes: Value,
    ) {
        let Value::Object(attributes) = attributes else { return };
        let at = self.time.wall(at);
        self.events.tell(Happened {
            at,
            kind,
            action: action.to_owned(),
            id: id.to_owned(),
            attributes,
        });
    }

    /// What the model needs to know beside a service.
    pub(super) fn base(&self) -> Input {
        let sound = Behaviour::default();
        let labels = self.node.labels.iter();
        let node = Node {
            hostname: self.node.hostname.clone(),
            manager: Some(true),
            labels: Some(
                labels
                    .map(|(key, value)| {
                        (key.clone(), value.as_str().unwrap_or_default().to_owned())
                    })
                    .collect(),
            ),
            cpus: Some(f64::from(self.node.processors)),
            memory: Some(self.node.memory),
        };
        let input = Input::update(Spec::default(), sound.clone(), sound);
        Input {
            engine: ENGINE,
            nodes: vec![node],
            // A Go map has no order; this one is at random, but not the same in two updates.
            order: crate::swarm_model::SlotOrder::Random,
            seed: u64::from(std::process::id()),
            ..input
        }
    }

    /// `Version` of an object that has just changed.
    pub(super) fn version(index: u64) -> Value {
        json!({ "Index": index })
    }
}
