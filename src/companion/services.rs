//! The companion services: their names and the request bodies that create them.

use serde_json::{Value, json};

use crate::deploy::{COMPANION_MARK, OwnerMark};
use crate::engine::STACK_LABEL;
use crate::image::{COMPANION_APP, COMPANION_PROGRAM};
use crate::probe::ProbeOrder;
use crate::stack::ServiceBody;

/// A service that rollproof runs beside the stack under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompanionKind {
    /// Sends requests from inside the stack's network.
    Prober,
    /// Answers on a port of its node, and is never updated.
    Control,
    /// The same, but with an update that is built to lose requests.
    SelfTest,
}

impl CompanionKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Prober, Self::Control, Self::SelfTest];

    /// The service's name beside this stack.
    #[must_use]
    pub fn service(self, stack: &str) -> String {
        let name = match self {
            Self::Prober => "prober",
            Self::Control => "control",
            Self::SelfTest => "self-test",
        };
        format!("{stack}{COMPANION_MARK}{name}")
    }

    /// What it is called in messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Prober => "the prober inside the network",
            Self::Control => "the control target",
            Self::SelfTest => "the self-test's target",
        }
    }
}

/// The port on which the application listens.
const APP_PORT: u16 = 8000;

/// What all companion services of a run share.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The stack under test.
    pub stack: String,
    /// The marks of everything that the run creates.
    pub mark: OwnerMark,
    /// The image of the companions.
    pub image: String,
    /// The node they run on.
    pub node: String,
    /// The networks they join.
    pub networks: Vec<String>,
}

/// The prober that carries out `order`. With `capabilities` it may raise its own priority.
pub(super) fn prober(around: &Surroundings, order: &str, capabilities: bool) -> ServiceBody {
    let mut body = base(around, CompanionKind::Prober);
    let container = &mut body["TaskTemplate"]["ContainerSpec"];
    container["Command"] = json!([COMPANION_PROGRAM, "probe-agent"]);
    container["Env"] = json!([format!("{}={order}", ProbeOrder::VARIABLE)]);
    if capabilities {
        container["CapabilityAdd"] = json!(["CAP_SYS_NICE"]);
    }
    // A prober that has ended has reported everything; a restarted one would measure another time.
    body["TaskTemplate"]["RestartPolicy"] = json!({"Condition": "none"});
    // A single file, because rotating a log while it is followed can lose lines. The limit protects
    // the disk and is far above what a run writes.
    body["TaskTemplate"]["LogDriver"] =
        json!({"Name": "json-file", "Options": {"max-size": "2g", "max-file": "1"}});
    ServiceBody::new(body)
}

/// The application on a port of its node: the control target or the self-test's target.
pub(super) fn target(around: &Surroundings, kind: CompanionKind, port: u16) -> ServiceBody {
    let mut body = base(around, kind);
    let container = &mut body["TaskTemplate"]["ContainerSpec"];
    container["Command"] = json!([COMPANION_APP]);
    container["Healthcheck"] = json!({"Test": ["NONE"]});
    body["TaskTemplate"]["RestartPolicy"] = json!({"Condition": "any", "Delay": 0});
    // The only task stops before the new one starts, so nothing answers in between.
    body["UpdateConfig"] = json!({"Parallelism": 1, "Order": "stop-first"});
    body["EndpointSpec"]["Ports"] = json!([{
        "Protocol": "tcp",
        "TargetPort": APP_PORT,
        "PublishedPort": port,
        "PublishMode": "host",
    }]);
    ServiceBody::new(body)
}

fn base(around: &Surroundings, kind: CompanionKind) -> Value {
    let networks: Vec<_> = around.networks.iter().map(|name| json!({"Target": name})).collect();
    let mut body = json!({
        "Name": kind.service(&around.stack),
        "Labels": {STACK_LABEL: around.stack},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": around.image,
                "Labels": {STACK_LABEL: around.stack},
                "StopGracePeriod": 10_000_000_000_u64,
            },
            "Placement": {"Constraints": [format!("node.id == {}", around.node)]},
            "Networks": networks,
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        // Without a virtual IP they run on every kernel.
        "EndpointSpec": {"Mode": "dnsrr"},
    });
    around.mark.on_object(&mut body);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{OWNER_LABEL, RUN_LABEL};
    use crate::swarm::{Order, PublishMode, ResolutionMode};

    fn around() -> Surroundings {
        Surroundings {
            stack: "s".into(),
            mark: OwnerMark { owner: "o1".into(), run_id: "r1".into() },
            image: "companion:1".into(),
            node: "n1".into(),
            networks: vec!["s_web".into()],
        }
    }

    #[test]
    fn each_has_the_labels_of_the_stack_and_the_run() {
        let bodies = [
            prober(&around(), "{}", true),
            target(&around(), CompanionKind::Control, 20_000),
            target(&around(), CompanionKind::SelfTest, 20_001),
        ];
        let names: Vec<_> = bodies.iter().map(ServiceBody::name).collect();
        assert_eq!(names, ["s_rollproof-prober", "s_rollproof-control", "s_rollproof-self-test"]);
        for body in &bodies {
            assert_eq!(body.label(STACK_LABEL), Some("s"));
            assert_eq!(body.label(RUN_LABEL), Some("r1"));
            assert_eq!(body.label(OWNER_LABEL), Some("o1"));
            assert_eq!(body.networks(), ["s_web"]);
            assert_eq!(body.image(), "companion:1");
            assert_eq!(body.endpoint_mode(), ResolutionMode::Dnsrr);
            assert_eq!(body.effective_healthcheck(None), None);
            let placement = &body.as_value()["TaskTemplate"]["Placement"]["Constraints"];
            assert_eq!(placement, &json!(["node.id == n1"]));
        }
        assert_eq!(bodies[2].update_policy().order, Order::StopFirst);
        assert_eq!(bodies[1].published_ports()[0].published, Some(20_000));
        assert_eq!(bodies[1].published_ports()[0].mode, PublishMode::Host);
    }

    #[test]
    fn capabilities_are_requested_only_where_the_engine_supports_them() {
        let requested = |supported: bool| {
            let body = prober(&around(), "{}", supported);
            body.as_value()["TaskTemplate"]["ContainerSpec"].get("CapabilityAdd").cloned()
        };
        assert_eq!(requested(true), Some(json!(["CAP_SYS_NICE"])));
        assert_eq!(requested(false), None);
    }
}
