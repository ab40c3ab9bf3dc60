//! Placing tasks on nodes (swarmkit `manager/scheduler`).

use super::Spec;
use super::input::{Input, Node};
use super::queue::Due;
use super::task::{NONE, NoRoom, TaskId, VERSIONS, What, Which};
use super::world::{World, index};
use crate::swarm::{TaskState, constraint_sides};

/// What the tasks of the service use on each node.
pub(super) struct Nodes {
    used: Vec<Used>,
    needs: Vec<Needs>,
    /// Tasks without a node.
    pub(super) pending: Vec<TaskId>,
    retry_planned: bool,
}

/// A node, and what is used on it.
#[derive(Debug, Clone)]
struct Used {
    cpus: f64,
    memory: f64,
    /// Tasks that have not ended, by version.
    tasks: [u32; VERSIONS],
    /// Tasks that are to run.
    wanted: u64,
    /// Containers that start now.
    starting: u32,
}

/// What a task of one version needs.
struct Needs {
    /// The nodes that its constraints allow.
    fits: Vec<bool>,
    cpus: f64,
    memory: f64,
    max_per_node: u64,
    /// Whether a task of each version holds a port that it needs.
    ports_of: Vec<bool>,
    global: bool,
}

impl Nodes {
    pub(super) fn new(input: &Input) -> Self {
        let used = input.nodes.iter().map(|node| Used {
            cpus: node.cpus.unwrap_or(f64::INFINITY),
            memory: node.memory.map_or(f64::INFINITY, bytes),
            tasks: [0; VERSIONS],
            wanted: 0,
            starting: 0,
        });
        Self {
            used: used.collect(),
            needs: needs(input),
            pending: Vec::new(),
            retry_planned: false,
        }
    }

    /// The versions have other indices, and may be others, from now on: `to` has the new index for
    /// each old one.
    pub(super) fn renumber(&mut self, input: &Input, to: [usize; VERSIONS]) {
        for used in &mut self.used {
            let before = std::mem::replace(&mut used.tasks, [0; VERSIONS]);
            for (version, tasks) in before.into_iter().enumerate() {
                used.tasks[to[version]] += tasks;
            }
        }
        self.needs = needs(input);
    }

    /// A task has this node now.
    pub(super) fn add(&mut self, node: u32, version: Which) {
        let used = &mut self.used[node as usize];
        used.tasks[version.index()] += 1;
        used.wanted += 1;
    }

    /// A task is to stop: `max_replicas_per_node` no longer counts it.
    pub(super) fn unwanted(&mut self, node: u32) {
        if let Some(used) = self.used.get_mut(node as usize) {
            used.wanted = used.wanted.saturating_sub(1);
        }
    }

    /// A task has ended: its ports and reservations are free.
    pub(super) fn remove(&mut self, node: u32, version: Which) {
        if let Some(used) = self.used.get_mut(node as usize) {
            let tasks = &mut used.tasks[version.index()];
            *tasks = tasks.saturating_sub(1);
        }
    }

    /// One more container begins to start.
    pub(super) fn starts(&mut self, node: u32) {
        self.used[node as usize].starting += 1;
    }

    /// How many containers start now.
    pub(super) fn starting(&self, node: u32) -> u32 {
        self.used[node as usize].starting
    }

    pub(super) fn has_started(&mut self, node: u32) {
        let starting = &mut self.used[node as usize].starting;
        *starting = starting.saturating_sub(1);
    }

    /// Whether a version's constraints allow a node.
    pub(super) fn allows(&self, node: u32, version: Which) -> bool {
        self.needs[version.index()].fits.get(node as usize).copied().unwrap_or(true)
    }

    /// The node for a task: of those with room, the one with the fewest.
    pub(super) fn place(&self, slot: u32, version: Which) -> Result<u32, NoRoom> {
        let needs = &self.needs[version.index()];
        let all = 0..self.used.len();
        let among = if needs.global { slot as usize..slot as usize + 1 } else { all };
        let mut best: Option<(u64, usize)> = None;
        let mut reason = NoRoom::Constraints;
        for node in among.filter(|node| *node < self.used.len()) {
            match self.room(node, needs) {
                Ok(()) => {
                    let wanted = self.used[node].wanted;
                    if best.is_none_or(|(fewest, _)| wanted < fewest) {
                        best = Some((wanted, node));
                    }
                }
                Err(why) => reason = reason.min(why),
            }
        }
        best.map(|(_, node)| index(node)).ok_or(reason)
    }

