//! Which service is under test, and which address its users ask.

use super::next_changes::NextChanges;
use super::scheme::Scheme;
use crate::engine::published_url;
use crate::error::{Error, Result};
use crate::stack::ServiceBody;
use crate::swarm::PortProtocol;
use crate::wording::{list, nearest};

/// The service under test and the address its users ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The service, with the stack's prefix.
    pub service: String,
    /// Replicas wanted; absent for a service with one task a node.
    pub replicas: Option<u64>,
    /// Port that the stack publishes; absent if the user named the address.
    pub port: Option<u16>,
    /// The address to ask.
    pub url: String,
    /// The path that the user wants to be asked; absent: that of the service's route, or `/`.
    pub path: Option<String>,
    /// The path to ask inside the network, if a proxy takes something off the one in the address.
    pub inside_path: Option<String>,
    /// Whether the address is the service's name inside its network, and nothing outside of it is asked.
    pub inside: bool,
}

/// What the user says about the service under test.
#[derive(Debug, Clone, Default)]
pub struct TargetWish {
    /// Its name, with or without the stack's prefix; absent: the one with the most replicas.
    pub service: Option<String>,
    /// The address that users ask; absent: the port that the stack publishes.
    pub url: Option<String>,
    /// The port that users ask at the stack's address; absent: the only one that it publishes.
    pub port: Option<u16>,
    /// How the port that the stack publishes is asked; absent: by its number.
    pub scheme: Option<Scheme>,
    /// The path that users ask at the port that the stack publishes; absent: `/`.
    pub path: Option<String>,
    /// The services that are changed: one of them is under test if no service is named.
    pub among: Vec<String>,
    /// The services that are removed: none of them can be under test.
    pub gone: Vec<String>,
}

impl TargetWish {
    /// Takes into account what the next version changes.
    pub fn after(&mut self, next: &NextChanges) {
        self.among = next.changed_names();
        self.gone.clone_from(&next.removed);
    }
}

/// Finds the service under test and the address to ask.
///
/// # Errors
/// When a given name matches nothing, or the stack leaves more than one choice.
pub fn find_target(
    services: &[ServiceBody],
    stack: &str,
    wish: &TargetWish,
    published_host: &str,
) -> Result<Target> {
    let body = find_service(services, stack, wish)?;
    if body.is_job() {
        return Err(Error::usage(format!(
            "service {} is a job: it has no update to test",
            body.name()
        ))
        .hint("choose another service with --service"));
    }
    let path = wish.path.as_deref().unwrap_or("/");
    let published = match (&wish.url, wish.port) {
        (Some(_), _) => None,
        (None, Some(port)) => Some((wish.scheme.unwrap_or(Scheme::of_number(port)), port)),
        (None, None) => find_port(services, body, wish.scheme)?,
    };
    let (url, inside) = match (&wish.url, published) {
        (Some(url), _) => (url.clone(), false),
        (None, Some((scheme, port))) => {
            (published_url(scheme.as_str(), published_host, port, path), false)
        }
        (None, None) => (inside_url(body.name(), path), true),
    };
    let port = published.map(|(_, port)| port);
    Ok(Target {
        service: body.name().to_owned(),
        replicas: body.replicas(),
        port,
        url,
        path: wish.path.clone(),
        inside_path: None,
        inside,
    })
}

/// Where other services of the stack ask a service. Its port is not known before its image is.
pub(super) fn inside_url(service: &str, path: &str) -> String {
    format!("http://{service}{path}")
}

/// The named service, or the one with the most replicas that publishes no port itself.
pub(super) fn find_service<'a>(
    services: &'a [ServiceBody],
    stack: &str,
    wish: &TargetWish,
) -> Result<&'a ServiceBody> {
    let names = || {
        let names: Vec<&str> = services.iter().map(|body| short(body.name(), stack)).collect();
        names.join(", ")
    };
    let is_gone = |body: &ServiceBody| wish.gone.iter().any(|name| name == body.name());
    if let Some(wanted) = wish.service.as_deref() {
        let is_wanted =
            |body: &&ServiceBody| body.name() == wanted || short(body.name(), stack) == wanted;
        let found = services.iter().find(is_wanted).ok_or_else(|| {
            let error = Error::usage(format!("stack {stack} has no service `{wanted}`"));
            match nearest(wanted, services.iter().map(|body| short(body.name(), stack))) {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None => error,
            }
            .hint(format!("its services are: {}", names()))
        })?;
        if !wish.among.is_empty()
            && !wish.among.iter().any(|name| name == found.name())
            && !is_gone(found)
        {
            let names: Vec<&str> = wish.among.iter().map(|name| short(name, stack)).collect();
            return Err(Error::usage(format!(
                "the next version does not change {}, the service under test",
                found.name()
            ))
            .hint(format!("it changes {}", list(&names))));
        }
        if is_gone(found) {
            return Err(Error::usage(format!(
                "the next version removes {}, the service under test",
                found.name()
            ))
            .hint("--service names one that stays"));
        }
        return Ok(found);
    }
    let some_replicated = services.iter().any(|body| body.replicas().is_some_and(|all| all > 0));
    let can_be = |body: &&ServiceBody| {
        !body.is_job()
            && !is_gone(body)
            && if some_replicated { body.replicas() > Some(0) } else { body.replicas() != Some(0) }
    };
    let is_changed = |body: &ServiceBody| wish.among.iter().any(|name| name == body.name());
    let some_changed = services.iter().filter(can_be).any(is_changed);
    let replicated =
        services.iter().filter(can_be).filter(|body| !some_changed || is_changed(body));
    let rank = |body: &ServiceBody| (body.published_ports().is_empty(), body.replicas());
    let highest = replicated.clone().map(rank).max();
    let best: Vec<&ServiceBody> = replicated.filter(|body| Some(rank(body)) == highest).collect();
    match best[..] {
        [body] => Ok(body),
        [] => Err(Error::usage(format!("stack {stack} has no service to update"))),
        _ => {
            let candidates: Vec<&str> = best.iter().map(|body| short(body.name(), stack)).collect();
            Err(Error::usage("more than one service could be the one under test")
                .hint(format!("choose one with --service: {}", list(&candidates))))
        }
    }
}

