//! The names of the options of `docker service update`: those that can be set, and those that cannot.

use crate::wording::nearest;

/// The options that there are, as the client spells them.
pub const SERVICE_OPTIONS: [&str; 38] = [
    "args",
    "config-add",
    "config-rm",
    "constraint-add",
    "constraint-rm",
    "container-label-add",
    "container-label-rm",
    "endpoint-mode",
    "entrypoint",
    "env-rm",
    "health-interval",
    "health-retries",
    "health-start-interval",
    "health-start-period",
    "health-timeout",
    "hostname",
    "init",
    "label-add",
    "label-rm",
    "limit-cpu",
    "limit-memory",
    "read-only",
    "replicas",
    "reserve-cpu",
    "reserve-memory",
    "restart-condition",
    "restart-delay",
    "restart-max-attempts",
    "restart-window",
    "rollback-*",
    "secret-add",
    "secret-rm",
    "stop-grace-period",
    "stop-signal",
    "update-*",
    "user",
    "workdir",
    "no-healthcheck",
];

/// The keys of both policies.
pub(super) const POLICY_OPTIONS: [&str; 12] = [
    "update-parallelism",
    "update-delay",
    "update-monitor",
    "update-order",
    "update-failure-action",
    "update-max-failure-ratio",
    "rollback-parallelism",
    "rollback-delay",
    "rollback-monitor",
    "rollback-order",
    "rollback-failure-action",
    "rollback-max-failure-ratio",
];

/// Options of `docker service update` that cannot be set (docker/cli `cli/command/service/opts.go`).
const DOCKER_ONLY: [&str; 44] = [
    "cap-add",
    "cap-drop",
    "credential-spec",
    "detach",
    "dns-add",
    "dns-option-add",
    "dns-option-rm",
    "dns-rm",
    "dns-search-add",
    "dns-search-rm",
    "generic-resource-add",
    "generic-resource-rm",
    "group-add",
    "group-rm",
    "host-add",
    "host-rm",
    "isolation",
    "limit-pids",
    "log-driver",
    "log-opt",
    "max-concurrent",
    "memory-swap",
    "memory-swappiness",
    "mount-add",
    "mount-rm",
    "network-add",
    "network-rm",
    "no-resolve-image",
    "oom-score-adj",
    "placement-pref-add",
    "placement-pref-rm",
    "publish-add",
    "publish-rm",
    "quiet",
    "replicas-max-per-node",
    "rollback",
    "sysctl-add",
    "sysctl-rm",
    "tty",
    "ulimit-add",
    "ulimit-rm",
    "with-registry-auth",
    "publish",
    "mount",
];

/// What is wrong with a name that is none of an option, and what was probably meant.
pub(super) fn unknown(name: &str) -> String {
    let bare = name.trim().trim_start_matches('-');
    let known = || ["image", "env-add", "health-cmd"].into_iter().chain(SERVICE_OPTIONS);
    if DOCKER_ONLY.contains(&bare) {
        return format!("`{bare}` cannot be set; a stack file with that change can be, with --to");
    }
    if bare == "force" {
        return "`force` is an option of its own: --force".to_owned();
    }
    if let Some(near) = nearest(bare, known().chain(POLICY_OPTIONS)) {
        return format!("there is no setting `{name}`; did you mean `{near}`?");
    }
    let known: Vec<&str> = known().collect();
    format!("there is no setting `{name}`; there are {}", known.join(", "))
}
