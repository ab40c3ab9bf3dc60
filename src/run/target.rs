//! Which service is under test, and which address its users ask.

use super::begin::Run;
use super::scheme::Scheme;
use crate::engine::{NodeView, published_url};
use crate::error::{Error, Result};
use crate::observe::{ServiceSnapshot, Snapshot};
use crate::probe::StreamPlan;
use crate::stack::ServiceBody;
use crate::streams::Place;
use crate::swarm::{PortProtocol, PublishMode, TaskState};

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
    let (url, port) = if let Some(url) = &wish.url {
        (url.clone(), None)
    } else {
        let (scheme, port) = match wish.port {
            Some(port) => (wish.scheme.unwrap_or(Scheme::of_number(port)), port),
            None => find_port(services, wish.scheme)?,
        };
        let path = wish.path.as_deref().unwrap_or("/");
        (published_url(scheme.as_str(), published_host, port, path), Some(port))
    };
    Ok(Target { service: body.name().to_owned(), replicas: body.replicas(), port, url })
}

impl Run<'_> {
    /// A port in host mode is open only on the nodes that run a task of its service. In a swarm
    /// of several nodes, the address to ask is that of such a node.
    ///
    /// # Errors
    /// When the engine does not show the service, or the user stops the run.
    pub(super) async fn find_node_to_ask(&mut self) -> Result<()> {
        let plan = StreamPlan::new("users", &self.spec.subject.target.url, 1.0)?;
        let elsewhere = self.node_of(plan.port()).await?;
        if let Some(address) = &elsewhere
            && let Some(port) = self.spec.subject.target.port
        {
            let url = published_url(plan.scheme(), address, port, &plan.path());
            self.spec.subject.target.url = url;
        }
        let stack = elsewhere.unwrap_or_else(|| self.env.site.published_host.clone());
        for resolve in &mut self.spec.load.asking.asked.resolve {
            if resolve.to.is_none() {
                resolve.to = Some(stack.clone().into());
            }
        }
        Ok(())
    }

    /// Every address that users ask, by its name if it has one: first that of the subject.
    ///
    /// # Errors
    /// As of [`Run::find_node_to_ask`].
    pub(super) async fn addresses(&mut self) -> Result<Vec<(Option<String>, String)>> {
        let first = (self.spec.load.name.clone(), self.spec.subject.target.url.clone());
        let mut all = vec![first];
        for address in self.spec.load.also.clone() {
            let host = match &address.place {
                Place::Port { port, .. } => self.node_of(*port).await?,
                Place::Url(_) => None,
            };
            let host = host.unwrap_or_else(|| self.env.site.published_host.clone());
            all.push((address.name.clone(), address.url(&host)));
        }
        Ok(all)
    }

    /// The node that has this port open, unless it is the one whose engine is asked, or the port
    /// is open everywhere.
    async fn node_of(&mut self, port: u16) -> Result<Option<String>> {
        let services = &self.spec.subject.services;
        let Some((service, _)) = in_host_mode(services, port) else { return Ok(None) };
        let manager = &self.env.site.manager;
        // An engine that does not tell is asked where it answers itself.
        let (Ok(nodes), Ok(info)) = (manager.nodes().await, manager.info().await) else {
            return Ok(None);
        };
        if nodes.len() < 2 {
            return Ok(None);
        }
        self.service().await?;
        let snapshot = self.snapshots.borrow();
        Ok(elsewhere(&snapshot, &service, &nodes, &info.node_id).map(str::to_owned))
    }
}

/// The service that publishes this port in host mode.
fn in_host_mode(services: &[ServiceBody], port: u16) -> Option<(String, u16)> {
    let publishes = |body: &&ServiceBody| {
        body.published_ports()
            .iter()
            .any(|open| open.published == Some(port) && open.mode == PublishMode::Host)
    };
    Some((services.iter().find(publishes)?.name().to_owned(), port))
}

/// The address of the node that runs a task of a service, unless the manager that is asked for
/// everything runs one itself.
fn elsewhere<'a>(
    snapshot: &Snapshot,
    service: &str,
    nodes: &'a [NodeView],
    manager: &str,
) -> Option<&'a str> {
    let running = || {
        let found = snapshot.services.get(service).into_iter();
        let tasks = found.flat_map(ServiceSnapshot::current);
        tasks.filter(|task| task.state == TaskState::Running)
    };
    if running().any(|task| task.node == manager) {
        return None;
    }
    let of_node = |id: &str| nodes.iter().find(|node| node.id == id && node.state == "ready");
    let address = running().find_map(|task| of_node(&task.node))?.address.as_str();
    // A node that does not know its own address says so in this way.
    (!matches!(address, "" | "0.0.0.0" | "127.0.0.1")).then_some(address)
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
    if let Some(wanted) = wish.service.as_deref() {
        return services
            .iter()
            .find(|body| body.name() == wanted || short(body.name(), stack) == wanted)
            .ok_or_else(|| {
                Error::usage(format!("stack {stack} has no service `{wanted}`"))
                    .hint(format!("its services are: {}", names()))
            });
    }
    let some_replicated = services.iter().any(|body| body.replicas().is_some_and(|all| all > 0));
    let can_be = |body: &&ServiceBody| {
        !body.is_job()
            && if some_replicated { body.replicas() > Some(0) } else { body.replicas() != Some(0) }
    };
    let is_changed = |body: &ServiceBody| wish.among.iter().any(|name| name == body.name());
    let some_changed = services.iter().filter(can_be).any(is_changed);
    let replicated =
        services.iter().filter(can_be).filter(|body| !some_changed || is_changed(body));
    let rank = |body: &ServiceBody| (body.published_ports().is_empty(), body.replicas());
    let best = replicated.clone().map(rank).max();
    let mut candidates = replicated.filter(|body| Some(rank(body)) == best);
    match (candidates.next(), candidates.next()) {
        (Some(body), None) => Ok(body),
        (None, _) => Err(Error::usage(format!("stack {stack} has no service to update"))),
        (Some(_), Some(_)) => {
            Err(Error::usage("more than one service could be the one under test")
                .hint(format!("choose one with --service: {}", names())))
        }
    }
}

