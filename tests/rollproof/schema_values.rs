//! Records with every optional field, and with none. They name every field, without `..`: a new one does
//! not compile until it stands here, and then fails until `docs/schema` describes it.

use rollproof::Offset;
use rollproof::judge::Judgement;
use rollproof::record::{
    AllowedFailed, CheckRules, CheckSeen, Connection, ContainerAction, EndReason, Ending,
    EngineFacts, EntryFacts, EventKind, Expects, HeldEnd, LogLine, Losses, MachineLoad, Meta, Must,
    NegativeControl, NodeSeen, OtherChange, Outcome, Purpose, Route, Shot, SpecMatch, StackFacts,
    StreamFacts, TaskSeen, Tolerances, Unsent, UserLimits, WithdrawnPort,
};
use rollproof::stack::ProxyPolling;
use rollproof::swarm::{
    HealthCheck, Order, Replaces, Spec, SpecChange, TaskState, UpdatePolicy, UpdateState,
};

pub const AT: Offset = Offset::from_millis(1_500);

pub fn text() -> String {
    "text".to_owned()
}

/// Which of the optional fields are there: all or none.
#[derive(Debug, Clone, Copy)]
pub enum Optional {
    All,
    None,
}

impl Optional {
    pub fn of<T>(self, value: T) -> Option<T> {
        matches!(self, Self::All).then_some(value)
    }

    pub fn list<T>(self, value: T) -> Vec<T> {
        self.of(value).into_iter().collect()
    }

    pub fn is_set(self) -> bool {
        matches!(self, Self::All)
    }

    pub fn meta(self, former: &Judgement) -> Meta {
        Meta {
            schema_version: 1,
            run_id: text(),
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            tool_version: text(),
            command: text(),
            engine: self.engine(),
            stack: self.stack(),
            streams: vec![self.stream()],
            negative_control: NegativeControl::Planned,
            limits: self.limits(),
            against: self.of(former.as_former(Tolerances::default())),
            caveats: vec![text()],
        }
    }

    fn engine(self) -> EngineFacts {
        EngineFacts {
            version: text(),
            api: text(),
            kernel: text(),
            ipvs: true,
            nodes: 1,
            kind: text(),
            speed: self.of(4.0),
            clock_offset: AT,
        }
    }

    fn stack(self) -> StackFacts {
        let entry = EntryFacts {
            service: text(),
            replicas: self.of(1),
            host_port: true,
            moved: self.is_set(),
            order: Order::StopFirst,
        };
        let polling = ProxyPolling { proxy: text(), every_s: 15.0, dnsrr: true };
        StackFacts {
            name: text(),
            files: vec![text()],
            service: text(),
            replicas: 2,
            update_config: UpdatePolicy::default(),
            rollback_config: UpdatePolicy::default(),
            healthcheck: self.of(self.health_check()),
            healthcheck_off: self.is_set(),
            places: self.list((text(), text())).into_iter().collect(),
            entry: self.of(entry),
            own_url: self.of(text()),
            polling: self.of(polling),
            ports_moved: self.is_set(),
            stand_in: self.is_set(),
        }
    }

    fn health_check(self) -> HealthCheck {
        HealthCheck {
            test: vec![text()],
            interval: 1.0,
            timeout: 1.0,
            retries: 3,
            start_period: 1.0,
            start_interval: self.of(1.0),
        }
    }

    fn stream(self) -> StreamFacts {
        StreamFacts {
            name: text(),
            url: text(),
            rate_hz: 1.0,
            deadline: 1.0,
            takes: self.of(1.0),
            connection: Connection::Held,
            purpose: Purpose::Users,
            route: Route::Published,
            held: self.of(4),
            address: self.of(text()),
        }
    }

    pub fn limits(self) -> UserLimits {
        UserLimits {
            allow_failed: self.of(AllowedFailed::Requests(5)),
            allow_gap_s: self.of(AT),
            max_p99_s: self.of(AT),
            max_duration_s: self.of(AT),
            min_serving: self.of(1),
        }
    }

    pub fn must(self) -> Must {
        Must {
            outcome: Ending::Completed,
            states: self.list(UpdateState::Completed),
            lowest: self.of(1),
            losses: Losses::Some,
            cause: self.of(text()),
            replicas: self.of(1),
            within: self.of(AT),
            watch: self.of(AT),
        }
    }

