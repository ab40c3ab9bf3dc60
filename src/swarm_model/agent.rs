//! A node: preparing, starting, checking and stopping the container of a task (swarmkit `agent`,
//! moby `daemon/cluster/executor/container/controller.go`).

use super::behaviour::{Behaviour, KILLED, StartResult};
use super::health::health_course;
use super::queue::Due;
use super::task::{TaskId, What};
use super::world::World;
use crate::Offset;
use crate::swarm::TaskState;

/// The exit code of a container whose command cannot be run.
const NO_COMMAND: i32 = 127;

/// Containers that are to start within this time start together.
const LAUNCH: Offset = Offset::from_millis(20);

impl World<'_> {
    pub(super) fn behaviour(&self, id: TaskId) -> &Behaviour {
        let task = &self.tasks[id as usize];
        let behaviours = &self.input.version(task.version).behaviours;
        behaviours.of(u64::from(task.slot) + 1, u64::from(task.nth), self.input.seed)
    }

    /// The time between leaving the load balancer and the stop signal.
    fn drain(&self, id: TaskId) -> Offset {
        let networked = self.spec(self.tasks[id as usize].version).networked;
        if networked { self.input.hops.drain } else { Offset::ZERO }
    }

    /// The container exists, or cannot be made.
    pub(super) fn prepared(&mut self, id: TaskId) {
        match self.behaviour(id).start {
            StartResult::ImageMissing if !self.input.engine.rejects_missing_images() => return,
            StartResult::ImageMissing | StartResult::Rejected => {
                return self.end(id, TaskState::Rejected, Offset::ZERO);
            }
            StartResult::Starts | StartResult::CommandMissing => {}
        }
        self.tasks[id as usize].state = TaskState::Ready;
        self.log(id, What::Ready);
        if self.tasks[id as usize].desired == TaskState::Running {
            self.begin_start(id);
        }
    }

    /// The node knows that the task may start.
    pub(super) fn begin_start(&mut self, id: TaskId) {
        let task = &mut self.tasks[id as usize];
        // Otherwise the container is still being made, and starts when it is.
        if task.state != TaskState::Ready {
            return;
        }
        task.state = TaskState::Starting;
        let node = task.node;
        self.log(id, What::Starting);
        self.nodes.starts(node);
        self.plan_in(LAUNCH, id, Due::Launch);
    }

    /// Containers that start together slow each other down.
    pub(super) fn launch(&mut self, id: TaskId) {
        let others = self.nodes.starting(self.tasks[id as usize].node).saturating_sub(1);
        let hops = &self.input.hops;
        let crowd = Offset::from_nanos(hops.crowd.as_nanos().saturating_mul(i64::from(others)));
        self.plan_in((hops.start + crowd - LAUNCH).max(Offset::ZERO), id, Due::Started);
    }

    /// The container has started: the rest of its life is known unless it is told to stop.
    pub(super) fn started(&mut self, id: TaskId) {
        let node = self.tasks[id as usize].node;
        self.nodes.has_started(node);
        if self.behaviour(id).start == StartResult::CommandMissing {
            self.tasks[id as usize].exit_code = Some(NO_COMMAND);
            return self.end(id, TaskState::Failed, Offset::ZERO);
        }
        let now = self.now;
        self.tasks[id as usize].started = Some(now);
        self.log(id, What::Started);
        let version = self.tasks[id as usize].version;
        let exit = self.behaviour(id).exit;
        if let Some(exit) = exit {
            self.plan_in(exit.after, id, Due::Died);
        }
        let exits = exit.map_or(Offset::from_nanos(i64::MAX), |exit| exit.after);
        let Some(timings) = self.checks[version.index()] else {
            return self.runs(id);
        };
        let course = health_course(timings, self.behaviour(id), self.input.hops.check);
        for (time, due) in [(course.healthy, Due::Healthy), (course.unhealthy, Due::Unhealthy)] {
            if let Some(time) = time.filter(|time| *time < exits) {
                self.plan_in(time, id, due);
            }
        }
    }

    pub(super) fn healthy(&mut self, id: TaskId) {
        self.log(id, What::Healthy);
        self.runs(id);
    }

    fn runs(&mut self, id: TaskId) {
        self.tasks[id as usize].state = TaskState::Running;
        self.log(id, What::Running);
        self.report(id, Due::SeenRunning);
    }

    /// The node stops an unhealthy container by itself, with the same wait and the same signal.
    pub(super) fn unhealthy(&mut self, id: TaskId) {
        self.log(id, What::Unhealthy);
        self.tasks[id as usize].unhealthy = true;
        let signal = self.now + self.drain(id);
        self.signal_at(id, signal);
    }

    /// The stop signal comes at `signal`; the process ends by it or earlier by itself.
    fn signal_at(&mut self, id: TaskId, signal: Offset) {
        let version = self.tasks[id as usize].version;
        let grace = self.grace[version.index()];
        let behaviour = self.behaviour(id);
        let (after, code) = behaviour.stop.within(grace);
        let by_itself = behaviour.exit;
        self.replan(id);
        let task = &mut self.tasks[id as usize];
        let own_end = by_itself
            .zip(task.started)
            .map(|(exit, started)| (started + exit.after, exit.code))
            .filter(|(at, _)| *at < signal + after);
        let (died, code) = own_end.unwrap_or((signal + after, code));
        task.signal = (own_end.is_none_or(|(at, _)| at > signal)).then_some(signal);
        task.killed = own_end.is_none() && code == KILLED && after == grace;
        task.exit_code = Some(code);
        task.ending = true;
        let end = died.max(self.now);
        self.tasks[id as usize].dies = end;
        self.plan_at(end, id, Due::Died);
    }

    /// The process has ended.
    pub(super) fn died(&mut self, id: TaskId) {
        let own = self.behaviour(id).exit.map(|exit| exit.code);
        let now = self.now;
        let task = &mut self.tasks[id as usize];
        task.died = Some(now);
        if task.state.is_terminal() {
            // Nobody waits for it any more.
            return self.log(id, What::Died);
        }
        if task.exit_code.is_none() {
            task.exit_code = own;
        }
        let code = task.exit_code.unwrap_or(0);
        let state = match (task.is_wanted(), code) {
            (false, _) => TaskState::Shutdown,
            (true, 0) => TaskState::Complete,
            (true, _) => TaskState::Failed,
        };
        self.log(id, What::Died);
        self.end(id, state, self.input.hops.teardown);
    }

    /// The task will have its last state `after` this.
    fn end(&mut self, id: TaskId, state: TaskState, after: Offset) {
        self.replan(id);
        let task = &mut self.tasks[id as usize];
        task.ending = true;
        task.state = state;
        self.plan_in(after, id, Due::Ended);
    }

    pub(super) fn ended(&mut self, id: TaskId) {
        let state = self.tasks[id as usize].state;
        let task = &mut self.tasks[id as usize];
        (task.since, task.ended) = (self.now, true);
        self.log(id, What::Ended(state));
        self.report(id, Due::SeenEnd);
    }

    /// The manager wants the task to start.
    pub(super) fn start_on_node(&mut self, id: TaskId) {
        if self.tasks[id as usize].state == TaskState::Ready {
            self.plan_in(self.input.hops.deliver, id, Due::MayStart);
        }
    }

    /// The manager wants the task to stop. What the node is doing is cancelled first, which takes
    /// a second; then the container is stopped, or what was prepared is dropped.
    pub(super) fn stop_on_node(&mut self, id: TaskId) {
        let hops = &self.input.hops;
        let (now, drain) = (self.now, self.drain(id));
        let task = &self.tasks[id as usize];
        let told = now + hops.deliver;
        if task.ending {
            if task.unhealthy && !task.state.is_terminal() && task.dies > told {
                // Told to stop while it stops an unhealthy container, the node no longer waits for that:
                // the task has failed at once ("non-zero exit (-1): unhealthy container"; moby
                // `controller.Wait`, seen on 20.10.24).
                let (dies, deliver) = (task.dies, hops.deliver);
                self.end(id, TaskState::Failed, deliver);
                self.plan_at(dies, id, Due::Died);
            }
            return;
        }
        let dropped = match task.state {
            TaskState::Assigned if now < task.since + hops.deliver => told,
            TaskState::Assigned => told + hops.cancel,
            TaskState::Ready => told,
            TaskState::Starting | TaskState::Running => {
                if task.state == TaskState::Starting && task.started.is_none() {
                    let node = task.node;
                    self.nodes.has_started(node);
                }
                return self.signal_at(id, told + hops.cancel + drain);
            }
            // It has no node, or is still to get one.
            _ => return,
        };
        self.end(id, TaskState::Shutdown, dropped + drain - now);
    }
}
