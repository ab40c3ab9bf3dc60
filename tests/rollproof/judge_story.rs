//! Builds the record of a run from what a small made-up Swarm does.
#![expect(clippy::unwrap_used, reason = "a test that fails to prepare is a failed test")]

use rollproof::Offset;
use rollproof::judge::{Check, Judgement, Limits, ScenarioJudgement, Verdict};
use rollproof::record::{
    ContainerAction, EndReason, Event, EventKind, Expects, Outcome, Purpose, Route, Run, Shot,
    SpecMatch, StreamFacts, TaskSeen,
};
use rollproof::swarm::{HealthCheck, TaskState, UpdateState};

pub use crate::judge_stories::{
    GOOD_END, ROLLBACK_END, VERIFY_END, good_rollback, good_update, good_verify,
};
use crate::record_runs::{meta, ok_shot};

pub const SERVICE: &str = "demo_app";
pub const REPLICAS: u64 = 6;
/// When [`Story::scenario`] submits its change.
pub const SUBMIT: f64 = 10.0;

/// A run in the making; times are seconds of the run.
pub struct Story {
    pub run: Run,
    /// The tasks: id, container, when it begins and when it stops to answer.
    answering: Vec<(String, f64, f64)>,
    pub tasks: Vec<TaskSeen>,
}

fn secs(at: f64) -> Offset {
    Offset::from_secs_f64(at)
}

impl Story {
    /// Six replicas of generation 1 that have been running for a while.
    pub fn new(parallelism: u64) -> Self {
        let meta = meta(parallelism);
        let shots = meta.streams.iter().map(|stream| (stream.clone(), vec![])).collect();
        let run = Run { meta, events: vec![], shots, incomplete: None };
        let mut story = Self { run, answering: vec![], tasks: vec![] };
        for slot in 1..=REPLICAS {
            let id = story.add(slot, 1, -20.0);
            story.see(&id, -20.0, TaskState::Running, TaskState::Running);
            story.answers(&id, -20.0);
        }
        story
    }

    pub fn event(&mut self, at: f64, kind: EventKind) {
        // Tasks are polled: they are seen a little later.
        let late = if matches!(kind, EventKind::Task(_)) { 0.15 } else { 0.0 };
        self.run.events.push(Event { at: secs(at), seen: secs(at + late), kind });
    }

    /// A new task; its container's id begins with its id.
    pub fn add(&mut self, slot: u64, generation: u32, at: f64) -> String {
        let id = format!("{:06x}{:06x}", self.tasks.len() + 1, slot);
        self.tasks.push(TaskSeen {
            task: format!("task{id}"),
            service: SERVICE.to_owned(),
            slot,
            node: "node1".to_owned(),
            generation,
            image: format!("app:v{generation}"),
            state: TaskState::New,
            desired: TaskState::Ready,
            message: String::new(),
            error: String::new(),
            exit_code: None,
            container: format!("{id}{:052}", 0),
            addresses: vec![format!("10.0.1.{}", self.tasks.len() + 1)],
        });
        let id = format!("task{id}");
        self.see(&id, at, TaskState::Ready, TaskState::Ready);
        id
    }

    pub fn task(&mut self, id: &str) -> &mut TaskSeen {
        self.tasks.iter_mut().find(|task| task.task == id).unwrap()
    }

    pub fn see(&mut self, id: &str, at: f64, state: TaskState, desired: TaskState) {
        let task = self.task(id);
        (task.state, task.desired) = (state, desired);
        let task = task.clone();
        self.event(at, EventKind::Task(task));
    }

    pub fn container(&mut self, id: &str, at: f64, action: ContainerAction) {
        self.container_with(id, at, action, None, None);
    }

    fn container_with(
        &mut self,
        id: &str,
        at: f64,
        action: ContainerAction,
        exit_code: Option<i64>,
        signal: Option<i64>,
    ) {
        let container = self.task(id).container.clone();
        let (task, service) = (id.to_owned(), SERVICE.to_owned());
        self.event(
            at,
            EventKind::Container { container, task, service, action, exit_code, signal },
        );
    }

    /// Lets every task that was told to stop ignore its signal: it is killed `grace` seconds
    /// later, and its container ends 0.2 s after that.
    pub fn ignore_signals(&mut self, grace: f64) {
        let mut killed = vec![];
        for event in &mut self.run.events {
            match &event.kind {
                EventKind::Container { task, action: ContainerAction::Die, .. } => {
                    killed.push((task.clone(), event.at.as_secs_f64() + grace - 0.2));
                }
                EventKind::Task(task) if task.state == TaskState::Shutdown => {}
                _ => continue,
            }
            event.at = event.at + secs(grace);
            event.seen = event.seen + secs(grace);
        }
        for (task, at) in killed {
            self.container_with(&task, at, ContainerAction::Kill, None, Some(9));
        }
    }

