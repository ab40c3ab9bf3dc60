//! A service's request body.

use serde_json::{Map, Value, json};

use crate::swarm::{
    DEFAULT_STOP_GRACE_PERIOD, FailureAction, HealthCheck, Order, PortProtocol, PublishMode,
    Replaces, ResolutionMode, RestartCondition, RestartPolicy, UpdatePolicy,
};

/// A service's request body (`ServiceSpec`), with the API's own key names: built from a stack file,
/// or the engine's own JSON, which has every key.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceBody(Value);

impl ServiceBody {
    /// Wraps a `ServiceSpec`.
    #[must_use]
    pub fn new(spec: Value) -> Self {
        Self(spec)
    }

    /// The body itself.
    #[must_use]
    pub fn as_value(&self) -> &Value {
        &self.0
    }

    /// The service's name, with the stack's prefix.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0["Name"].as_str().unwrap_or_default()
    }

    /// The image.
    #[must_use]
    pub fn image(&self) -> &str {
        self.container()["Image"].as_str().unwrap_or_default()
    }

    /// The replicas of a replicated service (the default is 1); absent for other modes.
    #[must_use]
    pub fn replicas(&self) -> Option<u64> {
        let mode = &self.0["Mode"];
        if mode.get("Global").is_some()
            || mode.get("GlobalJob").is_some()
            || mode.get("ReplicatedJob").is_some()
        {
            return None;
        }
        Some(mode["Replicated"]["Replicas"].as_u64().unwrap_or(1))
    }

    /// How its tasks are spread, in words.
    #[must_use]
    pub fn mode(&self) -> &'static str {
        [("Global", "global"), ("GlobalJob", "a global job"), ("ReplicatedJob", "a replicated job")]
            .into_iter()
            .find(|(key, _)| self.0["Mode"].get(key).is_some())
            .map_or("replicated", |(_, word)| word)
    }

    /// Whether it runs to completion.
    #[must_use]
    pub fn is_job(&self) -> bool {
        let mode = &self.0["Mode"];
        mode.get("ReplicatedJob").is_some() || mode.get("GlobalJob").is_some()
    }

    /// How many tasks of a replicated job must end well; absent for anything else.
    #[must_use]
    pub fn completions(&self) -> Option<u64> {
        let job = self.0["Mode"].get("ReplicatedJob")?;
        Some(
            job["TotalCompletions"].as_u64().or_else(|| job["MaxConcurrent"].as_u64()).unwrap_or(1),
        )
    }

    /// The effective `update_config`.
    #[must_use]
    pub fn update_policy(&self) -> UpdatePolicy {
        policy(&self.0["UpdateConfig"])
    }

    /// The effective `rollback_config`.
    #[must_use]
    pub fn rollback_policy(&self) -> UpdatePolicy {
        policy(&self.0["RollbackConfig"])
    }

    /// The effective `restart_policy`.
    #[must_use]
    pub fn restart_policy(&self) -> RestartPolicy {
        let block = &self.0["TaskTemplate"]["RestartPolicy"];
        RestartPolicy {
            condition: RestartCondition::parse(block["Condition"].as_str().unwrap_or_default()),
            delay: block["Delay"].as_f64().map_or(RestartPolicy::default().delay, |n| n / 1e9),
            max_attempts: block["MaxAttempts"].as_u64().unwrap_or(0),
            window: secs(&block["Window"]),
        }
    }

    /// The service's own health check, without the image's; absent if the service neither sets nor
    /// disables one.
    #[must_use]
    pub fn healthcheck(&self) -> Option<&Value> {
        self.container().get("Healthcheck")
    }

    /// Whether the service turns off the health check that its image may have.
    #[must_use]
    pub fn turns_health_check_off(&self) -> bool {
        self.healthcheck().is_some_and(|check| check["Test"][0] == "NONE")
    }

    /// The effective health check: the service's settings, then the image's (`Config.Healthcheck`),
    /// then the engine's defaults (moby `daemon/health.go`: 30 s, 30 s, 3, 0 s). Absent if neither
    /// has a test or it is disabled.
    #[must_use]
    pub fn effective_healthcheck(&self, image: Option<&Value>) -> Option<HealthCheck> {
        let own = self.healthcheck();
        let pick = |key: &str| {
            [own, image].into_iter().flatten().find_map(|check| {
                let value = check.get(key)?;
                let empty =
                    value.as_i64() == Some(0) || value.as_array().is_some_and(Vec::is_empty);
                (!empty && !value.is_null()).then(|| value.clone())
            })
        };
        let test: Vec<String> = pick("Test")?
            .as_array()?
            .iter()
            .filter_map(|word| word.as_str().map(str::to_owned))
            .collect();
        if test.first().is_none_or(|word| word == "NONE") {
            return None;
        }
        Some(HealthCheck {
            test,
            interval: pick("Interval").map_or(30.0, |nanos| secs(&nanos)),
            timeout: pick("Timeout").map_or(30.0, |nanos| secs(&nanos)),
            retries: pick("Retries").and_then(|value| value.as_u64()).unwrap_or(3),
            start_period: pick("StartPeriod").map_or(0.0, |nanos| secs(&nanos)),
            start_interval: pick("StartInterval").map(|nanos| secs(&nanos)),
        })
    }

    /// Seconds between the stop signal and SIGKILL.
    #[must_use]
    pub fn stop_grace_period(&self) -> f64 {
        let nanos = self.container()["StopGracePeriod"].as_f64();
        nanos.map_or(DEFAULT_STOP_GRACE_PERIOD, |nanos| nanos / 1e9)
    }

    /// What the service's name resolves to.
    #[must_use]
    pub fn endpoint_mode(&self) -> ResolutionMode {
        ResolutionMode::parse(self.0["EndpointSpec"]["Mode"].as_str().unwrap_or_default())
    }

    /// The published ports.
    #[must_use]
    pub fn published_ports(&self) -> Vec<PublishedPort> {
        let ports = self.0["EndpointSpec"]["Ports"].as_array();
        let number = |port: &Value, key: &str| {
            port[key].as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| *n != 0)
        };
        ports
            .into_iter()
            .flatten()
            .filter_map(|port| {
                Some(PublishedPort {
                    target: number(port, "TargetPort")?,
                    published: number(port, "PublishedPort"),
                    protocol: PortProtocol::parse(port["Protocol"].as_str().unwrap_or_default()),
                    mode: PublishMode::parse(port["PublishMode"].as_str().unwrap_or_default()),
                })
            })
            .collect()
    }

    /// The names of the networks it is attached to.
    #[must_use]
    pub fn networks(&self) -> Vec<&str> {
        let networks = self.0["TaskTemplate"]["Networks"].as_array();
        networks.into_iter().flatten().filter_map(|network| network["Target"].as_str()).collect()
    }

    /// The force counter; a higher one replaces every task.
    #[must_use]
    pub fn force_update(&self) -> u64 {
        self.0["TaskTemplate"]["ForceUpdate"].as_u64().unwrap_or(0)
    }

    /// Sets the force counter.
    pub fn set_force_update(&mut self, counter: u64) {
        let template = object(object(&mut self.0).entry("TaskTemplate"));
        template.insert("ForceUpdate".into(), json!(counter));
    }

    /// Which tasks of another spec of the service Swarm replaces to get to this one.
    #[must_use]
    pub fn replaces_tasks_of(&self, other: &Self) -> Replaces {
        let (new, old) = (&self.0["TaskTemplate"], &other.0["TaskTemplate"]);
        if new == old {
            let same_ports = self.0["EndpointSpec"] == other.0["EndpointSpec"];
            return if same_ports { Replaces::Nothing } else { Replaces::Everything };
        }
        let [mut moved, mut wanted] = [old.clone(), new.clone()];
        for template in [&mut moved, &mut wanted].into_iter().filter_map(Value::as_object_mut) {
            template.remove("Placement");
        }
        if moved == wanted { Replaces::Misplaced } else { Replaces::Everything }
    }

    /// Sets the image.
    pub fn set_image(&mut self, image: &str) {
        self.container_mut().insert("Image".into(), json!(image));
    }

    /// Sets one environment variable and keeps the list sorted, as the docker client does.
    pub fn set_env(&mut self, key: &str, value: &str) {
        let container = self.container_mut();
        let mut env: Vec<String> = container
            .get("Env")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.as_str().map(str::to_owned))
            .filter(|entry| entry.split('=').next() != Some(key))
            .collect();
        env.push(format!("{key}={value}"));
        env.sort();
        container.insert("Env".into(), json!(env));
    }

    /// Sets the health check's shell command and keeps its timings, like
    /// `docker service update --health-cmd`.
    pub fn set_health_cmd(&mut self, command: &str) {
        let check = object(self.container_mut().entry("Healthcheck"));
        check.insert("Test".into(), json!(["CMD-SHELL", command]));
    }

    /// Sets a service label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        let labels = object(object(&mut self.0).entry("Labels"));
        labels.insert(key.into(), json!(value));
    }

    /// A service label.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.0["Labels"][key].as_str()
    }

    /// Sets the platforms that a node must have one of; an empty list changes nothing.
    pub fn set_platforms(&mut self, platforms: &[Value]) {
        if !platforms.is_empty() {
            let template = object(object(&mut self.0).entry("TaskTemplate"));
            let placement = object(template.entry("Placement"));
            placement.insert("Platforms".into(), json!(platforms));
        }
    }

    /// Sets the endpoint mode.
    pub fn set_endpoint_mode(&mut self, mode: ResolutionMode) {
        let endpoint = object(object(&mut self.0).entry("EndpointSpec"));
        endpoint.insert("Mode".into(), json!(mode.as_str()));
    }

    /// Publishes every port in host mode.
    pub fn publish_in_host_mode(&mut self) {
        let ports = self.0["EndpointSpec"]["Ports"].as_array_mut();
        for port in ports.into_iter().flatten() {
            object(port).insert("PublishMode".into(), json!(PublishMode::Host.as_str()));
        }
    }

    /// The object under these keys, made where there is none.
    pub(super) fn object_at(&mut self, keys: &[&str]) -> &mut Map<String, Value> {
        keys.iter().fold(object(&mut self.0), |map, key| object(map.entry(*key)))
    }

    fn container(&self) -> &Value {
        &self.0["TaskTemplate"]["ContainerSpec"]
    }

    fn container_mut(&mut self) -> &mut Map<String, Value> {
        let template = object(object(&mut self.0).entry("TaskTemplate"));
        object(template.entry("ContainerSpec"))
    }
}