    pub fn shot(self) -> Shot {
        let end = HeldEnd { since: AT, at: AT, clean: true, code: self.of(1001) };
        Shot {
            intended: AT,
            sent: self.of(AT),
            connected: self.of(AT),
            tls: self.of(AT),
            syn_resent: self.of(1),
            first_byte: self.of(AT),
            done: self.of(AT),
            to: self.of("to".into()),
            outcome: Outcome::Cut,
            unsent: self.of(Unsent::NoSlot),
            status: self.of(200),
            reused: self.is_set(),
            replica: self.of("replica".into()),
            slot: self.of(1),
            version: self.of("v1".into()),
            body: self.of("body".into()),
            line: self.of(0),
            end: self.of(end),
            back: self.of(AT),
        }
    }

    fn spec(self) -> Spec {
        Spec {
            replicas: 1,
            global: self.is_set(),
            update: UpdatePolicy::default(),
            rollback: UpdatePolicy::default(),
            health: self.of(self.health_check()),
            stop_grace: 10.0,
            restart: rollproof::swarm::RestartPolicy::default(),
            networked: true,
            host_ports: self.list(80),
            max_per_node: 1,
            constraints: self.list(text()),
            cpus: 0.5,
            memory: 1,
        }
    }

    /// Each kind of event; a test counts them.
    pub fn events(self) -> Vec<EventKind> {
        let specs =
            SpecChange { before: self.spec(), after: self.spec(), replaces: Replaces::Everything };
        let mut all = self.events_of_tasks();
        all.extend([
            EventKind::Phase { name: text(), text: text() },
            EventKind::ScenarioStarted {
                name: text(),
                expects: Expects::Update,
                service: text(),
                replicas: 1,
                generation: 1,
                change: text(),
            },
            EventKind::Declared(self.must()),
            EventKind::AlsoChanged(Box::new(OtherChange {
                facts: self.stack(),
                change: text(),
                replicas: 1,
                generation: 1,
                expects: self.of(Expects::Update),
                ends: true,
            })),
            EventKind::PortWithdrawn(WithdrawnPort {
                port: 80,
                service: text(),
                now: self.list(81),
            }),
            EventKind::Submitted {
                service: text(),
                generation: 1,
                replicas: self.of(1),
                specs: self.of(Box::new(specs)),
            },
            EventKind::OtherEnded { service: text(), spec: SpecMatch::Submitted },
            EventKind::ScenarioEnded {
                name: text(),
                spec: SpecMatch::Submitted,
                reason: EndReason::Deadline { text: text() },
            },
            EventKind::Service { service: text(), state: UpdateState::Updating, message: text() },
            EventKind::HealthCheckFailed {
                container: text(),
                task: text(),
                service: text(),
                failures: 3,
                exit_code: 1,
                output: text(),
            },
            EventKind::ObserverLost { text: text() },
            EventKind::ObserverResumed,
            EventKind::NegativeControlStarted { service: text() },
            EventKind::NegativeControlEnded { gave_up: self.of(text()) },
            EventKind::Machine(MachineLoad { busy: 1, stolen: 1, waiting: self.of(1) }),
            EventKind::Caveat { text: text() },
            EventKind::Node(NodeSeen {
                node: text(),
                hostname: text(),
                state: text(),
                availability: text(),
                manager: true,
                reachability: text(),
                message: text(),
            }),
            EventKind::RunFailed { text: text(), hints: self.list(text()) },
            EventKind::Interrupted,
        ]);
        all
    }

    fn events_of_tasks(self) -> Vec<EventKind> {
        let rules = CheckRules { interval: AT, timeout: AT, retries: 3, start_period: AT };
        vec![
            EventKind::Task(TaskSeen {
                task: text(),
                service: text(),
                slot: 1,
                node: text(),
                generation: 1,
                image: text(),
                state: TaskState::Running,
                desired: TaskState::Running,
                message: text(),
                error: text(),
                exit_code: self.of(1),
                container: text(),
                addresses: self.list(text()),
            }),
            EventKind::TaskGone { task: text() },
            EventKind::Container {
                container: text(),
                task: text(),
                service: text(),
                action: ContainerAction::Die,
                exit_code: self.of(1),
                signal: self.of(15),
            },
            EventKind::HealthCheck(CheckSeen {
                task: text(),
                after: AT,
                took: AT,
                exit_code: 1,
                streak: self.of(1),
                output: self.of(text()).unwrap_or_default(),
                rules: self.of(rules),
            }),
            EventKind::Log(LogLine {
                task: text(),
                text: text(),
                stderr: self.is_set(),
                left_out: self.of(1).unwrap_or(0),
            }),
        ]
    }
}
