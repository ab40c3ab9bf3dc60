//! What to do where no single setting of the stack helps: the one wording of each remedy.

use super::cause::Cause;

/// For tasks that are asked before they can answer.
pub(super) const HEALTHCHECK: &str = "give the service a `healthcheck` that succeeds only when the program \
    can answer: without one Swarm sends requests as soon as the container has started";

/// For tasks that Swarm wants beyond the replicas.
pub(super) const LEFTOVER: &str = "`docker service update --force` makes Swarm count again: a restart and \
    the rollback can each make a task for the same slot";

/// Where Swarm's own reasons stand.
pub(super) const TASK_ERRORS: &str = "look at the tasks' errors: `docker service ps --no-trunc`";

/// For a measurement that a busy machine spoilt.
pub(super) const FREE_MACHINE: &str =
    "run again on a machine with more free processor time, or at a lower rate";

/// For a service that is not sound without any update.
pub(super) const SOUND_FIRST: &str =
    "make the service answer every request at rest first, then test its updates";

/// For a measurement with too few requests.
pub(super) const MORE_REQUESTS: &str = "probe at a higher rate, or for longer";

/// For a service that answers slower than it is asked.
pub(super) const SLOWER: &str = "lower the rate: the service answers fewer requests than are sent";

/// For a machine without sockets.
pub(super) const MORE_SOCKETS: &str =
    "raise the limit of open files (`ulimit -n`), or lower the rate";

/// For a replica that has not answered often enough.
pub(super) const ALL_REPLICAS: &str =
    "probe at a higher rate or for longer, and let the proxy use all replicas";

/// For responses that the service cannot have sent.
pub(super) const SAY_WHO_ANSWERS: &str = "send the name that the proxy routes by, with --url, or \
    describe what a good response looks like, with --expect-status, --expect-body or --expect-header";

/// For a node that was lost.
pub(super) const NODE: &str = "find out why the node was lost (`docker node ls`); Swarm needs up to \
    20 s to notice, so let the proxy check its upstreams itself and retry on another replica";

/// For an update that waits for the tasks of a lost node. The updater goes on when such a task reports:
/// measured on 20.10.24, a node that came back after 2 minutes let it go on at once, and roll back.
pub(super) const NODE_HOLDS: &str = "start the update again (`docker service update --force`): Swarm \
    does not go on before the node is back, and then counts what failed there as a failure of the update";

/// For a node that was drained.
pub(super) const DRAINED: &str = "before you drain a node, let the service have enough replicas on \
    other nodes: Swarm stops all tasks of a drained node at once, whatever `order` and \
    `parallelism` say";

/// For replicas that answer wrongly though they are healthy.
pub(super) const WRONG_ANSWER: &str = "make the `healthcheck` ask for what users get: the tasks pass \
    it and answer users wrongly";

/// For an engine that did not respond.
pub(super) const STEADY_ENGINE: &str = "run again while the engine stays up";

/// For a hypervisor that takes processors away.
pub(super) const OWN_PROCESSORS: &str = "run again on a machine that has its processors to itself";

/// For tasks that a busy machine failed.
pub(super) const TIME_FOR_TASKS: &str =
    "run again on a machine with more free processor time, or with longer health check timeouts";

/// For a clock that was set.
pub(super) const STEADY_CLOCK: &str = "run again while nothing sets the clock";

/// For a service that fails at rest after the scenario.
pub(super) const RESTLESS: &str =
    "look at the service and at the machine: something fails without any update";

/// For a self-test that proves nothing.
pub(super) const SELF_TEST: &str = "run again while the machine is free; `--no-self-test` \
    skips the self-test, and the report says so";

/// For a run that ended before anything was asked.
pub(super) const NOT_BEGUN: &str = "see to it that the stack runs: nothing was asked yet";

impl Cause {
    /// What to change, if anything can be said whatever the stack's settings are.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::NoHealthyReplica | Self::HeldByProxy => {
                "set `update_config.parallelism` to a third of the replicas or less, or \
                 `update_config.order: start-first`, and give the service a `healthcheck`"
            }
            Self::SentToStoppingTask => {
                "make the proxy or client drop a stopped task within the 2 s that Swarm gives it \
                 (a short DNS refresh, or the service's virtual address), let it retry on another \
                 replica, or keep answering for some seconds after SIGTERM"
            }
            Self::KilledBeforeFinished => {
                "finish running requests on SIGTERM, and set `stop_grace_period` above the longest \
                 of them"
            }
            Self::NewTaskNotReady => HEALTHCHECK,
            Self::KeptConnectionClosed => {
                "on SIGTERM, answer the last request of each connection with `Connection: close` \
                 before closing it, or let the proxy retry requests that are safe to repeat"
            }
            Self::HeldConnectionCut => {
                "on SIGTERM, close WebSockets with a close frame (1001) and end streams of events \
                 properly, and only then exit: clients that are told connect again at once"
            }
            Self::ReplicaFailed => {
                "look at the task's error, and let the proxy check its upstreams or retry on \
                 another one"
            }
            Self::WrongVersion => "look for a second service behind the same address",
            Self::NodeLost => NODE,
            Self::ProxyNotRunning | Self::ProxyStopping => {
                "run more than one replica of the service that publishes the port"
            }
            Self::PortWithdrawn => PORT_WITHDRAWN,
            Self::WrongAnswer => WRONG_ANSWER,
            Self::BeforeUpdate => SOUND_FIRST,
            Self::EngineLost => STEADY_ENGINE,
            Self::OwnLag => FREE_MACHINE,
            Self::Unexplained => return None,
        })
    }
}

/// For a port that the new version does not publish.
const PORT_WITHDRAWN: &str = "publish the old port beside the new one until nobody asks it any more, and \
    remove it in a later version";

/// For answers that are slower than the user allows.
pub(super) const SLOW_ANSWERS: &str = "look at the latency in the page (`rollproof open`): where \
    replicas are missing or have just started, the others answer more slowly";

/// For an update that takes longer than the user allows.
pub(super) const SLOW_UPDATE: &str = "raise `parallelism` or lower `delay` and `monitor`, as far as \
    users allow it: `rollproof plan` says what each costs";
