//! What labels tell a proxy that reads them from the swarm: Traefik, and caddy-docker-proxy.

use serde_json::Value;

use super::ServiceBody;

impl ServiceBody {
    /// The ports to which a proxy is told to send requests:
    /// `traefik.http.services.x.loadbalancer.server.port=3000`, in Traefik's first version
    /// `traefik.port`, and `caddy.reverse_proxy={{upstreams 3000}}`.
    #[must_use]
    pub fn routed_ports(&self) -> Vec<u16> {
        let mut ports: Vec<u16> = labels(self)
            .filter_map(|(key, value)| {
                if key.starts_with("traefik.") {
                    let port = key.ends_with(".loadbalancer.server.port") || key == "traefik.port";
                    return value.parse().ok().filter(|_| port);
                }
                let caddy = key.starts_with("caddy") && key.ends_with("reverse_proxy");
                let (_, upstreams) = value.split_once("{{upstreams").filter(|_| caddy)?;
                let (inside, _) = upstreams.split_once("}}")?;
                match inside.split_whitespace().last() {
                    None | Some("http") => Some(80),
                    Some("https") => Some(443),
                    Some(port) => port.parse().ok(),
                }
            })
            .filter(|port| *port > 0)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// The host names by which a proxy is told to send requests here, each with the label that says
    /// so: ``traefik.http.routers.x.rule=Host(`a`)``, in its first version
    /// `traefik.frontend.rule=Host:a`, and `caddy=a`.
    #[must_use]
    pub fn routed_hosts(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        for (key, value) in labels(self) {
            let caddy = key == "caddy"
                || key.strip_prefix("caddy_").is_some_and(|n| n.parse::<u32>().is_ok());
            let router = key.strip_prefix("traefik.http.routers.");
            let names: Vec<&str> =
                if router.is_some_and(|rest| rest.split('.').nth(1) == Some("rule")) {
                    of_rule(value)
                } else if key.starts_with("traefik.") && key.ends_with("frontend.rule") {
                    let rule = value.split(';').find_map(|rule| rule.trim().strip_prefix("Host:"));
                    rule.unwrap_or_default().split(',').map(str::trim).collect()
                } else if caddy {
                    value.split([' ', ',']).map(without_scheme).collect()
                } else {
                    continue;
                };
            for name in names.into_iter().filter(|name| is_name(name)) {
                if found.iter().all(|(known, _)| known != name) {
                    found.push((name.to_owned(), key.to_owned()));
                }
            }
        }
        found
    }
}

/// The labels of a service, then those of its containers.
fn labels(body: &ServiceBody) -> impl Iterator<Item = (&str, &str)> {
    let spec = body.as_value();
    let both = [&spec["Labels"], &spec["TaskTemplate"]["ContainerSpec"]["Labels"]];
    let pairs = both.into_iter().filter_map(Value::as_object).flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// The names in each ``Host(`a`, `b`)`` of a rule; not those of `HostRegexp`, `HostSNI` and `!Host`.
fn of_rule(rule: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, call) in rule.match_indices("Host(") {
        let before = rule[..at].trim_end().chars().next_back();
        if before.is_some_and(|c| c == '!' || c.is_ascii_alphanumeric()) {
            continue;
        }
        let inside = rule[at + call.len()..].split(')').next().unwrap_or_default();
        names.extend(inside.split(',').map(|name| name.trim().trim_matches(['`', '"', '\''])));
    }
    names
}

/// A site of a Caddyfile without its scheme and port.
fn without_scheme(site: &str) -> &str {
    let name = site.split_once("://").map_or(site, |(_, name)| name);
    name.split(['/', ':']).next().unwrap_or(name)
}

/// Whether it can be the name of one host: no pattern, no variable.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !name.is_empty()
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(label: (&str, &str)) -> ServiceBody {
        ServiceBody::new(json!({"Labels": {label.0: label.1}}))
    }

    #[test]
    fn ports_are_those_of_labels_that_a_proxy_reads() {
        let of = |key, value| body((key, value)).routed_ports();
        assert_eq!(of("traefik.http.services.a.loadbalancer.server.port", "3000"), [3000]);
        assert_eq!(of("traefik.port", "8080"), [8080]);
        assert_eq!(of("caddy_1.reverse_proxy", "{{upstreams http 3001}}"), [3001]);
        assert_eq!(of("caddy.reverse_proxy", "{{upstreams}}"), [80]);
        assert_eq!(of("caddy.0_reverse_proxy", "/api {{upstreams 9000}}"), [9000]);
        for (key, value) in [("traefik.weight", "1"), ("port", "80"), ("traefik.port", "x")] {
            assert!(of(key, value).is_empty(), "{key}");
        }
    }

    #[test]
    fn hosts_are_those_of_rules_that_name_one() {
        let of = |key, value| {
            let hosts = body((key, value)).routed_hosts();
            hosts.into_iter().map(|(host, _)| host).collect::<Vec<_>>()
        };
        let rule = "traefik.http.routers.a.rule";
        assert_eq!(of(rule, "Host(`a.example.org`) && PathPrefix(`/api`)"), ["a.example.org"]);
        assert_eq!(
            of(rule, "Host(`a.org`, `b.org`) || (Host(\"c.org\"))"),
            ["a.org", "b.org", "c.org"]
        );
        assert_eq!(
            of("traefik.frontend.rule", "Host:a.org,b.org;PathPrefix:/x"),
            ["a.org", "b.org"]
        );
        assert_eq!(of("caddy", "https://a.org:8443 b.org"), ["a.org", "b.org"]);
        for (key, value) in [
            (rule, "HostRegexp(`{host:.+}`)"),
            (rule, "!Host(`a.org`)"),
            (rule, "Host(``)"),
            (rule, "PathPrefix(`/`)"),
            ("traefik.tcp.routers.a.rule", "HostSNI(`a.org`)"),
            ("caddy", "*.a.org"),
            ("caddy.reverse_proxy", "a.org"),
        ] {
            assert!(of(key, value).is_empty(), "{key}={value}");
        }
    }
}
