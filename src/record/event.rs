//! The events of a run, in the order in which they were seen.

use serde::{Deserialize, Serialize};

use super::{CheckSeen, LogLine, Must, StackFacts, WithdrawnPort};
use crate::Offset;
use crate::swarm::{SpecChange, TaskState, UpdateState};

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened: the engine's own timestamp mapped onto the run's clock where the
    /// engine gives one, else the time it was seen.
    pub at: Offset,
    /// When rollproof saw it.
    pub seen: Offset,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum EventKind {
    /// A part of the run began.
    Phase {
        /// Short name: `deploy`, `baseline`, `update`, `broken-update`, `settle`, `clean-up`.
        name: String,
        /// One plain sentence for the reader.
        text: String,
    },
    /// A scenario began: the probes are running and the service is stable.
    ScenarioStarted {
        /// The scenario's name.
        name: String,
        /// What it expects.
        expects: Expects,
        /// The service under test, with the stack's prefix.
        service: String,
        /// The desired number of replicas.
        replicas: u64,
        /// The generation that is running.
        generation: u32,
        /// What the scenario will change, in plain words.
        change: String,
    },
    /// What the scenario that just began declares must happen; absent for those that are judged by
    /// what they expect alone.
    Declared(Must),
    /// Another service that the scenario's deployment changes or creates, beside the one under test.
    AlsoChanged(Box<OtherChange>),
    /// The scenario's deployment closes a port that users ask.
    PortWithdrawn(WithdrawnPort),
    /// The engine accepted the scenario's change.
    Submitted {
        /// The service.
        service: String,
        /// The generation of the submitted spec; equal to the running one when the task
        /// template did not change.
        generation: u32,
        /// The number of replicas that the submitted spec wants; absent for a service that is not
        /// replicated, and in records of version 0.1.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replicas: Option<u64>,
        /// What decides how the update goes, before and after; absent for a service that is created,
        /// and in records of version 0.1.0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        specs: Option<Box<SpecChange>>,
    },
    /// The end of a scenario for one of its other services; comes before that of the scenario.
    OtherEnded {
        /// The service.
        service: String,
        /// Which spec it has now.
        spec: SpecMatch,
    },
    /// A scenario ended: the service is stable again, or waiting for that timed out.
    ScenarioEnded {
        /// The scenario's name.
        name: String,
        /// Which spec the service has now.
        spec: SpecMatch,
        /// Why it ended.
        reason: EndReason,
    },
    /// The service's update state changed.
    Service {
        /// The service.
        service: String,
        /// The new state.
        state: UpdateState,
        /// The engine's message.
        message: String,
    },
    /// A task appeared or changed.
    Task(TaskSeen),
    /// A task disappeared from the engine's list, which keeps a short history.
    TaskGone {
        /// The task's id.
        task: String,
    },
    /// A container event. These arrive within milliseconds, whereas tasks are polled.
    Container {
        /// Full container id.
        container: String,
        /// The task it belongs to.
        task: String,
        /// The service it belongs to.
        service: String,
        /// What happened to it.
        action: ContainerAction,
        /// Exit code, for `die`.
        exit_code: Option<i64>,
        /// Signal number, for `kill`.
        signal: Option<i64>,
    },
    /// A health check ran in a container.
    HealthCheck(CheckSeen),
    /// A container of the service under test printed a line.
    Log(LogLine),
    /// The last failed health check of a container that became unhealthy.
    HealthCheckFailed {
        /// Full container id.
        container: String,
        /// The task it belongs to.
        task: String,
        /// The service it belongs to.
        service: String,
        /// Failed checks in a row.
        failures: u64,
        /// The last check's exit code; -1 if it timed out.
        exit_code: i64,
        /// The end of the last check's output, on one line.
        output: String,
    },
    /// The engine stopped responding: what happens until [`EventKind::ObserverResumed`] is unknown.
    ObserverLost {
        /// The reason, and what was missed.
        text: String,
    },
    /// The engine responds again.
    ObserverResumed,
    /// The self-test began: its target received an update that is built to lose requests.
    NegativeControlStarted {
        /// The self-test's target.
        service: String,
    },
    /// The self-test ended: its target responds again, or waiting for that timed out.
    NegativeControlEnded {
        /// What it was still waiting for, if it timed out.
        gave_up: Option<String>,
    },
    /// How busy this machine was since the previous event of this kind, about a second ago.
    Machine(MachineLoad),
    /// Something the reader of the verdict needs to know.
    Caveat {
        /// One plain sentence.
        text: String,
    },
    /// A node of the swarm appeared or changed.
    Node(NodeSeen),
    /// Something ended the run before it was over: the stack does not converge, the service does
    /// not answer, the engine refuses a change.
    RunFailed {
        /// What it is, with its direct cause.
        text: String,
        /// What the user can do about it.
        hints: Vec<String>,
    },
    /// The user asked the run to stop.
    Interrupted,
}

