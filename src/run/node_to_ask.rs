//! The node to ask for a port, and the addresses that are asked.

use super::begin::Run;
use crate::engine::{NodeView, published_url};
use crate::error::Result;
use crate::observe::{ServiceSnapshot, Snapshot};
use crate::probe::StreamPlan;
use crate::stack::ServiceBody;
use crate::streams::Place;
use crate::swarm::{PublishMode, TaskState};

impl Run<'_> {
    /// A port in host mode is open only on the nodes that run a task of its service. In a swarm
    /// of several nodes, the address to ask is that of such a node.
    ///
    /// # Errors
    /// When the engine does not show the service, or the user stops the run.
    pub(super) async fn find_node_to_ask(&mut self) -> Result<()> {
        if self.spec.subject.target.inside {
            return Ok(());
        }
        let plan = StreamPlan::new("users", &self.spec.subject.target.url, 1.0)?;
        let elsewhere = self.node_of(plan.port()).await?;
        let resolves = &self.spec.load.asking.asked.resolve;
        let named = resolves.iter().any(|name| name.is_about(&plan.host_name(), plan.port()));
        if let Some(address) = &elsewhere
            && let Some(port) = self.spec.subject.target.port
            && !named
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

    /// Every address that users ask from outside, by its name if it has one: first that of the subject.
    ///
    /// # Errors
    /// As of [`Run::find_node_to_ask`].
    pub(super) async fn addresses(&mut self) -> Result<Vec<(Option<String>, String)>> {
        let target = &self.spec.subject.target;
        let first = (!target.inside).then(|| (self.spec.load.name.clone(), target.url.clone()));
        let mut all: Vec<(Option<String>, String)> = first.into_iter().collect();
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ServiceView;
    use crate::record::TaskSeen;

    #[test]
    fn a_port_in_host_mode_is_asked_on_the_node_that_runs_its_task() {
        let mut services =
            vec![ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": [
                {"TargetPort": 80, "PublishedPort": 8080}]}}))];
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
            labels: std::collections::BTreeMap::new(),
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
}
