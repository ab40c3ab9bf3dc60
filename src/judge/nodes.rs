//! Nodes that went away, were drained or lost their manager during a scenario.

use serde::Serialize;

use super::remedies::{DRAINED, NODE};
use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{EventKind, NodeSeen, Outcome, Run, Shot};
use crate::swarm::TaskState;
use crate::wording::{counted, length, short_id};

/// Swarm notices a lost node after three missed heartbeats, which takes up to 20 s; requests that
/// hung longer before that had another reason.
const NOTICE: Offset = Offset::from_millis(30_000);
/// How long after Swarm noticed it a proxy may still ask a replica on the node.
const REACH: Offset = Offset::from_millis(5_000);
/// A request to a machine that is not there hangs; what fails faster was turned away.
const HUNG: Offset = Offset::from_millis(500);
/// Tasks that Swarm takes off a node together are seen within this time.
const TOGETHER: Offset = Offset::from_millis(1_000);

/// What became of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeChange {
    /// Swarm called it down.
    Down,
    /// It was drained.
    Drained,
    /// Its manager became unreachable.
    Unreachable,
    /// Swarm took all tasks off it, and the record does not say why.
    Emptied,
}

/// A node that became unusable. Instants count from the run's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeLoss {
    /// Its id.
    pub node: String,
    /// Its host name; the start of its id if the record does not say.
    pub name: String,
    /// What became of it.
    pub change: NodeChange,
    /// The last sign of life of a task on it before.
    pub last_sign: Option<Offset>,
    /// When Swarm noticed it.
    pub noticed_at: Offset,
    /// Tasks of the service that Swarm wanted to run on it then.
    pub tasks: u64,
}

impl NodeLoss {
    /// Those of a scenario, in order.
    pub(super) fn all(run: &Run, scene: &Scene) -> Vec<Self> {
        let mut losses = Self::recorded(run, scene);
        let says_nodes = run.events.iter().any(|event| matches!(event.kind, EventKind::Node(_)));
        if !says_nodes && run.meta.engine.nodes > 1 {
            losses = Self::inferred(scene);
        }
        losses
    }

    fn recorded(run: &Run, scene: &Scene) -> Vec<Self> {
        let mut known: Vec<&NodeSeen> = Vec::new();
        let mut losses: Vec<Self> = Vec::new();
        for event in run.events.iter().filter(|event| event.at < scene.ended) {
            let EventKind::Node(node) = &event.kind else { continue };
            let place = known.iter().position(|seen| seen.node == node.node);
            let before = place.map(|place| std::mem::replace(&mut known[place], node));
            let Some(before) = before else {
                known.push(node);
                continue;
            };
            let change = if is_gone(node) && !is_gone(before) {
                NodeChange::Down
            } else if node.availability == "drain" && before.availability != "drain" {
                NodeChange::Drained
            } else if node.reachability == "unreachable" && before.reachability != "unreachable" {
                NodeChange::Unreachable
            } else {
                continue;
            };
            if event.at < scene.started {
                continue;
            }
            // One loss shows twice: as a state and as a manager that nobody reaches.
            let again = losses.iter_mut().find(|loss| loss.node == node.node);
            match again.filter(|loss| loss.change != NodeChange::Drained) {
                Some(loss) if change == NodeChange::Down => loss.change = change,
                Some(_) => {}
                None => losses.push(Self::new(scene, &node.node, &node.hostname, change, event.at)),
            }
        }
        losses
    }

    /// Swarm stops no task of the version that it aims at, unless the task failed or its node is
    /// gone or drained.
    fn inferred(scene: &Scene) -> Vec<Self> {
        let taken_off = |life: &&TaskLife| {
            let told = life.told_to_stop?;
            let rolled_back = scene.rollback_seen().is_some_and(|seen| seen - TOGETHER <= told);
            let aimed = if rolled_back { scene.old } else { scene.new_generation() };
            let off = life.last.generation == aimed
                && life.last.desired == TaskState::Shutdown
                && !life.last.node.is_empty()
                && life.failed.is_none()
                && life.unhealthy.is_none();
            let orphaned = life.last.state == TaskState::Orphaned;
            (told >= scene.submitted_at() && (off || orphaned)).then_some(told)
        };
        let mut losses: Vec<Self> = Vec::new();
        for life in &scene.tasks.lives {
            let (Some(at), node) = (taken_off(&life), life.last.node.as_str()) else { continue };
            let same_time = |told: Offset| (told - at).abs() <= TOGETHER;
            let others = scene.tasks.lives.iter().filter(|other| other.last.node != node);
            let elsewhere = others.filter_map(|other| taken_off(&other)).any(same_time);
            let on_node = || scene.tasks.lives.iter().filter(|other| other.last.node == node);
            let stays = on_node()
                .any(|other| other.serves_at(at) && !other.told_to_stop.is_some_and(same_time));
            let known = losses.iter().any(|loss| loss.node == node && same_time(loss.noticed_at));
            if !elsewhere && !stays && !known {
                losses.push(Self::new(scene, node, "", NodeChange::Emptied, at));
            }
        }
        losses
    }