/// The TCP port that users ask: the only one that the service under test publishes, else the only one
/// that the stack does, or the only one of these that is usual for a scheme. Absent if the stack
/// publishes none.
fn find_port(
    services: &[ServiceBody],
    under_test: &ServiceBody,
    scheme: Option<Scheme>,
) -> Result<Option<(Scheme, u16)>> {
    let of = |body: &ServiceBody| -> Vec<(Scheme, u16, String)> {
        let ports = body.published_ports().into_iter();
        let tcp = ports.filter(|port| port.protocol == PortProtocol::Tcp);
        tcp.filter_map(|port| Some((Scheme::of(&port), port.published?, body.name().to_owned())))
            .collect()
    };
    let own = of(under_test);
    let ports = if own.is_empty() { services.iter().flat_map(of).collect() } else { own };
    let usual = |wanted: Scheme| {
        let mut those = ports.iter().filter(|(usual, ..)| *usual == wanted);
        those.next().filter(|_| those.next().is_none())
    };
    match (&ports[..], scheme) {
        ([], _) => Ok(None),
        ([(usual, port, _)], scheme) => Ok(Some((scheme.unwrap_or(*usual), *port))),
        (_, Some(wanted)) if usual(wanted).is_some() => {
            Ok(usual(wanted).map(|(scheme, port, _)| (*scheme, *port)))
        }
        // Of several ports, a proxy that is told to send https here has the one that is usual for it.
        _ if under_test.is_routed_in_tls() && usual(Scheme::Https).is_some() => {
            Ok(usual(Scheme::Https).map(|(scheme, port, _)| (*scheme, *port)))
        }
        _ => {
            let each: Vec<String> =
                ports.iter().map(|(_, port, service)| format!("{port} ({service})")).collect();
            let error =
                Error::usage(format!("the stack publishes {} ports: {}", each.len(), list(&each)))
                    .hint(format!("name the one that users ask: --url :{}", ports[0].1));
            Err(if usual(Scheme::Https).is_some() {
                error.hint("--scheme https chooses the only one that is 443 or 8443")
            } else {
                error
            })
        }
    }
}

