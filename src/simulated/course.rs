//! What the model says becomes tasks, containers, events and traffic.

use std::cmp::Reverse;
use std::sync::Arc;

use serde_json::json;

use super::agent;
use super::container_log::ContainerLog;
use super::event_log::changes;
use super::ground::Ground;
use super::program::{Kind, Manner, fill_in};
use super::replica::{Identity, Replica};
use super::service::{Cue, Service, UpdateStatus};
use super::task_record::{Container, TaskRecord};
use crate::Offset;
use crate::swarm::{TaskState, UpdateState};
use crate::swarm_model::{NoRoom, StateStep, Step, What, Why};

/// How many seconds of their users' time kept connections may still bring a request after the signal to
/// stop, as in the app, and the share of the grace period that this may take.
const LAST_REQUESTS: f64 = 1.0;
const MOST_OF: f64 = 0.8;
/// How often to look whether the last connection is closed.
const LOOK_EVERY: Offset = Offset::from_millis(100);
/// The exit code of the app if requests are still open when its time is over.
const GAVE_UP: i32 = 1;
/// The exit code of a process that was killed.
const KILLED: i32 = 137;

impl Service {
    /// Plays everything up to and including `to`.
    pub(super) fn advance(&mut self, ground: &mut Ground, to: Offset) {
        while let Some(at) = self.next_at().filter(|at| *at <= to) {
            let (steps, states) = self.live.advance(at);
            let any = !steps.is_empty();
            for step in steps {
                self.step(ground, &step);
            }
            for state in states {
                self.state(ground, state);
            }
            while let Some(Reverse((_, task, cue))) =
                self.cues.peek().copied().filter(|Reverse((when, ..))| *when <= at)
            {
                self.cues.pop();
                self.cue(ground, task, cue, at);
            }
            if any {
                self.reap(ground, at);
            }
        }
        self.live.advance(to);
    }

    fn cue_at(&mut self, at: Offset, task: u32, cue: Cue) {
        self.cues.push(Reverse((at, task, cue)));
    }

    fn step(&mut self, ground: &mut Ground, step: &Step) {
        let (id, at) = (step.task, step.at);
        let index = id as usize;
        if index == self.tasks.len() {
            let template = self.live.task(id).map_or(0, |now| now.template);
            let slot = self.live.task(id).map_or(0, |now| now.slot);
            let version = ground.next_index();
            let template = usize::try_from(template).unwrap_or(0).min(self.templates.len() - 1);
            self.tasks.push(TaskRecord::new(ground.ids.swarm(), slot, template, version, at));
        }
        let Some(task) = self.tasks.get_mut(index) else { return };
        task.version = ground.next_index();
        task.updated = at;
        match step.what {
            What::Created | What::HeldBack | What::Wanted => {}
            What::ToldToStop => self.told_to_stop(id),
            What::Pending(reason) => {
                task.becomes(TaskState::Pending, "pending task scheduling", at);
                task.error = no_node(reason);
            }
            What::Assigned => {
                task.becomes(TaskState::Assigned, "scheduler assigned task to node", at);
                task.error.clear();
                task.assigned = true;
                task.address = Some(ground.addresses.take(&mut ground.ids));
                self.cue_at(at + Offset::from_millis(100), id, Cue::Prepares);
            }
            What::Ready => {
                task.becomes(TaskState::Ready, "prepared", at);
                task.container = Some(Container {
                    id: ground.ids.container(),
                    created: at,
                    started: None,
                    ended: None,
                    exit_code: None,
                    health: "starting",
                    replica: None,
                });
                self.container_event(ground, id, "create", &json!({}), at);
            }
            What::Starting => task.becomes(TaskState::Starting, "starting", at),
            What::Started => self.started(ground, id, at),
            What::Healthy => self.health(ground, id, "healthy", at),
            What::Unhealthy => {
                self.health(ground, id, "unhealthy", at);
                self.leaves(ground, id);
                if let Some(signal) = self.live.task(id).and_then(|now| now.signal) {
                    self.cue_at(signal, id, Cue::Signal);
                }
            }
            What::Running => {
                task.becomes(TaskState::Running, "started", at);
                task.balanced = true;
                self.traffic(ground);
            }
            What::Died => self.died(ground, id, at),
            What::Ended(state) => self.ended(state, id, at),
        }
    }

    /// A task that is told to stop leaves the load balancer before it gets its stop signal.
    fn told_to_stop(&mut self, id: u32) {
        let Some(signal) = self.live.task(id).and_then(|now| now.signal) else { return };
        let drain = Offset::from_millis(2_000);
        let networked =
            self.templates[self.tasks[id as usize].template].interpreted.version.spec.networked;
        self.cue_at(if networked { signal - drain } else { signal }, id, Cue::Leaves);
        self.cue_at(signal, id, Cue::Signal);
    }