    /// Whether a node has room (swarmkit `manager/scheduler/filter.go`). Ports and reservations are
    /// held until a task has ended; `max_replicas_per_node` counts tasks that are to run.
    fn room(&self, node: usize, needs: &Needs) -> Result<(), NoRoom> {
        let used = &self.used[node];
        if !needs.fits[node] {
            return Err(NoRoom::Constraints);
        }
        if (0..self.needs.len()).any(|version| used.tasks[version] > 0 && needs.ports_of[version]) {
            return Err(NoRoom::HostPort);
        }
        if needs.max_per_node > 0 && used.wanted >= needs.max_per_node {
            return Err(NoRoom::MaxReplicas);
        }
        let sum = |need: fn(&Needs) -> f64| {
            let used = used.tasks.iter().zip(&self.needs);
            used.map(|(tasks, of)| f64::from(*tasks) * need(of)).sum::<f64>() + need(needs)
        };
        // Sums of decimal fractions are not exact.
        if sum(|of| of.cpus) > used.cpus + 1e-9 || sum(|of| of.memory) > used.memory {
            return Err(NoRoom::Resources);
        }
        Ok(())
    }
}

impl World<'_> {
    /// The scheduler looks for a node for a new task.
    pub(super) fn schedule(&mut self, id: TaskId) {
        let task = &self.tasks[id as usize];
        if task.node != NONE || task.state > TaskState::Pending {
            return;
        }
        match self.nodes.place(task.slot, task.version) {
            Ok(node) => self.assign(id, node),
            // A task that has to stop again is no longer tried.
            Err(_) if !task.is_wanted() => {}
            Err(reason) => {
                self.tasks[id as usize].state = TaskState::Pending;
                self.log(id, What::Pending(reason));
                self.nodes.pending.push(id);
            }
        }
    }

    fn assign(&mut self, id: TaskId, node: u32) {
        let (now, hops) = (self.now, &self.input.hops);
        let task = &mut self.tasks[id as usize];
        task.node = node;
        task.state = TaskState::Assigned;
        task.since = now;
        let (version, wanted) = (task.version, task.is_wanted());
        self.nodes.add(node, version);
        self.log(id, What::Assigned);
        if wanted {
            let prepare = hops.deliver + hops.create + self.behaviour(id).pull;
            self.plan_in(prepare, id, Due::Prepared);
        } else {
            self.nodes.unwanted(node);
            self.stop_on_node(id);
        }
    }

    /// Something was freed: what waits for a node is tried again soon.
    pub(super) fn freed(&mut self) {
        if !self.nodes.pending.is_empty() && !self.nodes.retry_planned {
            self.nodes.retry_planned = true;
            self.plan_in(self.input.hops.schedule, 0, Due::Retry);
        }
    }

    pub(super) fn retry_pending(&mut self) {
        self.nodes.retry_planned = false;
        let waiting = std::mem::take(&mut self.nodes.pending);
        for id in waiting {
            let task = &self.tasks[id as usize];
            if !task.is_wanted() {
                continue;
            }
            match self.nodes.place(task.slot, task.version) {
                Ok(node) => self.assign(id, node),
                Err(_) => self.nodes.pending.push(id),
            }
        }
    }
}

/// What the tasks of each version need.
fn needs(input: &Input) -> Vec<Needs> {
    let specs = [&input.old, &input.new].into_iter().chain(&input.others);
    let specs: Vec<&Spec> = specs.map(|version| &version.spec).collect();
    let of = |spec: &&Spec| Needs {
        fits: input.nodes.iter().map(|node| fits(spec, node)).collect(),
        cpus: spec.cpus,
        memory: bytes(spec.memory),
        max_per_node: spec.max_per_node,
        ports_of: specs
            .iter()
            .map(|other| other.host_ports.iter().any(|port| spec.host_ports.contains(port)))
            .collect(),
        global: spec.global,
    };
    specs.iter().map(of).collect()
}

impl Spec {
    /// Whether a node is what the constraints ask for.
    #[must_use]
    pub fn fits(&self, node: &Node) -> bool {
        fits(self, node)
    }

    /// The slots that the service has on these nodes: a global one has a slot on each node that its
    /// constraints allow.
    #[must_use]
    pub fn slots_on(&self, nodes: &[Node]) -> u64 {
        if !self.global {
            return self.replicas;
        }
        nodes.iter().filter(|node| self.fits(node)).count() as u64
    }
}

/// Whether a node is what a spec's constraints ask for. A node of which nothing is known is.
fn fits(spec: &Spec, node: &Node) -> bool {
    spec.constraints.iter().all(|constraint| {
        let Some((key, equal, value)) = constraint_sides(constraint) else { return true };
        let known = match key {
            "node.hostname" if !node.hostname.is_empty() => Some(node.hostname.as_str()),
            "node.role" => node.manager.map(|manager| if manager { "manager" } else { "worker" }),
            _ => match (key.strip_prefix("node.labels."), &node.labels) {
                (Some(label), Some(labels)) => Some(labels.get(label).map_or("", String::as_str)),
                _ => None,
            },
        };
        known.is_none_or(|known| known.eq_ignore_ascii_case(value) == equal)
    })
}

#[expect(clippy::cast_precision_loss, reason = "no node has 8 PiB of memory")]
fn bytes(memory: u64) -> f64 {
    memory as f64
}