fn short<'a>(name: &'a str, stack: &str) -> &'a str {
    name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wish(service: Option<&str>, url: Option<&str>) -> TargetWish {
        let owned = |word: Option<&str>| word.map(str::to_owned);
        TargetWish { service: owned(service), url: owned(url), ..TargetWish::default() }
    }

    fn stack() -> Vec<ServiceBody> {
        vec![
            ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": [
                {"TargetPort": 80, "PublishedPort": 8080}]}})),
            ServiceBody::new(json!({"Name": "s_app", "Mode": {"Replicated": {"Replicas": 6}}})),
        ]
    }

    #[test]
    fn the_replicated_service_behind_the_only_port_is_found() {
        let target = find_target(&stack(), "s", &TargetWish::default(), "10.0.0.2").unwrap();
        assert_eq!((target.service.as_str(), target.replicas), ("s_app", Some(6)));
        assert_eq!(target.url, "http://10.0.0.2:8080/");
        let wished = TargetWish { path: Some("/health?deep=1".into()), ..TargetWish::default() };
        let target = find_target(&stack(), "s", &wished, "fd00::2").unwrap();
        assert_eq!(target.url, "http://[fd00::2]:8080/health?deep=1");
        let named =
            find_target(&stack(), "s", &wish(Some("proxy"), Some("http://x/")), "h").unwrap();
        assert_eq!((named.service.as_str(), named.url.as_str()), ("s_proxy", "http://x/"));
    }

    #[test]
    fn a_global_service_is_found_where_there_is_no_other_and_a_job_never() {
        let with = |mode: serde_json::Value| {
            let mut stack = stack();
            stack[1] = ServiceBody::new(json!({"Name": "s_app", "Mode": mode}));
            stack
        };
        let of = |mode: serde_json::Value, service| {
            let found = find_target(&with(mode), "s", &wish(service, None), "h");
            found.map(|target| (target.service, target.replicas))
        };
        assert_eq!(of(json!({"Global": {}}), Some("app")).unwrap(), ("s_app".into(), None));
        assert_eq!(of(json!({"Global": {}}), None).unwrap(), ("s_proxy".into(), Some(1)));
        assert_eq!(of(json!({"Replicated": {"Replicas": 0}}), None).unwrap().0, "s_proxy");
        assert!(of(json!({"ReplicatedJob": {}}), Some("app")).is_err());
        let alone = &with(json!({"Global": {}}))[1..];
        let url = wish(None, Some("http://x/"));
        assert_eq!(find_target(alone, "s", &url, "h").unwrap().service, "s_app");
    }

    #[test]
    fn https_is_asked_where_it_is_usual_or_wanted() {
        let stack = |ports: serde_json::Value| {
            vec![
                ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": ports}})),
                ServiceBody::new(json!({"Name": "s_app", "Mode": {"Replicated": {"Replicas": 6}}})),
            ]
        };
        let of = |ports: &serde_json::Value, scheme| {
            let wish = TargetWish { scheme, ..TargetWish::default() };
            find_target(&stack(ports.clone()), "s", &wish, "h").map(|target| target.url)
        };
        let one = json!([{"TargetPort": 443, "PublishedPort": 9000}]);
        assert_eq!(of(&one, None).unwrap(), "https://h:9000/");
        assert_eq!(of(&one, Some(Scheme::Http)).unwrap(), "http://h:9000/");
        let two = json!([{"TargetPort": 80, "PublishedPort": 80},
            {"TargetPort": 443, "PublishedPort": 443}]);
        assert_eq!(of(&two, Some(Scheme::Https)).unwrap(), "https://h:443/");
        assert_eq!(of(&two, Some(Scheme::Http)).unwrap(), "http://h:80/");
        let error = of(&two, None).unwrap_err();
        assert_eq!(error.message(), "the stack publishes 2 ports: 80 (s_proxy) and 443 (s_proxy)");
        assert!(error.hints()[0].contains("--url :80"), "{:?}", error.hints());
        assert!(error.hints()[1].contains("--scheme"), "{:?}", error.hints());
    }

    #[test]
    fn of_several_ports_a_service_that_a_proxy_routes_in_tls_is_asked_in_https() {
        let with = |label: &str, ports: &[u16]| {
            let open = |port| json!({"TargetPort": port, "PublishedPort": port});
            let ports: Vec<_> = ports.iter().map(open).collect();
            let stack = [
                ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": ports}})),
                ServiceBody::new(json!({"Name": "s_app", "Labels": {label: "true"},
                    "Mode": {"Replicated": {"Replicas": 6}}})),
            ];
            find_target(&stack, "s", &TargetWish::default(), "h").map(|target| target.url)
        };
        let tls = "traefik.http.routers.app.tls";
        assert_eq!(with(tls, &[80, 443, 8080]).unwrap(), "https://h:443/");
        assert_eq!(with(tls, &[80]).unwrap(), "http://h:80/");
        assert!(with(tls, &[443, 8443]).is_err());
        assert!(with("traefik.enable", &[80, 443]).is_err());
    }

    #[test]
    fn a_service_that_publishes_a_port_is_asked_there_whatever_others_publish() {
        let service = |name: &str, ports: serde_json::Value, replicas: u64| {
            ServiceBody::new(json!({"Name": name, "EndpointSpec": {"Ports": ports},
                "Mode": {"Replicated": {"Replicas": replicas}}}))
        };
        let port = |published: u16| json!([{"TargetPort": 80, "PublishedPort": published}]);
        let stack = [service("s_vote", port(5000), 2), service("s_result", port(5001), 1)];
        let target = find_target(&stack, "s", &TargetWish::default(), "h").unwrap();
        assert_eq!((target.service.as_str(), target.url.as_str()), ("s_vote", "http://h:5000/"));
        let stack = [service("s_a", json!([]), 2), service("s_b", json!([]), 1)];
        let target = find_target(&stack, "s", &TargetWish::default(), "h").unwrap();
        assert_eq!((target.url.as_str(), target.port, target.inside), ("http://s_a/", None, true));
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let error = find_target(&stack(), "s", &wish(Some("web"), None), "h").unwrap_err();
        assert!(error.hints()[0].contains("proxy, app"), "{:?}", error.hints());
    }
}