    fn new(scene: &Scene, node: &str, hostname: &str, change: NodeChange, at: Offset) -> Self {
        let on_node = || scene.tasks.lives.iter().filter(|life| life.last.node == node);
        let left = |life: &&TaskLife| {
            let until = life.told_to_stop.or(life.ended);
            life.first_seen <= at && until.is_none_or(|until| until >= at - TOGETHER)
        };
        Self {
            node: node.to_owned(),
            name: if hostname.is_empty() { short_id(node).to_owned() } else { hostname.to_owned() },
            change,
            last_sign: on_node().filter_map(|life| life.last_sign_before(at)).max(),
            noticed_at: at,
            tasks: on_node().filter(left).count() as u64,
        }
    }

    /// What became of which node: `node worker-2 went down`.
    #[must_use]
    pub fn what(&self) -> String {
        let name = &self.name;
        match self.change {
            NodeChange::Down => format!("node {name} went down"),
            NodeChange::Drained => format!("node {name} was drained"),
            NodeChange::Unreachable => format!("the manager on node {name} became unreachable"),
            NodeChange::Emptied => format!(
                "node {name} was lost or drained: Swarm replaced {} on it",
                match self.tasks {
                    1 => "the only task".to_owned(),
                    tasks => format!("all {}", counted(tasks, "task")),
                }
            ),
        }
    }

    /// Whether Swarm took this task away because of it.
    pub(super) fn took(&self, life: &TaskLife) -> bool {
        let until = life.serves_until();
        life.last.node == self.node
            && until.is_some_and(|at| {
                (self.noticed_at - TOGETHER..=self.noticed_at + REACH).contains(&at)
            })
    }

    /// Whether a task there, which Swarm wants to stop, will never say that it did.
    pub(super) fn keeps_a_task(&self, scene: &Scene) -> bool {
        let gone = matches!(self.change, NodeChange::Down | NodeChange::Emptied);
        gone && scene.tasks.lives.iter().any(|life| {
            life.last.node == self.node
                && life.last.desired > TaskState::Running
                && life.ended.is_none()
        })
    }

    /// What to change.
    pub(super) fn remedy(&self) -> &'static str {
        match self.change {
            NodeChange::Drained => DRAINED,
            _ => NODE,
        }
    }

    /// From when on its replicas may not have answered, and until when somebody may have asked
    /// them.
    fn silent(&self) -> (Offset, Offset) {
        let earliest = self.noticed_at - NOTICE;
        let from = self.last_sign.map_or(earliest, |sign| sign.max(earliest));
        (from, self.noticed_at + REACH)
    }

    /// Whether a request hung because it was sent to a replica there.
    pub(super) fn explains(&self, shot: &Shot) -> bool {
        let (from, to) = self.silent();
        let hung = match shot.outcome {
            Outcome::NoRoute | Outcome::ConnectTimeout | Outcome::Timeout => true,
            Outcome::Late
            | Outcome::Proxy502
            | Outcome::Proxy503
            | Outcome::Proxy504
            | Outcome::TlsHandshake
            | Outcome::GoAway
            | Outcome::StreamReset
            | Outcome::Reset
            | Outcome::Cut => shot.ended() - shot.began() >= HUNG,
            _ => false,
        };
        hung && self.change != NodeChange::Drained
            && self.tasks > 0
            && (from..=to).contains(&shot.began())
    }

    /// The same with how many requests it cost, the first of them sent at `first`.
    pub(super) fn sentence(&self, failed: u64, first: Offset) -> String {
        let requests = match failed {
            1 => "1 request had been sent to its replicas".to_owned(),
            _ => format!("{} had been sent to its replicas", counted(failed, "request")),
        };
        if first < self.noticed_at {
            let after = length(self.noticed_at - first);
            let first = if failed == 1 { "that request" } else { "the first request that hung" };
            format!("{}; Swarm noticed {after} after {first}; {requests}", self.what())
        } else {
            format!("{}; {requests}", self.what())
        }
    }
}

fn is_gone(node: &NodeSeen) -> bool {
    matches!(node.state.as_str(), "down" | "disconnected")
}
