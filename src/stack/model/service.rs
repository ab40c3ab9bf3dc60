//! A service of the stack and its parts.

use std::collections::BTreeMap;

use super::{Extras, MaybeTexts, Texts};
use crate::stack::diagnostic::Mark;
use crate::stack::settings::SettingMarks;

/// A service of the stack. A list is optional if an absent list and an empty one are merged or
/// sent differently. Durations are in nanoseconds.
#[expect(clippy::struct_excessive_bools, reason = "they are the keys of the file")]
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    /// The places of its keys; of several files, the last one.
    pub(crate) marks: BTreeMap<String, Mark>,
    /// The places of the settings that decide how it is updated.
    pub(crate) settings: SettingMarks,
    pub(crate) build: Build,
    pub(crate) cap_add: Vec<String>,
    pub(crate) cap_drop: Vec<String>,
    pub(crate) cgroupns_mode: String,
    pub(crate) cgroup_parent: String,
    pub(crate) command: Vec<String>,
    pub(crate) configs: Option<Vec<FileRef>>,
    pub(crate) container_name: String,
    pub(crate) credential_spec: CredentialSpec,
    pub(crate) depends_on: Vec<String>,
    pub(crate) deploy: Deploy,
    pub(crate) devices: Vec<String>,
    pub(crate) dns: Option<Vec<String>>,
    pub(crate) dns_search: Option<Vec<String>>,
    pub(crate) domainname: String,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) environment: MaybeTexts,
    pub(crate) env_file: Vec<String>,
    pub(crate) expose: Vec<String>,
    pub(crate) external_links: Vec<String>,
    /// In the form `host:ip`.
    pub(crate) extra_hosts: Vec<String>,
    pub(crate) hostname: String,
    pub(crate) healthcheck: Option<Healthcheck>,
    pub(crate) image: String,
    pub(crate) init: Option<bool>,
    pub(crate) ipc: String,
    pub(crate) isolation: String,
    pub(crate) labels: Texts,
    pub(crate) links: Vec<String>,
    pub(crate) logging: Option<Logging>,
    pub(crate) mac_address: String,
    pub(crate) network_mode: String,
    pub(crate) networks: BTreeMap<String, Option<ServiceNetwork>>,
    pub(crate) pid: String,
    pub(crate) ports: Option<Vec<Port>>,
    pub(crate) privileged: bool,
    pub(crate) read_only: bool,
    pub(crate) restart: String,
    pub(crate) secrets: Option<Vec<FileRef>>,
    pub(crate) security_opt: Vec<String>,
    pub(crate) shm_size: String,
    pub(crate) stdin_open: bool,
    pub(crate) stop_grace_period: Option<i64>,
    pub(crate) stop_signal: String,
    pub(crate) sysctls: Texts,
    pub(crate) tmpfs: Vec<String>,
    pub(crate) tty: bool,
    pub(crate) ulimits: BTreeMap<String, Ulimit>,
    pub(crate) user: String,
    pub(crate) userns_mode: String,
    pub(crate) volumes: Option<Vec<Mount>>,
    pub(crate) working_dir: String,
    pub(crate) extras: Extras,
}

/// The source of a Windows credential specification; at most one may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CredentialSpec {
    pub(crate) config: String,
    pub(crate) file: String,
    pub(crate) registry: String,
}

impl Service {
    /// The place of a key, or of the service if it does not have the key.
    pub(crate) fn mark_of(&self, key: &str) -> Mark {
        self.marks.get(key).copied().unwrap_or(self.mark)
    }
}

/// The health check of a service; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Healthcheck {
    pub(crate) test: Vec<String>,
    pub(crate) timeout: Option<i64>,
    pub(crate) interval: Option<i64>,
    pub(crate) retries: Option<u64>,
    pub(crate) start_period: Option<i64>,
    pub(crate) start_interval: Option<i64>,
    pub(crate) disable: bool,
}

/// How Swarm runs a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Deploy {
    pub(crate) mode: String,
    pub(crate) replicas: Option<u64>,
    pub(crate) labels: Texts,
    pub(crate) update_config: Option<UpdateConfig>,
    pub(crate) rollback_config: Option<UpdateConfig>,
    pub(crate) resources: Resources,
    pub(crate) restart_policy: Option<RestartPolicy>,
    pub(crate) placement: Placement,
    pub(crate) endpoint_mode: String,
}

/// How an update or rollback proceeds; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct UpdateConfig {
    pub(crate) parallelism: Option<u64>,
    pub(crate) delay: i64,
    pub(crate) failure_action: String,
    pub(crate) monitor: i64,
    /// Already rounded to a 32-bit float.
    pub(crate) max_failure_ratio: f64,
    pub(crate) order: String,
}

/// When a task is replaced; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RestartPolicy {
    pub(crate) condition: String,
    pub(crate) delay: Option<i64>,
    pub(crate) max_attempts: Option<u64>,
    pub(crate) window: Option<i64>,
}

/// Where tasks may run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Placement {
    pub(crate) constraints: Vec<String>,
    /// Labels to spread tasks over.
    pub(crate) preferences: Vec<String>,
    pub(crate) max_replicas: u64,
}

/// Limits and reservations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Resources {
    pub(crate) limits: Option<Share>,
    pub(crate) reservations: Option<Share>,
}

/// Shares of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Share {
    /// A decimal or rational number, not checked yet.
    pub(crate) cpus: String,
    pub(crate) cpus_mark: Mark,
    /// Bytes.
    pub(crate) memory: i64,
    /// Of limits only.
    pub(crate) pids: i64,
    /// Of reservations only.
    pub(crate) generic_resources: Vec<GenericResource>,
}

/// A resource that the user defined on nodes: kind and amount, if given.
pub(crate) type GenericResource = Option<(String, i64)>;

/// A published port as written in the file; what is missing is empty or 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) mode: String,
    pub(crate) target: u32,
    pub(crate) published: u32,
    pub(crate) protocol: String,
}

/// A mount of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mount {
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`; not checked yet.
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) read_only: bool,
    pub(crate) consistency: String,
    /// Present if there are bind options; may be empty.
    pub(crate) propagation: Option<String>,
    pub(crate) volume: Option<VolumeOptions>,
    /// Size in bytes of the tmpfs options.
    pub(crate) tmpfs: Option<i64>,
    pub(crate) mark: Mark,
}

/// Options of a volume mount.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VolumeOptions {
    pub(crate) nocopy: bool,
    pub(crate) subpath: String,
}

/// A service's attachment to a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ServiceNetwork {
    pub(crate) aliases: Vec<String>,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) ipv4_address: String,
    pub(crate) ipv6_address: String,
}

/// A secret or config that a service uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileRef {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) uid: String,
    pub(crate) gid: String,
    pub(crate) mode: Option<u32>,
    pub(crate) mark: Mark,
}

/// The log driver of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Logging {
    pub(crate) driver: String,
    /// Absent and empty options are merged differently.
    pub(crate) options: Option<Texts>,
}

/// A resource limit: one number for both limits, or two numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ulimit {
    pub(crate) single: i64,
    pub(crate) soft: i64,
    pub(crate) hard: i64,
}

/// How to build the image; `docker stack deploy` ignores it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Build {
    pub(crate) context: String,
    pub(crate) dockerfile: String,
    pub(crate) args: MaybeTexts,
    pub(crate) labels: Texts,
    pub(crate) cache_from: Vec<String>,
    pub(crate) extra_hosts: Vec<String>,
    pub(crate) network: String,
    pub(crate) target: String,
}
