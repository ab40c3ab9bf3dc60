//! Writes a service.

use super::tree::{Keys, Tree};
use crate::stack::model::{
    Build, Deploy, FileRef, GenericResource, Healthcheck, Logging, Mount, Placement, Port,
    RestartPolicy, Service, ServiceNetwork, Share, Texts, Ulimit, UpdateConfig,
};

/// A service.
pub(super) fn service(service: &Service) -> Tree {
    let credential_spec = Keys::default()
        .text("config", &service.credential_spec.config)
        .text("file", &service.credential_spec.file)
        .text("registry", &service.credential_spec.registry);
    let networks = service.networks.iter().map(|(name, network)| {
        (name.clone(), network.as_ref().map_or(Tree::Null, service_network))
    });
    let ulimits = service.ulimits.iter().map(|(name, limit)| (name.clone(), ulimit(limit)));
    Keys::default()
        .keys("build", build(&service.build))
        .lines("cap_add", &service.cap_add)
        .lines("cap_drop", &service.cap_drop)
        .text("cgroupns_mode", &service.cgroupns_mode)
        .text("cgroup_parent", &service.cgroup_parent)
        .lines("command", &service.command)
        .list("configs", service.configs.as_deref().unwrap_or_default(), file_ref)
        .text("container_name", &service.container_name)
        .keys("credential_spec", credential_spec)
        .lines("depends_on", &service.depends_on)
        .keys("deploy", deploy(&service.deploy))
        .lines("devices", &service.devices)
        .lines("dns", service.dns.as_deref().unwrap_or_default())
        .lines("dns_search", service.dns_search.as_deref().unwrap_or_default())
        .text("domainname", &service.domainname)
        .lines("entrypoint", &service.entrypoint)
        .maybe_texts("environment", &service.environment)
        .lines("env_file", &service.env_file)
        .lines("expose", &service.expose)
        .lines("external_links", &service.external_links)
        .lines("extra_hosts", &service.extra_hosts)
        .text("hostname", &service.hostname)
        .maybe("healthcheck", service.healthcheck.as_ref().map(healthcheck))
        .text("image", &service.image)
        .maybe("init", service.init.map(Tree::Bool))
        .text("ipc", &service.ipc)
        .text("isolation", &service.isolation)
        .texts("labels", &service.labels)
        .lines("links", &service.links)
        .maybe("logging", service.logging.as_ref().map(logging))
        .text("mac_address", &service.mac_address)
        .text("network_mode", &service.network_mode)
        .map("networks", networks.collect())
        .text("pid", &service.pid)
        .list("ports", service.ports.as_deref().unwrap_or_default(), port)
        .flag("privileged", service.privileged)
        .flag("read_only", service.read_only)
        .text("restart", &service.restart)
        .list("secrets", service.secrets.as_deref().unwrap_or_default(), file_ref)
        .lines("security_opt", &service.security_opt)
        .text("shm_size", &service.shm_size)
        .flag("stdin_open", service.stdin_open)
        .duration("stop_grace_period", service.stop_grace_period)
        .text("stop_signal", &service.stop_signal)
        .texts("sysctls", &service.sysctls)
        .lines("tmpfs", &service.tmpfs)
        .flag("tty", service.tty)
        .map("ulimits", ulimits.collect())
        .text("user", &service.user)
        .text("userns_mode", &service.userns_mode)
        .list("volumes", service.volumes.as_deref().unwrap_or_default(), mount)
        .text("working_dir", &service.working_dir)
        .extras(service.extras.iter())
        .finish()
}

fn build(build: &Build) -> Keys {
    Keys::default()
        .text("context", &build.context)
        .text("dockerfile", &build.dockerfile)
        .maybe_texts("args", &build.args)
        .texts("labels", &build.labels)
        .lines("cache_from", &build.cache_from)
        .lines("extra_hosts", &build.extra_hosts)
        .text("network", &build.network)
        .text("target", &build.target)
}

fn file_ref(file: &FileRef) -> Tree {
    Keys::default()
        .text("source", &file.source)
        .text("target", &file.target)
        .text("uid", &file.uid)
        .text("gid", &file.gid)
        .uint("mode", file.mode.map(u64::from))
        .finish()
}

fn healthcheck(check: &Healthcheck) -> Tree {
    Keys::default()
        .lines("test", &check.test)
        .duration("timeout", check.timeout)
        .duration("interval", check.interval)
        .uint("retries", check.retries)
        .duration("start_period", check.start_period)
        .duration("start_interval", check.start_interval)
        .flag("disable", check.disable)
        .finish()
}