/// The object at a place in the body; any other value is replaced with an empty object.
fn object<'a>(place: impl IntoPlace<'a>) -> &'a mut Map<String, Value> {
    let value = place.into_place();
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made an object above"),
    }
}

/// A JSON value, or the entry of a map, that may be replaced.
trait IntoPlace<'a> {
    fn into_place(self) -> &'a mut Value;
}

impl<'a> IntoPlace<'a> for &'a mut Value {
    fn into_place(self) -> &'a mut Value {
        self
    }
}

impl<'a> IntoPlace<'a> for serde_json::map::Entry<'a> {
    fn into_place(self) -> &'a mut Value {
        self.or_insert(Value::Null)
    }
}

/// A policy with the engine's defaults (swarmkit `api/defaults/service.go`). An absent block means
/// one slot at a time; in a block that is present, an absent or zero parallelism means all at once.
fn policy(block: &Value) -> UpdatePolicy {
    let defaults = UpdatePolicy::default();
    if !block.is_object() {
        return defaults;
    }
    let word = |key: &str| block[key].as_str().unwrap_or_default();
    let monitor = secs(&block["Monitor"]);
    UpdatePolicy {
        parallelism: block["Parallelism"].as_u64().unwrap_or(0),
        delay: secs(&block["Delay"]),
        failure_action: FailureAction::parse(word("FailureAction")),
        monitor: if monitor > 0.0 { monitor } else { defaults.monitor },
        max_failure_ratio: block["MaxFailureRatio"].as_f64().unwrap_or(0.0),
        order: Order::parse(word("Order")),
    }
}

