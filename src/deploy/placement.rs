//! Services whose constraints no node fulfils, and labels of nodes that stand in for those of a swarm
//! that a private engine does not have.

use std::collections::BTreeMap;

use crate::Place;
use crate::engine::{Engine, NodeView};
use crate::error::Result;
use crate::stack::{Requests, ServiceBody};
use crate::swarm::{Spec, constraint_sides};
use crate::swarm_model::Node;
use crate::wording::counted;

/// Labels of nodes, by the node's id.
pub type NodeLabels = BTreeMap<String, BTreeMap<String, String>>;

/// Services that no node may run, or too few, and what helps.
#[derive(Debug, Default)]
pub(super) struct Homeless {
    /// The nodes that are missing, and for what.
    pub nodes: Vec<String>,
    /// What helps.
    pub hints: Vec<String>,
    /// Where the first of them is.
    pub place: Option<Place>,
}

/// The services that no node may run, or too few. `labelled` says that nodes get the labels that can
/// be made for them.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn homeless(
    engine: &Engine,
    requests: &Requests,
    labelled: bool,
) -> Result<Homeless> {
    let bound = |body: &ServiceBody| {
        let spec = Spec::of(body, None);
        !spec.constraints.is_empty() || !spec.host_ports.is_empty() || spec.max_per_node > 0
    };
    if !requests.services.iter().any(bound) {
        return Ok(Homeless::default());
    }
    let mut nodes = engine.nodes().await?;
    if labelled {
        let labels = labels_for(&nodes, &requests.services);
        for node in &mut nodes {
            node.labels.extend(labels.get(&node.id).cloned().unwrap_or_default());
        }
    }
    // A global service that no node may run has nothing to do, and Swarm is content with that.
    let found: Vec<(&ServiceBody, Spec)> = without_place(&nodes, &requests.services)
        .into_iter()
        .filter(|(_, spec)| !spec.global)
        .collect();
    let crowded: Vec<(&ServiceBody, usize, String)> = requests
        .services
        .iter()
        .filter_map(|body| too_few(&nodes, body).map(|(lacks, why)| (body, lacks, why)))
        .collect();
    let asks = |what: &str| {
        found.iter().any(|(_, spec)| spec.constraints.iter().any(|text| text.contains(what)))
    };
    let mut hints = Vec::new();
    if asks("node.role") && nodes.len() == 1 {
        hints.push("`rollproof lab up --nodes 2` starts a private swarm with a worker".to_owned());
    }
    if asks("node.labels.") {
        let or = if labelled { "" } else { "; --stand-ins labels the nodes of a private engine" };
        hints.push(format!("`docker node update --label-add KEY=VALUE NODE` labels a node{or}"));
    }
    if !crowded.is_empty() {
        hints.push("`rollproof lab up --nodes 3` starts a private swarm of 3 nodes".to_owned());
    }
    let places = &requests.service_places;
    let mut all = found.iter().map(|(body, _)| *body).chain(crowded.iter().map(|(body, ..)| *body));
    let place = all.next().and_then(|body| places.get(body.name()).cloned());
    let homeless = found.iter().map(|(body, spec)| {
        format!("a node for {} ({})", body.name(), spec.constraints.join(", "))
    });
    let crowded = crowded.iter().map(|(body, lacks, why)| {
        format!("{} more for {} ({why})", counted(*lacks as u64, "node"), body.name())
    });
    Ok(Homeless { nodes: homeless.chain(crowded).collect(), place, hints })
}

/// How many nodes a service lacks, and why, if there can be only so many of its tasks on each.
fn too_few(nodes: &[NodeView], body: &ServiceBody) -> Option<(usize, String)> {
    let spec = Spec::of(body, None);
    let there = nodes.iter().filter(|node| spec.fits(&of_view(node))).count();
    if spec.global || there == 0 {
        return None;
    }
    let (most, why) = match (spec.host_ports.first(), spec.max_per_node) {
        (Some(port), _) => (1, format!("each of its {} replicas has port {port}", spec.replicas)),
        (None, 0) => return None,
        (None, most) => (most, format!("{} replicas, {most} on each node", spec.replicas)),
    };
    let wanted = usize::try_from(spec.replicas.div_ceil(most)).unwrap_or(usize::MAX);
    wanted.checked_sub(there).filter(|lacks| *lacks > 0).map(|lacks| (lacks, why))
}

/// The labels that nodes lack for services that no node may run. All nodes that may get a label do, so
/// that every replica has a place.
#[must_use]
pub fn labels_for(nodes: &[NodeView], services: &[ServiceBody]) -> NodeLabels {
    let mut given = NodeLabels::new();
    for (_, spec) in without_place(nodes, services) {
        let wanted: BTreeMap<String, String> =
            spec.constraints.iter().filter_map(|text| label(text)).collect();
        for node in nodes {
            let labels = given.get(&node.id).cloned().unwrap_or_default();
            let taken = |(key, value): (&String, &String)| {
                let known = node.labels.get(key).or_else(|| labels.get(key));
                known.is_some_and(|known| known != value)
            };
            let mut labelled = node.clone();
            labelled.labels.extend(labels.clone());
            labelled.labels.extend(wanted.clone());
            if !wanted.iter().any(taken) && spec.fits(&of_view(&labelled)) {
                given.entry(node.id.clone()).or_default().extend(wanted.clone());
            }
        }
    }
    given
}