    pub fn answers(&mut self, id: &str, from: f64) {
        let host_name = self.task(id).container[..12].to_owned();
        self.answering.push((host_name, from, f64::INFINITY));
    }

    /// The task that runs in this slot now.
    pub fn current(&self, slot: u64) -> String {
        let task = self.tasks.iter().rev().find(|task| {
            task.slot == slot
                && task.state == TaskState::Running
                && task.desired <= TaskState::Running
        });
        task.unwrap().task.clone()
    }

    /// Stops the slot's task as Swarm does: told, out of DNS, signal two seconds later, end.
    /// Returns when it has ended.
    pub fn stop(&mut self, slot: u64, at: f64) -> f64 {
        let id = self.current(slot);
        // A change of the desired state keeps the timestamp of the observed one.
        self.task(&id).desired = TaskState::Shutdown;
        let told = EventKind::Task(self.task(&id).clone());
        self.run.events.push(Event { at: secs(-20.0), seen: secs(at + 0.1), kind: told });
        self.container(&id, at + 3.1, ContainerAction::Kill);
        self.container(&id, at + 3.3, ContainerAction::Die);
        self.see(&id, at + 3.4, TaskState::Shutdown, TaskState::Shutdown);
        let host_name = self.task(&id).container[..12].to_owned();
        let answering = self.answering.iter_mut().find(|task| task.0 == host_name).unwrap();
        answering.2 = at + 1.1;
        at + 3.3
    }

    /// Starts a task in a slot; it is healthy a second later. Returns its id.
    pub fn start(&mut self, slot: u64, generation: u32, at: f64) -> String {
        let id = self.add(slot, generation, at - 0.5);
        self.see(&id, at, TaskState::Starting, TaskState::Running);
        self.container(&id, at + 0.2, ContainerAction::Start);
        self.container(&id, at + 1.0, ContainerAction::Healthy);
        self.see(&id, at + 1.0, TaskState::Running, TaskState::Running);
        self.answers(&id, at + 1.0);
        id
    }

    /// Starts a task in a slot that never gets healthy and fails four seconds later.
    pub fn start_broken(&mut self, slot: u64, generation: u32, at: f64) -> String {
        let id = self.add(slot, generation, at - 0.5);
        self.see(&id, at, TaskState::Starting, TaskState::Running);
        self.container(&id, at + 0.2, ContainerAction::Start);
        self.container(&id, at + 2.0, ContainerAction::Unhealthy);
        self.container(&id, at + 4.0, ContainerAction::Die);
        let task = self.task(&id);
        "task: non-zero exit (137): dockerexec: unhealthy container".clone_into(&mut task.error);
        task.exit_code = Some(137);
        self.see(&id, at + 4.0, TaskState::Failed, TaskState::Shutdown);
        id
    }

    /// The health check of a task's container fails for the third time.
    pub fn health_check_failed(&mut self, id: &str, at: f64) {
        let kind = EventKind::HealthCheckFailed {
            container: self.task(id).container.clone(),
            task: id.to_owned(),
            service: SERVICE.to_owned(),
            failures: 3,
            exit_code: 1,
            output: "wget: can't connect to remote host (127.0.0.1:1)".to_owned(),
        };
        self.event(at, kind);
    }

    /// Replaces a slot stop-first. Returns when the new task runs.
    pub fn replace(&mut self, slot: u64, generation: u32, at: f64) -> f64 {
        let ended = self.stop(slot, at);
        self.start(slot, generation, ended + 0.2);
        ended + 1.2
    }

    /// A scenario that submits generation 2 at [`SUBMIT`].
    pub fn scenario(&mut self, name: &str, expects: Expects) {
        self.event(
            5.0,
            EventKind::ScenarioStarted {
                name: name.to_owned(),
                expects,
                service: SERVICE.to_owned(),
                replicas: REPLICAS,
                generation: 1,
                change: "a new value of the environment variable ROLL".to_owned(),
            },
        );
        self.event(
            SUBMIT,
            EventKind::Submitted {
                service: SERVICE.to_owned(),
                generation: 2,
                replicas: None,
                specs: None,
            },
        );
    }

    pub fn state(&mut self, at: f64, state: UpdateState, message: &str) {
        let (service, message) = (SERVICE.to_owned(), message.to_owned());
        self.event(at, EventKind::Service { service, state, message });
    }

    pub fn end(&mut self, at: f64, spec: SpecMatch, reason: EndReason) {
        self.event(at, EventKind::ScenarioEnded { name: "update".to_owned(), spec, reason });
    }