fn logging(logging: &Logging) -> Tree {
    let none = Texts::new();
    Keys::default()
        .text("driver", &logging.driver)
        .texts("options", logging.options.as_ref().unwrap_or(&none))
        .finish()
}

fn service_network(network: &ServiceNetwork) -> Tree {
    let none = Texts::new();
    Keys::default()
        .lines("aliases", &network.aliases)
        .texts("driver_opts", network.driver_opts.as_ref().unwrap_or(&none))
        .text("ipv4_address", &network.ipv4_address)
        .text("ipv6_address", &network.ipv6_address)
        .finish()
}

fn port(port: &Port) -> Tree {
    Keys::default()
        .text("mode", &port.mode)
        .int("target", i64::from(port.target))
        .int("published", i64::from(port.published))
        .text("protocol", &port.protocol)
        .finish()
}

fn ulimit(limit: &Ulimit) -> Tree {
    if limit.single != 0 {
        return Tree::Int(limit.single);
    }
    // Zero is written too. The client omits it and then cannot read its own output.
    Keys::default().set("soft", Tree::Int(limit.soft)).set("hard", Tree::Int(limit.hard)).finish()
}

fn mount(mount: &Mount) -> Tree {
    let bind = mount.propagation.as_ref();
    let volume = mount.volume.as_ref().map(|options| {
        Keys::default().flag("nocopy", options.nocopy).text("subpath", &options.subpath).finish()
    });
    Keys::default()
        .text("type", &mount.kind)
        .text("source", &mount.source)
        .text("target", &mount.target)
        .flag("read_only", mount.read_only)
        .text("consistency", &mount.consistency)
        .maybe("bind", bind.map(|text| Keys::default().text("propagation", text).finish()))
        .maybe("volume", volume)
        .maybe("tmpfs", mount.tmpfs.map(|size| Keys::default().int("size", size).finish()))
        .finish()
}

/// `deploy`.
fn deploy(deploy: &Deploy) -> Keys {
    let resources = Keys::default()
        .maybe("limits", deploy.resources.limits.as_ref().map(share))
        .maybe("reservations", deploy.resources.reservations.as_ref().map(share));
    Keys::default()
        .text("mode", &deploy.mode)
        .uint("replicas", deploy.replicas)
        .texts("labels", &deploy.labels)
        .maybe("update_config", deploy.update_config.as_ref().map(update))
        .maybe("rollback_config", deploy.rollback_config.as_ref().map(update))
        .keys("resources", resources)
        .maybe("restart_policy", deploy.restart_policy.as_ref().map(restart))
        .keys("placement", placement(&deploy.placement))
        .text("endpoint_mode", &deploy.endpoint_mode)
}

fn update(config: &UpdateConfig) -> Tree {
    let some = |nanos: i64| (nanos != 0).then_some(nanos);
    let ratio = config.max_failure_ratio;
    Keys::default()
        .uint("parallelism", config.parallelism)
        .duration("delay", some(config.delay))
        .text("failure_action", &config.failure_action)
        .duration("monitor", some(config.monitor))
        .maybe("max_failure_ratio", (ratio != 0.0).then_some(Tree::Float(ratio)))
        .text("order", &config.order)
        .finish()
}

fn restart(policy: &RestartPolicy) -> Tree {
    Keys::default()
        .text("condition", &policy.condition)
        .duration("delay", policy.delay)
        .uint("max_attempts", policy.max_attempts)
        .duration("window", policy.window)
        .finish()
}

fn placement(placement: &Placement) -> Keys {
    let max = placement.max_replicas;
    Keys::default()
        .lines("constraints", &placement.constraints)
        .list("preferences", &placement.preferences, |spread| {
            Keys::default().text("spread", spread).finish()
        })
        .uint("max_replicas_per_node", (max != 0).then_some(max))
}

fn share(share: &Share) -> Tree {
    Keys::default()
        .text("cpus", &share.cpus)
        .size("memory", share.memory)
        .int("pids", share.pids)
        .list("generic_resources", &share.generic_resources, generic)
        .finish()
}

fn generic(resource: &GenericResource) -> Tree {
    let spec = resource.as_ref().map(|(kind, value)| {
        Keys::default()
            .set("kind", Tree::Text(kind.clone()))
            .set("value", Tree::Int(*value))
            .finish()
    });
    Keys::default().maybe("discrete_resource_spec", spec).finish()
}