    fn cue(&mut self, ground: &mut Ground, id: u32, cue: Cue, at: Offset) {
        let Some(task) = self.tasks.get_mut(id as usize) else { return };
        match cue {
            Cue::Prepares if task.state == TaskState::Assigned => {
                task.becomes(TaskState::Preparing, "preparing", at);
            }
            Cue::Prepares => {}
            Cue::Listens => {
                if let Some(replica) = task.replica() {
                    replica.listen();
                    self.traffic(ground);
                }
            }
            Cue::Leaves => self.leaves(ground, id),
            Cue::Signal => {
                if let Some(replica) = task.replica().cloned() {
                    replica.stop();
                    self.container_event(ground, id, "kill", &json!({"signal": "15"}), at);
                    self.drains(&replica, id, at);
                }
            }
            Cue::Drained => {
                let Some(replica) = task.replica() else { return };
                let signal = self.live.task(id).and_then(|now| now.signal);
                let grace = self.templates[task.template].interpreted.version.spec.stop_grace;
                // Users bring their next request in their own time.
                let last = (LAST_REQUESTS * ground.time.speed()).min(grace * MOST_OF);
                if signal.is_some_and(|signal| (at - signal).as_secs_f64() >= last) {
                    replica.finish();
                }
                if replica.connections() == 0 {
                    let code = self.drained_code.remove(&id);
                    self.live.ends_at(id, at, code);
                } else {
                    self.cue_at(at + LOOK_EVERY, id, Cue::Drained);
                }
            }
        }
    }

    /// A program that finishes what it has in hand ends later, if it has anything.
    fn drains(&mut self, replica: &Replica, id: u32, at: Offset) {
        let Some(limit) = replica.drains_for().filter(|_| replica.connections() > 0) else {
            return;
        };
        let template = &self.templates[self.tasks[id as usize].template];
        let grace = Offset::from_secs_f64(template.interpreted.version.spec.stop_grace.trunc());
        // The app says so with exit code 1; SIGKILL comes first if the grace period is shorter.
        let (after, code) = if grace < limit { (grace, KILLED) } else { (limit, GAVE_UP) };
        let own = self.live.task(id).and_then(|now| now.exit_code);
        self.live.ends_at(id, at + after, Some(code));
        self.drained_code.insert(id, own.unwrap_or(0));
        self.cue_at(at + LOOK_EVERY, id, Cue::Drained);
    }

    fn started(&mut self, ground: &mut Ground, id: u32, at: Offset) {
        let (name, task_name) = (self.name().to_owned(), self.task_name(id as usize, ground));
        let (service, networks) = (self.id.clone(), self.body());
        let task = &mut self.tasks[id as usize];
        let manner = self.templates[task.template].interpreted.manner(task.slot);
        let Some(container) = &mut task.container else { return };
        container.started = Some(at);
        let host = container.id[..12].to_owned();
        let of = |name_of: &str| match name_of {
            "Task.Slot" => Some(task.slot.to_string()),
            "Task.ID" => Some(task.id.clone()),
            "Task.Name" => Some(task_name.clone()),
            "Service.Name" => Some(name.clone()),
            "Service.ID" => Some(service.clone()),
            "Node.Hostname" => Some(ground.node.hostname.clone()),
            "Node.ID" => Some(ground.node.id.clone()),
            _ => None,
        };
        let env = manner.env.iter().map(|(name, value)| (name.clone(), fill_in(value, &of)));
        let manner = Manner { env: env.collect(), ..manner.clone() };
        let listens = at + manner.listens_after;
        let networks = networks.networks().into_iter().map(str::to_owned).collect();
        let replica = Replica::start(
            Identity { task: task.id.clone(), host, networks },
            manner,
            task.address.unwrap_or(ground.addresses.own()),
            ground.time.speed(),
            Arc::clone(&ground.traffic),
            ground.deeds.clone(),
        );
        let log = Arc::new(ContainerLog::default());
        ground.logs.insert(container.id.clone(), Arc::clone(&log));
        match &replica.manner.kind {
            Kind::Prober(order) => agent::spawn(&replica, order, log),
            Kind::App { .. } => {
                let port = replica.manner.ports.first().copied().unwrap_or(0);
                log.print(
                    ground.time.wall(listens),
                    false,
                    format!("listening on 0.0.0.0:{port}\n"),
                );
            }
            Kind::Proxy(_) | Kind::Unknown => {}
        }
        container.replica = Some(replica);
        self.cue_at(listens, id, Cue::Listens);
        self.container_event(ground, id, "start", &json!({}), at);
        self.traffic(ground);
    }

    fn health(&mut self, ground: &mut Ground, id: u32, health: &'static str, at: Offset) {
        if let Some(container) = &mut self.tasks[id as usize].container {
            container.health = health;
        }
        self.container_event(ground, id, &format!("health_status: {health}"), &json!({}), at);
    }

