//! A simulation as the events of a run.

use super::outcome::{End, Outcome, Why};
use super::task::{Step, What, Which};
use crate::Offset;
use crate::record::{ContainerAction, EndReason, Event, EventKind, Expects, SpecMatch, TaskSeen};
use crate::swarm::{TaskState, UpdateState};

/// SIGTERM and SIGKILL.
const SIGNALS: [i64; 2] = [15, 9];

/// The names in the events of a simulated run.
#[derive(Debug, Clone)]
pub struct Names {
    /// The service, with the stack's prefix.
    pub service: String,
    /// The scenario.
    pub scenario: String,
    /// What the scenario expects.
    pub expects: Expects,
    /// What is changed, in plain words.
    pub change: String,
    /// The images of the old and the new version.
    pub images: [String; 2],
}

impl Outcome {
    /// The events of a run that went like this, as the observer of a real run writes them. The
    /// request for the update is at `from`; the tasks that ran before it are seen just before.
    #[must_use]
    pub fn events(&self, names: &Names, from: Offset) -> Vec<Event> {
        let mut writer = Writer {
            outcome: self,
            names,
            from,
            seen: self.tasks.iter().enumerate().map(|(id, task)| seen(names, id, task)).collect(),
            events: Vec::new(),
        };
        writer.all();
        writer.events
    }
}

fn seen(names: &Names, id: usize, task: &super::TaskFacts) -> TaskSeen {
    TaskSeen {
        task: format!("simulated{id:016}"),
        service: names.service.clone(),
        slot: task.slot,
        node: String::new(),
        generation: generation(task.version),
        image: names.images[task.version.index()].clone(),
        state: TaskState::New,
        desired: TaskState::Running,
        message: "created".to_owned(),
        error: String::new(),
        exit_code: None,
        container: String::new(),
        addresses: Vec::new(),
    }
}

fn generation(version: Which) -> u32 {
    match version {
        Which::Old | Which::Other(_) => 1,
        Which::New => 2,
    }
}

struct Writer<'a> {
    outcome: &'a Outcome,
    names: &'a Names,
    from: Offset,
    seen: Vec<TaskSeen>,
    events: Vec<Event>,
}

