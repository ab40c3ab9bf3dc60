//! Proxies that read the labels of services from the swarm, and how late they learn which tasks there are.

use serde::{Deserialize, Serialize};

use super::ServiceBody;
use crate::swarm::ResolutionMode;

/// Traefik's default (the documents of its Swarm provider, `refreshSeconds`).
const TRAEFIK: f64 = 15.0;
/// The default of caddy-docker-proxy (its README, `CADDY_DOCKER_POLLING_INTERVAL`).
const CADDY: f64 = 30.0;

/// A proxy that sends requests to the tasks themselves, and asks Swarm only now and then which there
/// are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProxyPolling {
    /// `Traefik` or `caddy-docker-proxy`.
    pub proxy: String,
    /// How often it asks, in seconds.
    pub every_s: f64,
    /// Whether the service has no virtual IP to send requests to instead.
    pub dnsrr: bool,
}

impl ProxyPolling {
    /// Whether tasks that stop are asked meanwhile: Swarm takes a task out 2 s before its stop signal
    /// (moby `daemon/cluster/executor/container/controller.go`).
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.every_s > 2.0
    }

    /// What helps.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match (self.proxy.as_str(), self.dnsrr) {
            ("Traefik", true) => {
                "let Traefik ask every second: `--providers.swarm.refreshSeconds=1`"
            }
            ("Traefik", false) => {
                "add the label `traefik.swarm.lbswarm=true` (Traefik 2: `traefik.docker.lbswarm=true`) \
                 under `deploy.labels`, or let Traefik ask every second: \
                 `--providers.swarm.refreshSeconds=1`"
            }
            _ => {
                "set `CADDY_DOCKER_POLLING_INTERVAL=1s` at the proxy, and `lb_try_duration` for retries"
            }
        }
    }
}

