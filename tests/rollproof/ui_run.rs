//! A made-up run as the observer and the probes report it, for the tests of the terminal:
//! six replicas, a good stop-first update with parallelism 2, then a broken one that Swarm
//! rolls back. Its times are those that swarmkit's waits give.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use rollproof::Offset;
use rollproof::record::{
    Connection, ContainerAction, EndReason, Event, EventKind, Expects, Outcome, Purpose, Route,
    Shot, Sink, SpecMatch, StackFacts, StreamFacts, TaskSeen,
};
use rollproof::swarm::{FailureAction, HealthCheck, Order, TaskState, UpdatePolicy, UpdateState};
use rollproof::ui::Screen;

/// The service under test.
const SERVICE: &str = "demo_app";
/// Milliseconds between two requests.
const EVERY: i64 = 10;

/// What happens, in order of time.
#[derive(Default)]
pub struct Run {
    events: BTreeMap<(i64, usize), EventKind>,
    /// From when to when which requests go how.
    failing: Vec<(i64, i64, Outcome)>,
    probing: Vec<(i64, i64)>,
    /// From when to when the self-test loses one request in three.
    self_test: (i64, i64),
    /// When it is over, in milliseconds.
    pub end: i64,
}

/// The settings of the run's stack.
pub fn facts() -> StackFacts {
    let policy = |failure_action: FailureAction| UpdatePolicy {
        parallelism: 2,
        delay: 2.0,
        failure_action,
        monitor: 5.0,
        max_failure_ratio: 0.0,
        order: Order::StopFirst,
    };
    StackFacts {
        name: "demo".into(),
        files: vec!["stack.yml".into()],
        service: SERVICE.into(),
        replicas: 6,
        update_config: policy(FailureAction::Rollback),
        rollback_config: policy(FailureAction::Pause),
        healthcheck: Some(HealthCheck {
            test: vec!["CMD".into(), "app".into(), "health".into()],
            interval: 2.0,
            timeout: 1.0,
            retries: 3,
            start_period: 0.0,
            start_interval: None,
        }),
        places: std::collections::BTreeMap::new(),
        entry: None,
        healthcheck_off: false,
        own_url: None,
        polling: None,
        ports_moved: false,
        stand_in: false,
    }
}

impl Run {
    /// The good update and the broken one.
    pub fn update_and_rollback() -> Self {
        let mut run = Self::default();
        run.phase(0, "deploy", "deploying stack demo");
        for slot in 1..=6 {
            let id = format!("first{slot}");
            run.task(300, &id, slot, 1, TaskState::Preparing, TaskState::Running);
            run.task(700, &id, slot, 1, TaskState::Starting, TaskState::Running);
            run.task(3_000, &id, slot, 1, TaskState::Running, TaskState::Running);
        }
        run.phase(3_500, "negative-control", "an update built to lose requests");
        let service = "demo_rollproof-negative".to_owned();
        run.add(3_600, EventKind::NegativeControlStarted { service });
        run.add(5_000, EventKind::NegativeControlEnded { gave_up: None });
        run.self_test = (3_600, 5_000);
        run.phase(5_000, "baseline", "measuring before the change");
        run.scenario(6_000, "update", Expects::Update, 1, "--image app:v2");
        run.service(6_200, UpdateState::Updating, "update in progress");
        for (wave, slots) in [[3, 5], [1, 6], [2, 4]].into_iter().enumerate() {
            let start = 6_200 + i64::try_from(wave).unwrap() * 8_500;
            for slot in slots {
                run.replace(start, slot, ("first", 1), ("good", 2));
            }
        }
        run.fails(9_300, 9_700, Outcome::Reset);
        run.service(36_700, UpdateState::Completed, "update completed");
        run.ended(39_000, "update", SpecMatch::Submitted);
        run.phase(39_000, "settle", "measuring 3 s after the change");
        run.probing.push((5_000, 42_000));

        run.scenario(42_000, "broken-update", Expects::Rollback, 2, "--health-cmd \"exit 1\"");
        run.service(42_200, UpdateState::Updating, "update in progress");
        for slot in [4, 1] {
            run.break_down(42_200, slot);
        }
        let trigger = "update rolled back due to failure or early termination of task bad4";
        run.service(54_400, UpdateState::RollbackStarted, trigger);
        for slot in [4, 1] {
            let id = format!("back{slot}");
            run.task(54_500, &id, slot, 2, TaskState::Preparing, TaskState::Running);
            run.task(54_900, &id, slot, 2, TaskState::Starting, TaskState::Running);
            run.task(57_200, &id, slot, 2, TaskState::Running, TaskState::Running);
        }
        run.service(64_200, UpdateState::RollbackCompleted, "rollback completed");
        run.ended(67_000, "broken-update", SpecMatch::Previous);
        run.phase(67_000, "settle", "measuring 3 s after the change");
        run.probing.push((42_000, 70_000));
        run.phase(70_000, "clean-up", "removing the stack demo");
        run.end = 72_000;
        run
    }