/// Converts nanoseconds in JSON to seconds.
fn secs(nanos: &Value) -> f64 {
    nanos.as_f64().unwrap_or(0.0) / 1e9
}

/// A published port of a service, with the engine's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// Port in the container.
    pub target: u16,
    /// Port on the node; absent if the engine chooses one.
    pub published: Option<u16>,
    /// Its protocol.
    pub protocol: PortProtocol,
    /// Where it is open.
    pub mode: PublishMode,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> ServiceBody {
        ServiceBody::new(json!({
            "Name": "s_app",
            "TaskTemplate": {"ContainerSpec": {"Image": "a:1", "Env": ["A=1", "B=2"]}},
            "Mode": {"Replicated": {"Replicas": 6}},
            "UpdateConfig": {"Parallelism": 2, "Delay": 10_000_000_000_u64, "MaxFailureRatio": 0},
        }))
    }

    #[test]
    fn fills_in_the_engines_defaults() {
        let update = body().update_policy();
        assert_eq!((update.parallelism, update.delay, update.monitor), (2, 10.0, 5.0));
        assert_eq!(update.failure_action, FailureAction::Pause);
        assert_eq!(body().rollback_policy().parallelism, 1);
        assert_eq!(body().endpoint_mode(), ResolutionMode::Vip);
        assert_eq!(body().effective_healthcheck(None), None);
    }

    #[test]
    fn a_change_touches_only_what_it_names() {
        let mut changed = body();
        changed.set_env("A", "3");
        let mut expected = body().as_value().clone();
        expected["TaskTemplate"]["ContainerSpec"]["Env"] = json!(["A=3", "B=2"]);
        assert_eq!(changed.as_value(), &expected);
    }

    #[test]
    fn the_images_check_is_inherited_and_its_test_replaced() {
        let image = json!({"Test": ["CMD", "/app"], "Interval": 1_000_000_000_u64, "Retries": 2});
        let mut changed = body();
        changed.set_health_cmd("false");
        let check = changed.effective_healthcheck(Some(&image)).unwrap();
        assert_eq!(check.test, ["CMD-SHELL", "false"]);
        assert_eq!((check.interval, check.timeout, check.retries), (1.0, 30.0, 2));
    }
}
