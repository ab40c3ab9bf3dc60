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

    /// What a proxy is told to send here, each by the label that says so:
    /// ``traefik.http.routers.x.rule=Host(`a`) && PathPrefix(`/b`)``, in its first version
    /// `traefik.frontend.rule=Host:a;PathPrefix:/b`, and `caddy=a`.
    #[must_use]
    pub fn routes(&self) -> Vec<ProxyRoute> {
        let mut found: Vec<ProxyRoute> = Vec::new();
        for (key, value) in labels(self) {
            let caddy = key == "caddy"
                || key.strip_prefix("caddy_").is_some_and(|n| n.parse::<u32>().is_ok());
            let router = key.strip_prefix("traefik.http.routers.");
            let (hosts, paths) =
                if router.is_some_and(|rest| rest.split('.').nth(1) == Some("rule")) {
                    (of_rule(value, &["Host"]), of_rule(value, &["PathPrefix", "Path"]))
                } else if key.starts_with("traefik.") && key.ends_with("frontend.rule") {
                    (
                        of_first(value, &["Host"]),
                        of_first(value, &["PathPrefix", "PathPrefixStrip", "Path"]),
                    )
                } else if caddy {
                    (value.split([' ', ',']).map(without_scheme).collect(), Vec::new())
                } else {
                    continue;
                };
            let host = hosts.into_iter().find(|name| is_name(name)).map(str::to_owned);
            let path = paths.into_iter().find(|path| is_path(path)).map(str::to_owned);
            if host.is_some() || path.is_some() {
                found.push(ProxyRoute { host, path, label: key.to_owned() });
            }
        }
        // One with a name says more than one without.
        found.sort_by_key(|route| route.host.is_none());
        found
    }

    /// Whether labels tell Traefik that requests for this service come in TLS.
    #[must_use]
    pub fn is_routed_in_tls(&self) -> bool {
        labels(self).any(|(key, value)| {
            let router = key.to_ascii_lowercase();
            let rest =
                router.strip_prefix("traefik.http.routers.").and_then(|rest| rest.split_once('.'));
            rest.is_some_and(|(_, of)| of == "tls" && value != "false" || of.starts_with("tls."))
        })
    }

    /// Whether labels tell a proxy to take the beginning off the paths that it passes on.
    #[must_use]
    pub fn strips_paths(&self) -> bool {
        labels(self).any(|(key, value)| {
            let key = key.to_ascii_lowercase();
            let middleware = key.strip_prefix("traefik.http.middlewares.");
            let strips =
                |of: &str| ["stripprefix", "replacepath"].iter().any(|one| of.contains(one));
            middleware.is_some_and(strips)
                || key.ends_with("frontend.rule") && value.contains("PathPrefixStrip:")
        })
    }
}

/// What a proxy is told to send to a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRoute {
    /// The host name.
    pub host: Option<String>,
    /// The path, or what it begins with.
    pub path: Option<String>,
    /// The label that says so.
    pub label: String,
}

/// The labels of a service, then those of its containers.
fn labels(body: &ServiceBody) -> impl Iterator<Item = (&str, &str)> {
    let spec = body.as_value();
    let both = [&spec["Labels"], &spec["TaskTemplate"]["ContainerSpec"]["Labels"]];
    let pairs = both.into_iter().filter_map(Value::as_object).flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// What is in each ``Host(`a`, `b`)`` of a rule, for these matchers; not in `HostRegexp` and `!Host`.
fn of_rule<'a>(rule: &'a str, matchers: &[&str]) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in rule.match_indices('(') {
        let before = rule[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        if !matchers.contains(&&rule[before.len()..at]) || before.trim_end().ends_with('!') {
            continue;
        }
        let inside = rule[at + 1..].split(')').next().unwrap_or_default();
        found.extend(inside.split(',').map(|name| name.trim().trim_matches(['`', '"', '\''])));
    }
    found
}

