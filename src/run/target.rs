//! Which service is under test, and which address its users ask.

use crate::engine::published_url;
use crate::error::{Error, Result};
use crate::stack::{PublishedPort, ServiceBody};

/// The service under test and the address its users ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The service, with the stack's prefix.
    pub service: String,
    /// Replicas wanted.
    pub replicas: u64,
    /// Port that the stack publishes; absent if the user named the address.
    pub port: Option<u16>,
    /// The address to ask.
    pub url: String,
}

/// What the user says about the service under test.
#[derive(Debug, Clone, Default)]
pub struct TargetWish {
    /// Its name, with or without the stack's prefix; absent: the one with the most replicas.
    pub service: Option<String>,
    /// The address that users ask; absent: the port that the stack publishes.
    pub url: Option<String>,
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
    let body = find_service(services, stack, wish.service.as_deref())?;
    let replicas = body.replicas().ok_or_else(|| {
        Error::usage(format!("service {} is not replicated", body.name()))
            .hint("choose a replicated service with --service")
    })?;
    let (url, port) = if let Some(url) = &wish.url {
        (url.clone(), None)
    } else {
        let port = find_port(services)?;
        (published_url(published_host, port), Some(port))
    };
    Ok(Target { service: body.name().to_owned(), replicas, port, url })
}

/// The named service, or the one with the most replicas that publishes no port itself.
fn find_service<'a>(
    services: &'a [ServiceBody],
    stack: &str,
    wanted: Option<&str>,
) -> Result<&'a ServiceBody> {
    let names = || {
        let names: Vec<&str> = services.iter().map(|body| short(body.name(), stack)).collect();
        names.join(", ")
    };
    if let Some(wanted) = wanted {
        return services
            .iter()
            .find(|body| body.name() == wanted || short(body.name(), stack) == wanted)
            .ok_or_else(|| {
                Error::usage(format!("stack {stack} has no service `{wanted}`"))
                    .hint(format!("its services are: {}", names()))
            });
    }
    let replicated = services.iter().filter(|body| body.replicas().is_some() && !body.is_job());
    let rank = |body: &ServiceBody| (body.published_ports().is_empty(), body.replicas());
    let best = replicated.clone().map(rank).max();
    let mut candidates = replicated.filter(|body| Some(rank(body)) == best);
    match (candidates.next(), candidates.next()) {
        (Some(body), None) => Ok(body),
        (None, _) => {
            Err(Error::usage(format!("stack {stack} has no replicated service to update")))
        }
        (Some(_), Some(_)) => {
            Err(Error::usage("more than one service could be the one under test")
                .hint(format!("choose one with --service: {}", names())))
        }
    }
}

/// The only TCP port that the stack publishes.
fn find_port(services: &[ServiceBody]) -> Result<u16> {
    let usable = |port: &PublishedPort| port.protocol == "tcp" && port.published.is_some();
    let ports: Vec<u16> = services
        .iter()
        .flat_map(ServiceBody::published_ports)
        .filter(usable)
        .filter_map(|port| port.published)
        .collect();
    match ports[..] {
        [port] => Ok(port),
        [] => Err(Error::usage("the stack publishes no fixed TCP port to ask")
            .hint("name the address its users ask with --url http://host:port/path")),
        _ => Err(Error::usage(format!("the stack publishes more than one port: {ports:?}"))
            .hint("name the one its users ask with --url http://host:port/path")),
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
        TargetWish { service: service.map(str::to_owned), url: url.map(str::to_owned) }
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
        assert_eq!((target.service.as_str(), target.replicas), ("s_app", 6));
        assert_eq!(target.url, "http://10.0.0.2:8080/");
        let named =
            find_target(&stack(), "s", &wish(Some("proxy"), Some("http://x/")), "h").unwrap();
        assert_eq!((named.service.as_str(), named.url.as_str()), ("s_proxy", "http://x/"));
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let error = find_target(&stack(), "s", &wish(Some("web"), None), "h").unwrap_err();
        assert!(error.hints()[0].contains("proxy, app"), "{:?}", error.hints());
        let error = find_target(&stack()[1..], "s", &TargetWish::default(), "h").unwrap_err();
        assert!(error.hints()[0].contains("--url"), "{:?}", error.hints());
    }
}