impl Writer<'_> {
    fn all(&mut self) {
        let outcome = self.outcome;
        let begun = outcome.steps.partition_point(|step| step.at <= Offset::ZERO);
        for step in &outcome.steps[..begun] {
            self.step(step);
        }
        self.push(
            Offset::ZERO,
            EventKind::ScenarioStarted {
                name: self.names.scenario.clone(),
                expects: self.names.expects,
                service: self.names.service.clone(),
                replicas: outcome.replicas[0],
                generation: 1,
                change: self.names.change.clone(),
            },
        );
        self.push(
            Offset::ZERO,
            EventKind::Submitted {
                service: self.names.service.clone(),
                generation: 2,
                replicas: Some(outcome.replicas[1]),
                specs: None,
            },
        );
        for step in &outcome.steps[begun..] {
            self.step(step);
        }
        for state in &outcome.states {
            let message = self.message(state.state, state.why);
            let service = self.names.service.clone();
            self.push(state.at, EventKind::Service { service, state: state.state, message });
        }
        self.signals();
        self.events.sort_by_key(|event| event.at);
        let spec = match (outcome.spec, outcome.rolled_back()) {
            (Which::New, _) => SpecMatch::Submitted,
            (Which::Old | Which::Other(_), _) => SpecMatch::Previous,
        };
        let reason = match outcome.end {
            End::Rest => EndReason::Settled,
            End::Hangs => EndReason::Deadline { text: "the simulated update to end".to_owned() },
        };
        let name = self.names.scenario.clone();
        self.push(outcome.until, EventKind::ScenarioEnded { name, spec, reason });
    }

    fn push(&mut self, at: Offset, kind: EventKind) {
        let at = self.from + at;
        self.events.push(Event { at, seen: at, kind });
    }

    /// The engine's words for a state.
    fn message(&self, state: UpdateState, why: Why) -> String {
        match (state, why) {
            (UpdateState::RollbackStarted, Why::Failed(task)) => format!(
                "update rolled back due to failure or early termination of task {}",
                self.seen[task as usize].task
            ),
            (_, Why::Failed(task)) => format!(
                "update paused due to failure or early termination of task {}",
                self.seen[task as usize].task
            ),
            (UpdateState::RollbackCompleted, _) => "rollback completed".to_owned(),
            (UpdateState::Completed, _) => "update completed".to_owned(),
            _ => "update in progress".to_owned(),
        }
    }

    fn step(&mut self, step: &Step) {
        let facts = self.outcome.tasks[step.task as usize];
        let task = &mut self.seen[step.task as usize];
        let mut container = None;
        let mut status = |state: TaskState, message: &str| {
            task.state = state;
            message.clone_into(&mut task.message);
        };
        match step.what {
            What::Created | What::Wanted => task.desired = TaskState::Running,
            What::HeldBack => task.desired = TaskState::Ready,
            What::ToldToStop => task.desired = TaskState::Shutdown,
            What::Pending(reason) => {
                status(TaskState::Pending, "pending task scheduling");
                task.error = format!("no suitable node ({})", reason.as_str());
            }
            What::Assigned => {
                status(TaskState::Assigned, "scheduler assigned task to node");
                task.error.clear();
                task.node = format!("node{}", facts.node.unwrap_or(0));
            }
            What::Ready => {
                status(TaskState::Ready, "prepared");
                task.container = format!("{:064x}", u64::from(step.task) + 1);
                container = Some(ContainerAction::Create);
            }
            What::Starting => status(TaskState::Starting, "starting"),
            What::Started => container = Some(ContainerAction::Start),
            What::Healthy => container = Some(ContainerAction::Healthy),
            What::Unhealthy => container = Some(ContainerAction::Unhealthy),
            What::Running => status(TaskState::Running, "started"),
            What::Died => container = Some(ContainerAction::Die),
            What::Ended(state) => {
                task.exit_code = facts.exit_code.map(i64::from);
                let unhealthy = facts.signal.is_some() && state == TaskState::Failed;
                match state {
                    TaskState::Complete => status(state, "finished"),
                    TaskState::Shutdown => status(state, "shutdown"),
                    TaskState::Rejected => status(state, "preparing"),
                    _ => status(state, "started"),
                }
                if state == TaskState::Failed {
                    let code = facts.exit_code.unwrap_or(0);
                    let cause = if unhealthy { ": dockerexec: unhealthy container" } else { "" };
                    task.error = format!("task: non-zero exit ({code}){cause}");
                } else if state == TaskState::Rejected {
                    "cannot be started on the node".clone_into(&mut task.error);
                }
            }
        }
        let visible =
            !matches!(step.what, What::Started | What::Healthy | What::Unhealthy | What::Died);
        if let Some(action) = container {
            let exit_code = (action == ContainerAction::Die)
                .then_some(facts.exit_code.map(i64::from))
                .flatten();
            self.container(step.at, step.task, action, exit_code, None);
        }
        if visible {
            let task = self.seen[step.task as usize].clone();
            self.push(step.at, EventKind::Task(task));
        }
    }

    fn container(
        &mut self,
        at: Offset,
        task: u32,
        action: ContainerAction,
        exit_code: Option<i64>,
        signal: Option<i64>,
    ) {
        let seen = &self.seen[task as usize];
        let kind = EventKind::Container {
            container: format!("{:064x}", u64::from(task) + 1),
            task: seen.task.clone(),
            service: seen.service.clone(),
            action,
            exit_code,
            signal,
        };
        self.push(at, kind);
    }

    /// Stop signals, which are known only when the task's end is planned.
    fn signals(&mut self) {
        for (id, task) in (0..).zip(&self.outcome.tasks) {
            let Some(signal) = task.signal else { continue };
            self.container(signal, id, ContainerAction::Kill, None, Some(SIGNALS[0]));
            if let Some(died) = task.died.filter(|_| task.killed) {
                self.container(died, id, ContainerAction::Kill, None, Some(SIGNALS[1]));
            }
        }
    }
}