    /// Everything up to `until` milliseconds, with ticks as the driver gives them.
    /// `between` is called after each tick with the time.
    pub fn play(&self, screen: &mut Screen, until: i64, mut between: impl FnMut(&mut Screen, i64)) {
        Sink::stack(screen, &facts()).unwrap();
        Sink::streams(
            screen,
            &[stream("proxy", Purpose::Users), stream("lossy", Purpose::NegativeControl)],
        )
        .unwrap();
        let mut events = self.events.iter().peekable();
        for now in (0..=until.min(self.end)).step_by(usize::try_from(EVERY).unwrap()) {
            while let Some(((at, _), kind)) = events.next_if(|((at, _), _)| *at <= now) {
                let at = Offset::from_millis(*at);
                screen.event(&Event { at, seen: at, kind: kind.clone() });
            }
            if self.probing.iter().any(|(from, to)| (*from..*to).contains(&now)) {
                Sink::shot(screen, 0, &self.shot(now)).unwrap();
            }
            if (self.self_test.0..self.self_test.1).contains(&now) {
                let mut shot = self.shot(now);
                shot.outcome = if now % 30 == 0 { Outcome::Refused } else { Outcome::Ok };
                Sink::shot(screen, 1, &shot).unwrap();
            }
            if now % 70 == 0 {
                screen.tick(Offset::from_millis(now));
                between(screen, now);
            }
        }
    }

    fn shot(&self, due: i64) -> Shot {
        let failing = self.failing.iter().find(|(from, to, _)| (*from..*to).contains(&due));
        Shot {
            intended: Offset::from_millis(due),
            sent: Some(Offset::from_millis(due)),
            tls: None,
            syn_resent: None,
            connected: None,
            first_byte: None,
            done: Some(Offset::from_millis(due + 4)),
            outcome: failing.map_or(Outcome::Ok, |(_, _, outcome)| *outcome),
            unsent: None,
            status: None,
            reused: false,
            replica: None,
            slot: None,
            version: None,
            body: None,
            to: None,
            line: None,
            end: None,
            back: None,
        }
    }

    /// Stop-first: the new task is prepared while the old one stops.
    fn replace(&mut self, at: i64, slot: u64, old: (&str, u32), new: (&str, u32)) {
        use TaskState::{Preparing, Ready, Running, Shutdown, Starting};
        let (old_id, new_id) = (format!("{}{slot}", old.0), format!("{}{slot}", new.0));
        self.task(at, &new_id, slot, new.1, Preparing, Ready);
        self.task(at, &old_id, slot, old.1, Running, Shutdown);
        self.task(at + 600, &new_id, slot, new.1, Ready, Ready);
        self.task(at + 3_500, &old_id, slot, old.1, Shutdown, Shutdown);
        self.task(at + 3_600, &new_id, slot, new.1, Ready, Running);
        self.task(at + 3_800, &new_id, slot, new.1, Starting, Running);
        self.task(at + 6_400, &new_id, slot, new.1, Running, Running);
    }