    fn leaves(&mut self, ground: &mut Ground, id: u32) {
        self.tasks[id as usize].balanced = false;
        self.traffic(ground);
    }

    fn died(&mut self, ground: &mut Ground, id: u32, at: Offset) {
        let now = self.live.task(id);
        let killed = now.is_some_and(|now| now.killed);
        if killed {
            self.container_event(ground, id, "kill", &json!({"signal": "9"}), at);
        }
        let task = &mut self.tasks[id as usize];
        task.balanced = false;
        let Some(container) = &mut task.container else { return };
        let code = now.and_then(|now| now.exit_code).unwrap_or(0);
        container.ended = Some(at);
        container.exit_code = Some(code);
        if let Some(replica) = &container.replica {
            replica.ended();
        }
        if let Some(log) = ground.logs.get(&container.id) {
            log.end();
        }
        self.container_event(ground, id, "die", &json!({"exitCode": code.to_string()}), at);
        self.traffic(ground);
    }

    fn ended(&mut self, state: TaskState, id: u32, at: Offset) {
        let unhealthy = self.live.task(id).is_some_and(|now| now.signal.is_some());
        let template = &self.templates[self.tasks[id as usize].template];
        let image = template.task["ContainerSpec"]["Image"].as_str().unwrap_or_default().to_owned();
        let task = &mut self.tasks[id as usize];
        let message = match state {
            TaskState::Complete => "finished",
            TaskState::Shutdown => "shutdown",
            TaskState::Rejected => "preparing",
            _ => "started",
        };
        task.becomes(state, message, at);
        if state == TaskState::Failed {
            let code = task.container.as_ref().and_then(|container| container.exit_code);
            let cause = if unhealthy { ": dockerexec: unhealthy container" } else { "" };
            task.error = format!("task: non-zero exit ({}){cause}", code.unwrap_or(0));
        } else if state == TaskState::Rejected {
            task.error = format!("No such image: {image}");
        }
    }

    fn state(&mut self, ground: &mut Ground, step: StateStep) {
        let at = step.at;
        let before = self.status.as_ref().map_or(UpdateState::None, |status| status.state);
        let task = |index: u32| self.tasks.get(index as usize).map_or("", |task| task.id.as_str());
        let failed = "due to failure or early termination of task";
        let message = match (step.state, step.why) {
            (UpdateState::RollbackStarted, Why::Failed(id)) => {
                format!("update rolled back {failed} {}", task(id))
            }
            (_, Why::Failed(id)) => format!("update paused {failed} {}", task(id)),
            (UpdateState::RollbackCompleted, _) => "rollback completed".to_owned(),
            (UpdateState::Completed, _) => "update completed".to_owned(),
            _ => "update in progress".to_owned(),
        };
        let started = self.status.as_ref().and_then(|status| status.started).or(Some(at));
        let over = matches!(step.state, UpdateState::Completed | UpdateState::RollbackCompleted);
        self.status = Some(UpdateStatus {
            state: step.state,
            started,
            completed: over.then_some(at),
            message,
        });
        let mut attributes = json!({ "name": self.name() });
        if step.state == UpdateState::RollbackStarted
            && matches!(step.why, Why::Failed(_))
            && let Some(previous) = self.previous.take()
        {
            let broken = std::mem::replace(&mut self.spec, previous);
            attributes = changes(&broken, &self.spec);
        }
        self.changed(ground, at);
        attributes["updatestate.new"] = json!(step.state.as_str());
        if before != UpdateState::None {
            attributes["updatestate.old"] = json!(before.as_str());
        }
        ground.tell(at, "service", "update", &self.id, attributes);
    }

    /// Tells the load balancer which replicas there are.
    fn traffic(&self, ground: &Ground) {
        let replicas = |chosen: &dyn Fn(&TaskRecord) -> bool| {
            let tasks = self.tasks.iter().filter(|task| chosen(task));
            tasks.filter_map(TaskRecord::replica).cloned().collect()
        };
        let runs = |task: &TaskRecord| task.container.as_ref().is_some_and(Container::runs);
        ground.traffic.replicas(
            &self.id,
            replicas(&|task| task.balanced && runs(task)),
            replicas(&runs),
        );
    }
}

impl TaskRecord {
    /// Its process, if it runs.
    pub(super) fn replica(&self) -> Option<&Arc<Replica>> {
        let container = self.container.as_ref().filter(|container| container.runs())?;
        container.replica.as_ref()
    }
}

/// Why no node takes a task, as the scheduler says it on a swarm of one node.
fn no_node(reason: NoRoom) -> String {
    format!("no suitable node ({} on 1 node)", reason.as_str())
}