/// The same for a rule of Traefik's first version: `Host:a,b;PathPrefix:/c`.
fn of_first<'a>(rule: &'a str, matchers: &[&str]) -> Vec<&'a str> {
    let parts = rule.split(';').filter_map(|part| part.trim().split_once(':'));
    let named = parts.filter(|(matcher, _)| matchers.contains(matcher));
    named.flat_map(|(_, names)| names.split(',').map(str::trim)).collect()
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

/// Whether it is a path that can be asked: no pattern, no variable.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~%".contains(c);
    path.starts_with('/') && path.chars().all(plain)
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
    fn routes_are_those_of_rules_that_name_a_host_or_a_path() {
        let of = |key, value| {
            let routes = body((key, value)).routes();
            let both = |route: ProxyRoute| [route.host, route.path].map(Option::unwrap_or_default);
            routes.into_iter().map(both).collect::<Vec<_>>()
        };
        let rule = "traefik.http.routers.a.rule";
        let first = "traefik.frontend.rule";
        for (key, value, host, path) in [
            (rule, "Host(`a.example.org`) && PathPrefix(`/api`)", "a.example.org", "/api"),
            (rule, "(Host(`a.org`) || Host(`b.org`)) && PathPrefix(`/api`)", "a.org", "/api"),
            (rule, "HostRegexp(`.+`) || (Host(\"c.org\", `b.org`))", "c.org", ""),
            (rule, "Host(`a.org`) && !PathPrefix(`/x`) && PathRegexp(`^/y`)", "a.org", ""),
            (rule, "Path(`/a/b`) && Method(`GET`)", "", "/a/b"),
            (first, "Host:a.org,b.org;PathPrefix:/x", "a.org", "/x"),
            (first, "PathPrefixStrip:/x", "", "/x"),
            ("caddy", "https://a.org:8443 b.org", "a.org", ""),
        ] {
            assert_eq!(of(key, value), [[host, path]], "{key}={value}");
        }
        for (key, value) in [
            (rule, "HostRegexp(`{host:.+}`)"),
            (rule, "!Host(`a.org`)"),
            (rule, "Host(``)"),
            (rule, "PathPrefix(`/{a:.*}`)"),
            ("traefik.tcp.routers.a.rule", "HostSNI(`a.org`)"),
            ("caddy", "*.a.org"),
            ("caddy.reverse_proxy", "a.org"),
        ] {
            assert!(of(key, value).is_empty(), "{key}={value}");
        }
        let both = ServiceBody::new(json!({"Labels": {
            "traefik.http.routers.a.rule": "PathPrefix(`/a`)", "traefik.http.routers.b.rule": "Host(`b.org`)",
        }}));
        assert_eq!(both.routes()[0].host.as_deref(), Some("b.org"));
    }

    #[test]
    fn requests_come_in_tls_where_a_router_says_so() {
        for (key, value, tls) in [
            ("traefik.http.routers.a.tls", "true", true),
            ("traefik.http.routers.a.tls.certResolver", "le", true),
            ("traefik.http.routers.a.tls", "false", false),
            ("traefik.http.routers.tls.rule", "Host(`a.org`)", false),
            ("traefik.tcp.routers.a.tls", "true", false),
        ] {
            assert_eq!(body((key, value)).is_routed_in_tls(), tls, "{key}={value}");
        }
    }

    #[test]
    fn paths_are_stripped_where_labels_say_so() {
        for (key, value, strips) in [
            ("traefik.http.middlewares.s.stripprefix.prefixes", "/api", true),
            ("traefik.http.middlewares.s.replacePathRegex.regex", "^/api/(.*)", true),
            ("traefik.frontend.rule", "PathPrefixStrip:/x", true),
            ("traefik.http.middlewares.s.redirectscheme.scheme", "https", false),
            ("traefik.http.routers.a.rule", "Host(`stripprefix.org`)", false),
        ] {
            assert_eq!(body((key, value)).strips_paths(), strips, "{key}={value}");
        }
    }
}