    /// A replacement that never becomes healthy.
    fn break_down(&mut self, at: i64, slot: u64) {
        use TaskState::{Failed, Preparing, Ready, Running, Shutdown, Starting};
        let (old, new) = (format!("good{slot}"), format!("bad{slot}"));
        self.task(at, &new, slot, 3, Preparing, Ready);
        self.task(at, &old, slot, 2, Running, Shutdown);
        self.task(at + 600, &new, slot, 3, Ready, Ready);
        self.task(at + 3_500, &old, slot, 2, Shutdown, Shutdown);
        self.task(at + 3_800, &new, slot, 3, Starting, Running);
        let (container, service) = ("c".to_owned(), SERVICE.to_owned());
        let (action, exit_code, signal) = (ContainerAction::Unhealthy, None, None);
        let (task, id) = (new.clone(), container.clone());
        let unhealthy = EventKind::Container {
            container,
            task,
            service: service.clone(),
            action,
            exit_code,
            signal,
        };
        self.add(at + 9_900, unhealthy);
        let check = EventKind::HealthCheckFailed {
            container: id,
            task: new.clone(),
            service,
            failures: 3,
            exit_code: 1,
            output: "wget: can't connect to remote host (127.0.0.1:1)".into(),
        };
        self.add(at + 9_950, check);
        let mut failed = seen(&new, slot, 3, Failed, Shutdown);
        failed.exit_code = Some(143);
        failed.error = "task: non-zero exit (143): dockerexec: unhealthy container".into();
        self.add(at + 12_100, EventKind::Task(failed));
    }

    fn add(&mut self, at: i64, kind: EventKind) {
        self.events.insert((at, self.events.len()), kind);
    }

    fn phase(&mut self, at: i64, name: &str, text: &str) {
        self.add(at, EventKind::Phase { name: name.into(), text: text.into() });
    }

    fn task(
        &mut self,
        at: i64,
        id: &str,
        slot: u64,
        generation: u32,
        state: TaskState,
        desired: TaskState,
    ) {
        self.add(at, EventKind::Task(seen(id, slot, generation, state, desired)));
    }

    /// A scenario begins, and the engine takes its change at once.
    fn scenario(&mut self, at: i64, name: &str, expects: Expects, generation: u32, change: &str) {
        self.phase(at, name, &format!("rolling out a change: {change}"));
        let (name, change, service) = (name.into(), change.into(), SERVICE.into());
        let replicas = 6;
        let kind =
            EventKind::ScenarioStarted { name, expects, service, replicas, generation, change };
        self.add(at, kind);
        let (service, generation) = (SERVICE.to_owned(), generation + 1);
        self.add(at, EventKind::Submitted { service, generation, replicas: None, specs: None });
    }

    fn service(&mut self, at: i64, state: UpdateState, message: &str) {
        let (service, message) = (SERVICE.into(), message.into());
        self.add(at, EventKind::Service { service, state, message });
    }

    fn ended(&mut self, at: i64, name: &str, spec: SpecMatch) {
        let (name, reason) = (name.into(), EndReason::Settled);
        self.add(at, EventKind::ScenarioEnded { name, spec, reason });
    }

    fn fails(&mut self, from: i64, to: i64, outcome: Outcome) {
        self.failing.push((from, to, outcome));
    }
}

fn seen(id: &str, slot: u64, generation: u32, state: TaskState, desired: TaskState) -> TaskSeen {
    TaskSeen {
        task: id.into(),
        service: SERVICE.into(),
        slot,
        node: "node1".into(),
        generation,
        image: format!("app:v{}", generation.min(2)),
        state,
        desired,
        message: String::new(),
        error: String::new(),
        exit_code: None,
        container: String::new(),
        addresses: vec![],
    }
}

fn stream(name: &str, purpose: Purpose) -> StreamFacts {
    StreamFacts {
        held: None,
        address: None,
        name: name.into(),
        url: "http://127.0.0.1:8080/".into(),
        rate_hz: 100.0,
        deadline: 1.0,
        takes: None,
        connection: Connection::Fresh,
        purpose,
        route: Route::Published,
    }
}