impl ServiceBody {
    /// The proxy whose labels the service has: `traefik` or `caddy`.
    #[must_use]
    pub fn proxy_labels(&self) -> Option<&'static str> {
        let labels = self.as_value()["Labels"].as_object()?;
        let is = |key: &str, wanted: &str| labels.get(key).is_some_and(|value| value == wanted);
        let routes = |key: &String| {
            key.starts_with("traefik.http.routers.") || key.starts_with("traefik.tcp.routers.")
        };
        let off = is("traefik.enable", "false");
        if is("traefik.enable", "true") || (!off && labels.keys().any(routes)) {
            return Some("traefik");
        }
        let caddy = labels.keys().any(|key| key == "caddy" || key.starts_with("caddy_"));
        caddy.then_some("caddy")
    }

    /// The proxy that polls for this service's tasks, `all` being the services of the stack. Absent if
    /// its labels name none, or have Swarm's virtual IP asked.
    #[must_use]
    pub fn proxy_polling(&self, all: &[Self]) -> Option<ProxyPolling> {
        let proxy = self.proxy_labels()?;
        let dnsrr = self.endpoint_mode() == ResolutionMode::Dnsrr;
        if proxy == "caddy" {
            let of = |body: &Self| {
                let env = body.variable("CADDY_DOCKER_POLLING_INTERVAL");
                let time = env.or_else(|| body.argument("polling-interval"))?;
                Some(super::duration(&time)?.as_secs_f64())
            };
            let every_s = all.iter().find_map(of).unwrap_or(CADDY);
            return Some(ProxyPolling { proxy: "caddy-docker-proxy".to_owned(), every_s, dnsrr });
        }
        let labels = &self.as_value()["Labels"];
        let through_swarm = [
            "traefik.swarm.lbswarm",
            "traefik.docker.lbswarm",
            "traefik.backend.loadbalancer.swarm",
        ]
        .iter()
        .any(|key| labels[key] == "true");
        // Traefik ignores it where there is no virtual IP.
        if through_swarm && !dnsrr {
            return None;
        }
        let of = |body: &Self| {
            let time = ["swarm", "docker"].into_iter().find_map(|provider| {
                let option = format!("providers.{provider}.refreshseconds");
                let variable = format!("traefik_{}", option.replace('.', "_"));
                body.argument(&option).or_else(|| body.variable(&variable))
            })?;
            let bare: Option<f64> = time.parse().ok();
            bare.or_else(|| Some(super::duration(&time)?.as_secs_f64()))
        };
        let every_s = all.iter().find_map(of).unwrap_or(TRAEFIK);
        Some(ProxyPolling { proxy: "Traefik".to_owned(), every_s, dnsrr })
    }

    /// The value of `--option=value` or `--option value` in its command, whatever the case of the option.
    fn argument(&self, option: &str) -> Option<String> {
        let container = &self.as_value()["TaskTemplate"]["ContainerSpec"];
        let words = ["Command", "Args"].into_iter().filter_map(|key| container[key].as_array());
        let mut words = words.flatten().filter_map(|word| word.as_str());
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else { continue };
            let (name, value) = match name.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (name, None),
            };
            if name.eq_ignore_ascii_case(option) {
                return value.or_else(|| words.next()).map(str::to_owned);
            }
        }
        None
    }

    /// The value of a variable of its environment, whatever the case of its name.
    fn variable(&self, name: &str) -> Option<String> {
        let container = &self.as_value()["TaskTemplate"]["ContainerSpec"];
        let mut pairs =
            container["Env"].as_array()?.iter().filter_map(|pair| pair.as_str()?.split_once('='));
        pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn routed(labels: &Value, mode: &str) -> ServiceBody {
        ServiceBody::new(json!({"Name": "s_app", "Labels": labels, "EndpointSpec": {"Mode": mode}}))
    }

    fn proxy(container: &Value) -> ServiceBody {
        ServiceBody::new(json!({"Name": "s_proxy", "TaskTemplate": {"ContainerSpec": container}}))
    }

    #[test]
    fn a_proxy_asks_as_often_as_it_is_told() {
        let app = || routed(&json!({"traefik.http.routers.a.rule": "Host(`a`)"}), "vip");
        let caddy = || routed(&json!({"caddy": "a.org"}), "vip");
        for (app, container, every) in [
            (app(), json!({}), 15.0),
            (app(), json!({"Args": ["--providers.swarm.refreshSeconds=1"]}), 1.0),
            (app(), json!({"Args": ["--providers.docker.refreshseconds=5s", "--api"]}), 5.0),
            (app(), json!({"Command": ["traefik", "--providers.swarm.refreshSeconds", "2"]}), 2.0),
            (app(), json!({"Env": ["TRAEFIK_PROVIDERS_SWARM_REFRESHSECONDS=3"]}), 3.0),
            (app(), json!({"Args": ["--providers.swarm.refreshSeconds=x"]}), 15.0),
            (caddy(), json!({}), 30.0),
            (caddy(), json!({"Env": ["CADDY_DOCKER_POLLING_INTERVAL=2s"]}), 2.0),
        ] {
            let found = app.proxy_polling(&[app.clone(), proxy(&container)]).unwrap();
            assert!((found.every_s - every).abs() < f64::EPSILON, "{container}: {found:?}");
            assert_eq!(found.is_late(), every > 2.0);
        }
    }

    #[test]
    fn the_virtual_ip_is_asked_where_a_label_says_so_and_there_is_one() {
        let labels = json!({"traefik.enable": "true", "traefik.swarm.lbswarm": "true"});
        assert_eq!(routed(&labels, "vip").proxy_polling(&[]), None);
        let without = routed(&labels, "dnsrr").proxy_polling(&[]).unwrap();
        assert!(without.dnsrr && !without.remedy().contains("lbswarm"), "{without:?}");
        let off = json!({"traefik.enable": "false", "traefik.http.routers.a.rule": "Host(`a`)"});
        assert_eq!(routed(&off, "vip").proxy_polling(&[]), None);
        assert_eq!(routed(&json!({}), "vip").proxy_polling(&[]), None);
    }
}
