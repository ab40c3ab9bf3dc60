//! Follows the nodes of the swarm: which are ready, drained, or out of reach.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::EventSink;
use super::event_streams::EngineTime;
use crate::Offset;
use crate::engine::{Engine, NodeView};
use crate::record::{Event, EventKind, NodeSeen};

/// How often the nodes are listed. Swarm itself notices a lost node only after several seconds.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Emits an event for each node at the beginning, and whenever the state, the availability or the
/// manager status of one changes, until `stop`. An engine that refuses is asked again.
pub(super) fn watch(
    manager: Engine,
    time: EngineTime,
    sink: EventSink,
    stop: CancellationToken,
    tasks: &TaskTracker,
) {
    tasks.spawn(async move {
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut changes = NodeChanges::default();
        loop {
            let listed = tokio::select! {
                () = stop.cancelled() => return,
                listed = async { ticks.tick().await; manager.nodes().await } => listed,
            };
            match listed {
                Ok(nodes) => {
                    let updated = |node: &NodeView| node.updated_at.map(|at| time.map(at));
                    changes.polled(&nodes, time.clock.now(), updated).into_iter().for_each(&*sink);
                }
                Err(error) => tracing::debug!(%error, "cannot list the nodes"),
            }
        }
    });
}

/// Compares each list of nodes with the one before.
#[derive(Debug, Default)]
struct NodeChanges {
    known: BTreeMap<String, NodeSeen>,
    polled_at: Option<Offset>,
}

impl NodeChanges {
    /// The changes since the previous list. Their time is that of the engine's newest update of
    /// the node, if that lies between the two lists.
    fn polled(
        &mut self,
        nodes: &[NodeView],
        seen: Offset,
        updated: impl Fn(&NodeView) -> Option<Offset>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for view in nodes {
            let now = node_seen(view);
            if self.known.get(&now.node).is_some_and(|before| is_same(before, &now)) {
                continue;
            }
            let between = |at: &Offset| self.polled_at.is_some_and(|polled| polled <= *at);
            let at = updated(view).filter(between).map_or(seen, |at| at.min(seen));
            events.push(Event { at, seen, kind: EventKind::Node(now.clone()) });
            self.known.insert(now.node.clone(), now);
        }
        self.polled_at = Some(seen);
        events
    }
}

/// Whether nothing changed that matters: the message alone does not.
fn is_same(before: &NodeSeen, now: &NodeSeen) -> bool {
    let facts = |node: &NodeSeen| {
        (
            node.state.clone(),
            node.availability.clone(),
            node.manager,
            node.reachability.clone(),
            node.hostname.clone(),
        )
    };
    facts(before) == facts(now)
}

fn node_seen(view: &NodeView) -> NodeSeen {
    NodeSeen {
        node: view.id.clone(),
        hostname: view.hostname.clone(),
        state: view.state.clone(),
        availability: view.availability.clone(),
        manager: view.manager,
        reachability: view.reachability.clone(),
        message: view.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(id: &str, state: &str, availability: &str) -> NodeView {
        NodeView {
            id: id.into(),
            hostname: format!("host-{id}"),
            address: "10.0.0.2".into(),
            state: state.into(),
            availability: availability.into(),
            message: String::new(),
            manager: id == "a",
            reachability: if id == "a" { "reachable".into() } else { String::new() },
            updated_at: None,
            labels: std::collections::BTreeMap::new(),
        }
    }

    fn told(events: &[Event]) -> Vec<(String, String, String)> {
        events
            .iter()
            .map(|event| match &event.kind {
                EventKind::Node(node) => {
                    (node.hostname.clone(), node.state.clone(), node.availability.clone())
                }
                kind => panic!("{kind:?}"),
            })
            .collect()
    }

    #[test]
    fn each_node_once_and_then_what_changes() {
        let mut changes = NodeChanges::default();
        let millis = Offset::from_millis;
        let none = |_: &NodeView| None;
        let mut nodes = [view("a", "ready", "active"), view("b", "ready", "active")];
        let old = |_: &NodeView| Some(millis(-5_000));
        let events = changes.polled(&nodes, millis(10), old);
        assert_eq!(told(&events).len(), 2);
        assert!(events.iter().all(|event| event.at == millis(10)), "not before the run");
        assert!(changes.polled(&nodes, millis(1_010), none).is_empty());

        nodes[1].message = "heartbeat failure".into();
        assert!(changes.polled(&nodes, millis(2_010), none).is_empty());
        nodes[1].state = "down".into();
        let events = changes.polled(&nodes, millis(3_010), |_| Some(millis(2_500)));
        assert_eq!(told(&events), [("host-b".into(), "down".into(), "active".into())]);
        assert_eq!((events[0].at, events[0].seen), (millis(2_500), millis(3_010)));

        nodes[0].availability = "drain".into();
        let events = changes.polled(&nodes, millis(4_010), |_| Some(millis(100)));
        assert_eq!(told(&events), [("host-a".into(), "ready".into(), "drain".into())]);
        assert_eq!(events[0].at, millis(4_010), "an older update is another one");

        nodes[0].reachability = "unreachable".into();
        assert_eq!(changes.polled(&nodes, millis(5_010), none).len(), 1);
    }
}