impl EventKind {
    /// The task that an event of a container is about.
    #[must_use]
    pub fn container_task(&self) -> Option<&str> {
        match self {
            Self::Container { task, .. } | Self::HealthCheckFailed { task, .. } => Some(task),
            Self::HealthCheck(check) => Some(&check.task),
            Self::Log(line) => Some(&line.task),
            _ => None,
        }
    }
}

/// Another service that a scenario's deployment changes or creates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherChange {
    /// What is known of it, with the settings that it is given.
    pub facts: StackFacts,
    /// What is changed, in plain words.
    pub change: String,
    /// The number of replicas that it had, and has again after a rollback.
    pub replicas: u64,
    /// The generation that is running; 0 for one that is created.
    pub generation: u32,
    /// What Swarm must do with it; absent if either may happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expects: Option<Expects>,
    /// Whether its tasks are there to end: a job, or one whose tasks are not always restarted.
    pub ends: bool,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerAction {
    /// Created.
    Create,
    /// Started.
    Start,
    /// It became healthy.
    Healthy,
    /// It became unhealthy: too many health checks failed in a row.
    Unhealthy,
    /// It received a signal.
    Kill,
    /// Its main process ended.
    Die,
    /// It ran out of memory.
    Oom,
    /// Removed.
    Destroy,
}

/// Which spec a service has when a scenario ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecMatch {
    /// The submitted one.
    Submitted,
    /// The one from before the scenario.
    Previous,
    /// Neither: something else changed the service.
    Other,
    /// It could not be read.
    Unknown,
}

/// Why a scenario ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum EndReason {
    /// The service was stable for the whole settling time.
    Settled,
    /// The deadline passed.
    Deadline {
        /// What the run was waiting for.
        text: String,
    },
    /// The user stopped it.
    Interrupted,
    /// The engine stopped responding.
    EngineLost {
        /// The last error.
        text: String,
    },
    /// Something else ended the run.
    Failed {
        /// The error.
        text: String,
    },
}

/// What a scenario expects Swarm to do with the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expects {
    /// In the end, every replica runs the new version.
    Update,
    /// The update fails and Swarm rolls back to the previous version.
    Rollback,
    /// Swarm replaces nothing.
    NoChange,
    /// None of these: [`EventKind::Declared`] says what.
    Declared,
}

/// How busy this machine was for about a second, in thousandths of its processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Processor time in use, by any process.
    pub busy: u16,
    /// Processor time that the hypervisor gave to other guests.
    pub stolen: u16,
    /// Share of the time in which at least one process was waiting for a processor (`some` in
    /// `/proc/pressure/cpu`); absent if the kernel does not report it.
    pub waiting: Option<u16>,
}

/// One task as the observer saw it. Written each time the task changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSeen {
    /// The task's id.
    pub task: String,
    /// The service's name, with the stack's prefix.
    pub service: String,
    /// The replica number, from 1; 0 for a task of a global service.
    pub slot: u64,
    /// The node's id, empty while it has none.
    pub node: String,
    /// The version of the service's task template that it was made from: numbered from 1 in
    /// the order in which this run saw them.
    pub generation: u32,
    /// The image as written in the spec.
    pub image: String,
    /// Observed state.
    pub state: TaskState,
    /// Desired state.
    pub desired: TaskState,
    /// The engine's message about the state, such as `started`.
    pub message: String,
    /// The engine's error text, empty if none.
    pub error: String,
    /// The container's exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The container's full id, empty while it has none.
    pub container: String,
    /// Its addresses in the swarm's networks, without prefix lengths; empty while it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

/// One node of the swarm as the observer saw it, written whenever something of it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSeen {
    /// The node's id.
    pub node: String,
    /// Its host name.
    pub hostname: String,
    /// The engine's word for its state: `ready`, `down`, `unknown` or `disconnected`.
    pub state: String,
    /// The operator's wish: `active`, `pause` or `drain`.
    pub availability: String,
    /// Whether it is a manager.
    pub manager: bool,
    /// For a manager: `reachable` or `unreachable`, else empty.
    pub reachability: String,
    /// The engine's message on the state, such as `heartbeat failure`.
    pub message: String,
}
