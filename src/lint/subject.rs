//! A service as rules see it: its request body, its places in the files, and the model's answers.

use std::cell::OnceCell;

use super::{Conditions, ImageFacts};
use crate::Offset;
use crate::plan::{Detection, FailureKind, Setting, detection};
use crate::stack::{Paste, ServiceBody, Stack};
use crate::swarm::{FailureAction, Order, PublishMode, UpdatePolicy};
use crate::swarm_model::{
    Behaviour, Behaviours, CheckTimings, HealthCourse, Node, Outcome, Spec, health_course, simulate,
};

/// More replicas than that are not played: no rule says anything else for them.
const MOST_REPLICAS: u64 = 2_000;

/// The nodes on which a global service is played if the user names none.
const NODES_OF_A_GLOBAL_SERVICE: usize = 3;

/// The longest `monitor` that is tried.
const LONGEST_MONITOR: u32 = 3_600;

/// The name that services are prefixed with.
pub(super) const NAMESPACE: &str = "lint";

/// A service of the stack.
pub(super) struct Subject<'a> {
    /// Its key in the file.
    pub(super) name: &'a str,
    pub(super) body: &'a ServiceBody,
    /// All services of the stack.
    pub(super) all: &'a [ServiceBody],
    pub(super) stack: &'a Stack,
    pub(super) conditions: &'a Conditions,
    /// The service for the model.
    pub(super) setting: Setting,
    /// Its replicas; for a global service the nodes that it is played on.
    pub(super) replicas: u64,
    good: OnceCell<Option<Outcome>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        body: &'a ServiceBody,
        all: &'a [ServiceBody],
        stack: &'a Stack,
        conditions: &'a Conditions,
    ) -> Self {
        let name = key(body);
        let boot = conditions.boot.unwrap_or(Offset::from_millis(1_000));
        let stop = conditions.stop.unwrap_or(Offset::from_millis(100));
        let facts = conditions.images.get(body.image());
        let check = facts.and_then(|facts| facts.healthcheck.as_ref());
        let mut setting = Setting::new(name, Spec::of(body, check), boot, stop);
        setting.engine = conditions.engine.unwrap_or(setting.engine);
        let nodes = match conditions.nodes {
            None if setting.spec.global => NODES_OF_A_GLOBAL_SERVICE,
            nodes => nodes.unwrap_or(0),
        };
        setting.nodes = vec![Node::default(); nodes];
        let replicas = setting.slots();
        Self { name, body, all, stack, conditions, setting, replicas, good: OnceCell::new() }
    }

    /// What an engine says of its image, if one was asked and has it.
    pub(super) fn image(&self) -> Option<&'a ImageFacts> {
        self.conditions.images.get(self.body.image())
    }

    pub(super) fn spec(&self) -> &Spec {
        &self.setting.spec
    }

    pub(super) fn update(&self) -> &UpdatePolicy {
        &self.spec().update
    }

    pub(super) fn rollback(&self) -> &UpdatePolicy {
        &self.spec().rollback
    }

    /// Whether the files set something; a name as in [`Stack::place`].
    pub(super) fn sets(&self, name: &str) -> bool {
        self.stack.sets(self.name, name)
    }

    pub(super) fn is_start_first(&self) -> bool {
        self.setting.is_start_first()
    }

    /// Whether the number of its replicas is known: a global service has as many as there are nodes.
    pub(super) fn knows_replicas(&self) -> bool {
        !self.spec().global || self.conditions.nodes.is_some()
    }

    /// Whether several replicas can stand in for each other.
    pub(super) fn is_replicated(&self) -> bool {
        self.replicas > 1 && !self.spec().global
    }

    /// Whether it publishes a port in host mode or uses the node's network.
    pub(super) fn has_host_port(&self) -> bool {
        let ports = self.body.published_ports();
        ports.iter().any(|port| port.mode == PublishMode::Host && port.published.is_some())
    }

    /// Whether users reach it: a published port, or labels that a proxy looks for.
    pub(super) fn serves_users(&self) -> bool {
        !self.body.published_ports().is_empty() || self.body.proxy_labels().is_some()
    }

    /// The last part of the image's name, without its tag: `nginx` of `example.org/nginx:1`.
    pub(super) fn image_name(&self) -> &str {
        image_name(self.body)
    }

    /// Whether its image is one of those that are known to have a HEALTHCHECK.
    pub(super) fn image_is_known_to_check(&self) -> bool {
        let name = self.body.image().split(['@']).next().unwrap_or_default();
        let (path, last) = name.rsplit_once('/').unwrap_or(("", name));
        let last = last.split(':').next().unwrap_or_default();
        let owner = path.rsplit('/').next().unwrap_or_default();
        WITH_HEALTHCHECK.iter().any(|known| known.split_once('/') == Some((owner, last)))
    }

    /// The first named volume that tasks can write to; for a database also a folder of the node.
    pub(super) fn writable_data(&self) -> Option<&str> {
        let mounts = self.body.as_value()["TaskTemplate"]["ContainerSpec"]["Mounts"].as_array()?;
        let database = self.is_database();
        let writable = |mount: &&serde_json::Value| {
            let kind = mount["Type"].as_str().unwrap_or_default();
            let data = kind == "volume" || (database && kind == "bind");
            data && !mount["ReadOnly"].as_bool().unwrap_or(false)
        };
        let mut sources =
            mounts.iter().filter(writable).filter_map(|mount| mount["Source"].as_str());
        let name = sources.find(|name| !name.is_empty())?;
        Some(name.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name))
    }

    /// Whether its program owns its data folder, so that a second task must not use it.
    pub(super) fn is_database(&self) -> bool {
        DATABASES.contains(&self.image_name())
    }

    /// Whether two tasks at once may write to the same data.
    pub(super) fn keeps_data(&self) -> bool {
        self.is_database() || self.writable_data().is_some()
    }

    /// Whether the model can play it.
    pub(super) fn is_played(&self) -> bool {
        (1..=MOST_REPLICAS).contains(&self.replicas)
    }

    /// Plays an update to a version that behaves like that.
    pub(super) fn play(&self, setting: &Setting, new: impl Into<Behaviours>) -> Option<Outcome> {
        self.is_played().then(|| simulate(&setting.input(setting.sound.clone(), new)))
    }

    /// A good update.
    pub(super) fn good(&self) -> Option<&Outcome> {
        let play = || self.play(&self.setting, self.setting.sound.clone());
        self.good.get_or_init(play).as_ref()
    }

    /// What an update does with a version that fails like this.
    pub(super) fn detection(&self, kind: FailureKind) -> Option<Detection> {
        self.is_played().then(|| detection(kind, &self.setting))
    }

    /// A failure that comes before users see the new version: what `failure_action` is for.
    pub(super) fn early_failure(&self) -> FailureKind {
        if self.spec().health.is_some() {
            FailureKind::NeverHealthy
        } else {
            FailureKind::CrashAtStart
        }
    }

    /// The health of a container of a sound version.
    pub(super) fn health(&self) -> Option<HealthCourse> {
        self.health_of(&self.setting.sound)
    }

    pub(super) fn health_of(&self, behaviour: &Behaviour) -> Option<HealthCourse> {
        let check = self.spec().health.as_ref()?;
        let timings = CheckTimings::of(check, self.setting.engine);
        Some(health_course(timings, behaviour, self.setting.hops.check))
    }

    /// The shortest `monitor`, in whole seconds, with which an update notices this behaviour.
    pub(super) fn monitor_that_notices(&self, new: &Behaviours) -> Option<u32> {
        let notices = |monitor: u32| {
            let mut longer = self.setting.clone();
            longer.spec.update.monitor = f64::from(monitor);
            let outcome = self.play(&longer, new.clone());
            outcome.is_some_and(|outcome| outcome.trigger().is_some())
        };
        if !notices(LONGEST_MONITOR) {
            return None;
        }
        let (mut short, mut enough) = (0, LONGEST_MONITOR);
        while enough - short > 1 {
            let middle = short.midpoint(enough);
            *(if notices(middle) { &mut enough } else { &mut short }) = middle;
        }
        Some(enough)
    }

    /// Settings with which an update keeps its users and its way back.
    pub(super) fn good_policy(&self) -> Vec<Paste> {
        let start_first = !self.keeps_data() && !self.has_host_port();
        let order = if start_first { "start-first" } else { "stop-first" };
        let parallelism = (self.replicas / 3).clamp(1, 10).to_string();
        let mut sick = self.setting.clone();
        sick.spec.update.failure_action = FailureAction::Rollback;
        sick.spec.update.order = if start_first { Order::StartFirst } else { Order::StopFirst };
        let monitor = match self.is_played().then(|| detection(FailureKind::HealthyThenSick, &sick))
        {
            Some(Detection {
                blind: Some(crate::plan::Blind::MonitorTooShort { needed_s }),
                ..
            }) => needed_s.as_secs_f64().max(10.0),
            _ => 10.0,
        };
        vec![
            Paste::new("update_config.parallelism", parallelism.clone()),
            Paste::new("update_config.order", order),
            Paste::new("update_config.delay", "2s"),
            Paste::new("update_config.monitor", format!("{monitor}s")),
            Paste::new("update_config.failure_action", "rollback"),
            Paste::new("rollback_config.parallelism", parallelism),
            Paste::new("rollback_config.order", order),
        ]
    }

    /// The other services of the stack that share a network with this one.
    pub(super) fn neighbours(&self) -> impl Iterator<Item = &'a ServiceBody> {
        let (networks, name) = (self.body.networks(), self.body.name());
        self.all.iter().filter(move |other| {
            other.name() != name && other.networks().iter().any(|net| networks.contains(net))
        })
    }

    /// The texts of the configs that it uses, with their names.
    pub(super) fn config_texts(&self) -> Vec<(&'a str, &'a str)> {
        let configs = self.body.as_value()["TaskTemplate"]["ContainerSpec"]["Configs"].as_array();
        let names =
            configs.into_iter().flatten().filter_map(|config| config["ConfigName"].as_str());
        names
            .filter_map(|name| {
                let key = name.strip_prefix(NAMESPACE)?.strip_prefix('_')?;
                Some((key, self.stack.config_text(key)?))
            })
            .collect()
    }
}