    /// One more stream, without requests yet.
    pub fn stream(&mut self, name: &str, purpose: Purpose) {
        let facts = StreamFacts {
            held: None,
            address: None,
            name: name.to_owned(),
            purpose,
            route: route(name, purpose),
            ..self.run.meta.streams[0].clone()
        };
        self.run.meta.streams.push(facts.clone());
        self.run.shots.push((facts, vec![]));
    }

    /// 200 requests a second from 0 s to `until`, answered by the replicas in turn; `change`
    /// may make something else of each.
    pub fn shots(&mut self, until: f64, change: impl Fn(f64, &mut Shot)) {
        self.shots_of(0, until, change);
    }

    pub fn shots_of(&mut self, stream: usize, until: f64, change: impl Fn(f64, &mut Shot)) {
        let mut shots = vec![];
        let mut turn = 0;
        for index in 0.. {
            let at = f64::from(index) * 0.005;
            if at >= until {
                break;
            }
            let mut shot = ok_shot(at);
            turn += 1;
            let up: Vec<&str> = self
                .answering
                .iter()
                .filter(|task| task.1 <= at && at < task.2)
                .map(|task| task.0.as_str())
                .collect();
            if up.is_empty() {
                fail(&mut shot, Outcome::Proxy503, 0.002);
            } else {
                shot.replica = Some(up[turn % up.len()].into());
            }
            change(at, &mut shot);
            shots.push(shot);
        }
        self.run.shots[stream].1 = shots;
    }

    /// Ten requests a second to each task by itself, from its container's start to its end. It
    /// answers from 0.25 s after its start until it gets its signal.
    pub fn direct(&mut self, stream: usize, until: f64, change: impl Fn(f64, &str, &mut Shot)) {
        let mut shots = vec![];
        for task in &self.tasks {
            let of = |wanted: ContainerAction| {
                self.run.events.iter().find_map(|event| match &event.kind {
                    EventKind::Container { task: id, action, .. }
                        if *id == task.task && *action == wanted =>
                    {
                        Some(event.at.as_secs_f64())
                    }
                    _ => None,
                })
            };
            let start = of(ContainerAction::Start).unwrap_or(-20.0);
            let end = of(ContainerAction::Die).unwrap_or(until);
            let signal = of(ContainerAction::Kill).unwrap_or(end + 1.0);
            for index in 0.. {
                let at = f64::from(index) * 0.1;
                if at >= end.min(until) {
                    break;
                }
                if at < start {
                    continue;
                }
                let mut shot = ok_shot(at);
                shot.to = Some(task.addresses[0].as_str().into());
                shot.replica = Some(task.container[..12].into());
                if at < start + 0.25 || at > signal - 0.05 {
                    fail(&mut shot, Outcome::Refused, 0.001);
                }
                change(at, &task.task, &mut shot);
                shots.push(shot);
            }
        }
        shots.sort_by_key(|shot| shot.done);
        self.run.shots[stream].1 = shots;
    }

    /// The run with its events in the order in which they were seen.
    pub fn finish(mut self) -> Run {
        self.run.events.sort_by_key(|event| event.seen);
        self.run
    }
}

/// Makes a failed request of one, known after `after` seconds.
pub fn fail(shot: &mut Shot, outcome: Outcome, after: f64) {
    shot.outcome = outcome;
    shot.replica = None;
    shot.version = None;
    shot.done = Some(shot.intended + secs(after));
}

pub fn judge(run: &Run) -> Judgement {
    rollproof::judge::judge(run, &Limits::default())
}

pub fn check<'a>(scenario: &'a ScenarioJudgement, name: &str) -> &'a Check {
    scenario.checks.iter().find(|check| check.name == name).unwrap()
}

/// The names of the checks that do not hold.
pub fn broken(judgement: &Judgement) -> Vec<&str> {
    let checks = judgement.scenarios.iter().flat_map(|scenario| &scenario.checks);
    checks.filter(|check| check.verdict != Verdict::Pass).map(|check| check.name).collect()
}

pub fn assert_near(found: Option<Offset>, expected: f64) {
    let found = found.unwrap().as_secs_f64();
    assert!((found - expected).abs() < 0.001, "{found} is not {expected}");
}

pub fn nothing(_: f64, _: &mut Shot) {}

pub fn healthcheck() -> HealthCheck {
    HealthCheck {
        test: vec![],
        interval: 1.0,
        timeout: 1.0,
        retries: 2,
        start_period: 0.0,
        start_interval: None,
    }
}

/// The route of the streams that tests have: names in the overlay network begin with `overlay-`.
pub fn route(name: &str, purpose: Purpose) -> Route {
    match purpose {
        Purpose::Users if name.starts_with("overlay-") => Route::Overlay,
        Purpose::Users => Route::Published,
        Purpose::EachReplica => Route::Task,
        Purpose::Control | Purpose::NegativeControl => Route::Companion,
    }
}