/// The services that none of these nodes may run. Those that want no replica need none.
fn without_place<'a>(
    nodes: &[NodeView],
    services: &'a [ServiceBody],
) -> Vec<(&'a ServiceBody, Spec)> {
    let specs = services.iter().filter(|body| body.replicas() != Some(0));
    let specs = specs.map(|body| (body, Spec::of(body, None)));
    specs.filter(|(_, spec)| !nodes.iter().any(|node| spec.fits(&of_view(node)))).collect()
}

fn of_view(node: &NodeView) -> Node {
    Node {
        hostname: node.hostname.clone(),
        manager: Some(node.manager),
        labels: Some(node.labels.clone()),
        ..Node::default()
    }
}

/// The label that a constraint asks for: `node.labels.storage == true`.
fn label(constraint: &str) -> Option<(String, String)> {
    let (key, equal, value) = constraint_sides(constraint)?;
    let key = key.strip_prefix("node.labels.").filter(|_| equal)?;
    Some((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(id: &str, manager: bool, labels: &[(&str, &str)]) -> NodeView {
        NodeView {
            id: id.into(),
            hostname: id.into(),
            address: String::new(),
            state: "ready".into(),
            availability: "active".into(),
            message: String::new(),
            manager,
            reachability: String::new(),
            updated_at: None,
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        }
    }

    fn service(name: &str, constraints: &[&str]) -> ServiceBody {
        ServiceBody::new(json!({"Name": name,
            "TaskTemplate": {"Placement": {"Constraints": constraints}}}))
    }

    fn labels(nodes: &[NodeView], services: &[ServiceBody]) -> Vec<(String, String, String)> {
        let all = labels_for(nodes, services).into_iter();
        all.flat_map(|(id, of)| of.into_iter().map(move |(k, v)| (id.clone(), k, v))).collect()
    }

    #[test]
    fn services_without_a_place_are_those_that_no_node_fits() {
        let nodes = [node("m", true, &[("ssd", "true")])];
        let services = [
            service("any", &[]),
            service("manager", &["node.role == manager", "node.labels.ssd==true"]),
            service("worker", &["node.role==worker"]),
            service("zone", &["node.labels.zone == a"]),
            service("not", &["node.labels.zone != a"]),
        ];
        let names: Vec<&str> =
            without_place(&nodes, &services).iter().map(|(body, _)| body.name()).collect();
        assert_eq!(names, ["worker", "zone"]);
    }

    #[test]
    fn replicas_that_do_not_fit_beside_each_other_lack_nodes() {
        let nodes = [node("m", true, &[]), node("w", false, &[])];
        let lacks = |replicas: u64, more: serde_json::Value| {
            let mut spec = json!({"Name": "s", "Mode": {"Replicated": {"Replicas": replicas}}});
            spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            too_few(&nodes, &ServiceBody::new(spec)).map(|(lacks, _)| lacks)
        };
        let port = json!({"EndpointSpec": {"Ports": [
            {"TargetPort": 80, "PublishedPort": 80, "PublishMode": "host"}]}});
        assert_eq!((lacks(2, port.clone()), lacks(5, port)), (None, Some(3)));
        let most = json!({"TaskTemplate": {"Placement": {"MaxReplicas": 2}}});
        assert_eq!((lacks(4, most.clone()), lacks(5, most)), (None, Some(1)));
        assert_eq!(lacks(9, json!({})), None);
        let manager = json!({"TaskTemplate": {"Placement": {"MaxReplicas": 1,
            "Constraints": ["node.role == manager"]}}});
        assert_eq!(lacks(2, manager), Some(1));
    }

    #[test]
    fn a_node_gets_the_labels_that_give_services_a_place() {
        let one = [node("m", true, &[])];
        let owned = |id: &str, k: &str, v: &str| (id.to_owned(), k.to_owned(), v.to_owned());
        let services = [
            service("a", &["node.labels.db == yes", "node.role == manager"]),
            service("b", &["node.labels.db==no"]),
            service("c", &["node.labels.ssd == true", "node.role == worker"]),
        ];
        // A label has one value, and no label makes a worker.
        assert_eq!(labels(&one, &services), [owned("m", "db", "yes")]);
        let two = [node("m", true, &[]), node("w", false, &[])];
        let found = labels(&two, &services);
        assert_eq!(
            found,
            [owned("m", "db", "yes"), owned("w", "db", "no"), owned("w", "ssd", "true")]
        );
        assert!(labels(&[node("m", true, &[("db", "yes")])], &services[..1]).is_empty());
    }
}