/// Public images that have a HEALTHCHECK, by owner and name: as their Dockerfiles said in November 2026.
/// Those of GitLab and Netdata build theirs elsewhere; GitLab's own users wait for `healthy`, and Netdata has
/// `packaging/docker/health.sh`.
const WITH_HEALTHCHECK: [&str; 17] = [
    "authelia/authelia",
    "cadvisor/cadvisor",
    "containrrr/watchtower",
    "dockerflow/docker-flow-proxy",
    "dockersamples/visualizer",
    "etherpad/etherpad",
    "filebrowser/filebrowser",
    "gitlab/gitlab-ce",
    "gitlab/gitlab-ee",
    "google/cadvisor",
    "jellyfin/jellyfin",
    "localstack/localstack",
    "louislam/uptime-kuma",
    "netdata/netdata",
    "nodered/node-red",
    "pihole/pihole",
    "vaultwarden/server",
];

/// Images that lock or own their data folder.
const DATABASES: [&str; 27] = [
    "postgres",
    "postgresql",
    "postgis",
    "timescaledb",
    "pgvector",
    "mysql",
    "mysql-server",
    "mariadb",
    "percona",
    "mongo",
    "mongodb",
    "redis",
    "valkey",
    "keydb",
    "elasticsearch",
    "opensearch",
    "rabbitmq",
    "influxdb",
    "cassandra",
    "couchdb",
    "neo4j",
    "etcd",
    "consul",
    "clickhouse-server",
    "prometheus",
    "kafka",
    "zookeeper",
];

/// A service's key in the stack file.
pub(super) fn key(body: &ServiceBody) -> &str {
    let name = body.name();
    name.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

/// The last part of an image's name, without tag and digest.
pub(super) fn image_name(body: &ServiceBody) -> &str {
    let name = body.image().split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}

/// How many replicas answer, for the middle of a sentence.
pub(super) fn answering(lowest: u64, all: u64) -> String {
    match lowest {
        0 => "no replica answers".to_owned(),
        _ if lowest >= all => "all replicas answer".to_owned(),
        1 => format!("1 of {all} replicas answers"),
        _ => format!("{lowest} of {all} replicas answer"),
    }
}

/// How long nobody can answer, after all replicas could for the first time.
pub(super) fn outage(outcome: &Outcome) -> Offset {
    let all = outcome.replicas[0];
    let levels = outcome.answering();
    let begun: Vec<_> = levels.iter().skip_while(|(_, level)| *level < all).collect();
    let ends = begun.iter().skip(1).map(|(at, _)| *at).chain([outcome.until]);
    let spans = begun.iter().zip(ends).filter(|((_, level), _)| *level == 0);
    spans.fold(Offset::ZERO, |sum, ((from, _), to)| sum + (to - *from))
}
