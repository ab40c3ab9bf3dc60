//! The events of a run, in the order in which they were seen.

use serde::{Deserialize, Serialize};

use crate::Offset;
use crate::swarm::{TaskState, UpdateState};

/// One line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it happened: the engine's own timestamp mapped onto the run's clock where the
    /// engine gives one, else the time it was seen.
    pub at: Offset,
    /// When this program saw it.
    pub seen: Offset,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum EventKind {
    /// A part of the run began; the text is a plain sentence for people.
    Phase {
        /// Short name: `deploy`, `baseline`, `update`, `broken-update`, `settle`, `clean-up`.
        name: String,
        /// One plain sentence.
        text: String,
    },
    /// A scenario began: probing is on and the service is at rest.
    ScenarioStarted {
        /// The scenario's name.
        name: String,
        /// What it expects.
        expects: Expects,
        /// The service under test, with the stack's prefix.
        service: String,
        /// How many replicas are wanted.
        replicas: u64,
        /// The generation that runs now.
        generation: u32,
        /// What will be changed, in plain words.
        change: String,
    },
    /// The engine accepted the scenario's change.
    Submitted {
        /// The service.
        service: String,
        /// The generation of the submitted spec; equal to the running one when the task
        /// template did not change.
        generation: u32,
    },
    /// A scenario ended: the service is at rest again, or the wait for that was given up.
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
    /// A task vanished from the engine's list (history is short).
    TaskGone {
        /// The task's id.
        task: String,
    },
    /// A container's own event: these come within milliseconds, tasks are polled.
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
    /// What the health check of a container said when the container was called unhealthy.
    HealthCheckFailed {
        /// Full container id.
        container: String,
        /// The task it belongs to.
        task: String,
        /// The service it belongs to.
        service: String,
        /// Failed checks in a row.
        failures: u64,
        /// The last check's exit code; -1 if it ran into its time limit.
        exit_code: i64,
        /// The end of the last check's output, in one line.
        output: String,
    },
    /// The engine could not be asked for a while; what happened then is unknown.
    ObserverLost {
        /// Why, and what was lost.
        text: String,
    },
    /// The engine answers again.
    ObserverResumed,
    /// An update that is known to lose requests was submitted for a service of this program's
    /// own.
    NegativeControlStarted {
        /// That service.
        service: String,
    },
    /// That update is over and the service answers again, or the wait for that was given up.
    NegativeControlEnded {
        /// What was still being waited for, if it was given up.
        gave_up: Option<String>,
    },
    /// How busy this machine was since the last such event, about a second ago.
    Machine(MachineLoad),
    /// Something a reader of the verdict has to know.
    Caveat {
        /// One plain sentence.
        text: String,
    },
    /// The user asked the run to stop.
    Interrupted,
}

/// What happened to a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContainerAction {
    /// Created.
    Create,
    /// Started.
    Start,
    /// Its health check succeeded for the first time, or again.
    Healthy,
    /// Its health check failed often enough.
    Unhealthy,
    /// A signal was sent.
    Kill,
    /// Its main process ended.
    Die,
    /// Its memory ran out.
    Oom,
    /// Removed.
    Destroy,
}

/// Which spec a service has at the end of a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpecMatch {
    /// The submitted one.
    Submitted,
    /// The one from before the scenario.
    Previous,
    /// Neither: somebody else changed the service.
    Other,
    /// It could not be read.
    Unknown,
}

/// Why a scenario ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum EndReason {
    /// The service came to rest and stayed there for the settling time.
    Settled,
    /// The deadline passed; the text says what was being waited for.
    Deadline {
        /// What was being waited for.
        text: String,
    },
    /// The user stopped it.
    Interrupted,
    /// The engine was lost.
    EngineLost {
        /// The last error.
        text: String,
    },
}

/// What a scenario expects Swarm to do with the submitted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expects {
    /// Every replica runs the new version in the end.
    Update,
    /// The update fails and Swarm returns to the previous version by itself.
    Rollback,
    /// Nothing is replaced.
    NoChange,
}

/// How busy this machine was for about a second, in thousandths of its processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Processor time that was used, by whomever.
    pub busy: u16,
    /// Processor time that the hypervisor gave to others.
    pub stolen: u16,
    /// Share of the time in which something that could run had to wait for a processor
    /// (`some` in `/proc/pressure/cpu`); absent where the kernel does not tell.
    pub waiting: Option<u16>,
}

/// One task as the observer saw it, written whenever anything of it changed.
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
    /// Which version of the service's task template it was made from: numbered from 1 in the
    /// order in which this run met them.
    pub generation: u32,
    /// The image as written, for people.
    pub image: String,
    /// Observed state.
    pub state: TaskState,
    /// Desired state.
    pub desired: TaskState,
    /// The engine's word on the state, such as `started`.
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
