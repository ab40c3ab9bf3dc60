//! A service of the stack.

use std::collections::BTreeMap;

use super::{
    Build, Deploy, Extras, FileRef, Healthcheck, Logging, MaybeTexts, Mount, Port, ServiceNetwork,
    Texts, Ulimit,
};
use crate::stack::mark::Mark;

/// A service of the stack. Lists whose absence and emptiness are merged or sent differently are
/// optional; durations are nanoseconds.
#[expect(clippy::struct_excessive_bools, reason = "they are the keys of the file")]
#[derive(Debug, Clone, Default)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    /// Where its keys stand; of several files, the last one.
    pub(crate) marks: BTreeMap<String, Mark>,
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

/// Where a Windows credential specification comes from; at most one may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CredentialSpec {
    pub(crate) config: String,
    pub(crate) file: String,
    pub(crate) registry: String,
}

impl Service {
    /// Where a key stands, or else the service.
    pub(crate) fn mark_of(&self, key: &str) -> Mark {
        self.marks.get(key).copied().unwrap_or(self.mark)
    }
}