/// The only TCP port that the stack publishes, or the only one that is usual for a scheme.
fn find_port(services: &[ServiceBody], scheme: Option<Scheme>) -> Result<(Scheme, u16)> {
    let ports: Vec<(Scheme, u16)> = services
        .iter()
        .flat_map(ServiceBody::published_ports)
        .filter(|port| port.protocol == PortProtocol::Tcp)
        .filter_map(|port| Some((Scheme::of(&port), port.published?)))
        .collect();
    let usual = |wanted: Scheme| {
        let mut those = ports.iter().filter(|(usual, _)| *usual == wanted);
        those.next().filter(|_| those.next().is_none())
    };
    match (&ports[..], scheme) {
        ([(usual, port)], scheme) => Ok((scheme.unwrap_or(*usual), *port)),
        ([], _) => Err(Error::usage("the stack publishes no fixed TCP port to ask")
            .hint("name the address its users ask with --url http://host:port/path")),
        (_, Some(wanted)) if usual(wanted).is_some() => Ok(*usual(wanted).unwrap_or(&ports[0])),
        _ => {
            let numbers: Vec<u16> = ports.iter().map(|(_, port)| *port).collect();
            Err(Error::usage(format!("the stack publishes more than one port: {numbers:?}"))
                .hint("name the one its users ask with --url http://host:port/path")
                .hint("--scheme https chooses the only one that is 443 or 8443"))
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
    use crate::engine::ServiceView;
    use crate::record::TaskSeen;

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
        assert!(of(&two, None).unwrap_err().hints()[1].contains("--scheme"));
    }

    #[test]
    fn a_port_in_host_mode_is_asked_on_the_node_that_runs_its_task() {
        let mut services = stack();
        assert_eq!(in_host_mode(&services, 8080), None, "the ingress mesh answers on every node");
        services[0] = ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": [
            {"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "host"}]}}));
        assert_eq!(in_host_mode(&services, 8080), Some(("s_proxy".into(), 8080)));
        assert_eq!(in_host_mode(&services, 80), None);

        let node = |id: &str, address: &str| NodeView {
            id: id.into(),
            hostname: id.into(),
            address: address.into(),
            state: "ready".into(),
            availability: "active".into(),
            message: String::new(),
            manager: id == "m",
            reachability: String::new(),
            updated_at: None,
        };
        let nodes = [node("m", "10.0.0.11"), node("w", "10.0.0.12"), node("x", "0.0.0.0")];
        let on = |places: &[(&str, TaskState)]| {
            let task = |(node, state): &(&str, TaskState)| TaskSeen {
                task: format!("t-{node}"),
                service: "s_proxy".into(),
                slot: 1,
                node: (*node).into(),
                generation: 1,
                image: "i".into(),
                state: *state,
                desired: TaskState::Running,
                message: String::new(),
                error: String::new(),
                exit_code: None,
                container: String::new(),
                addresses: vec![],
            };
            let view = json!({"ID": "x", "Version": {"Index": 1}, "Spec": {"Name": "s_proxy"}});
            let found = ServiceSnapshot {
                view: ServiceView::parse(&view).unwrap(),
                generation: 1,
                tasks: places.iter().map(task).collect(),
                changed_at: crate::Offset::ZERO,
                state_since: crate::Offset::ZERO,
            };
            let services = [("s_proxy".to_owned(), found)].into();
            let snapshot = Snapshot { services, ..Snapshot::default() };
            elsewhere(&snapshot, "s_proxy", &nodes, "m")
        };
        let (running, starting) = (TaskState::Running, TaskState::Starting);
        assert_eq!(on(&[("w", running)]), Some("10.0.0.12"));
        assert_eq!(on(&[("w", running), ("m", running)]), None);
        assert_eq!(on(&[("w", running), ("m", starting)]), Some("10.0.0.12"));
        assert_eq!(on(&[("w", starting)]), None);
        assert_eq!(on(&[("x", running)]), None);
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let error = find_target(&stack(), "s", &wish(Some("web"), None), "h").unwrap_err();
        assert!(error.hints()[0].contains("proxy, app"), "{:?}", error.hints());
        let error = find_target(&stack()[1..], "s", &TargetWish::default(), "h").unwrap_err();
        assert!(error.hints()[0].contains("--url"), "{:?}", error.hints());
    }
}
