//! The request bodies of the companion services.

use serde_json::{Value, json};

use super::CompanionKind;
use crate::engine::{RUN_LABEL, STACK_LABEL};
use crate::image::{COMPANION, COMPANION_APP, COMPANION_PROGRAM};
use crate::probe::ProbeOrder;
use crate::stack::ServiceBody;

/// The port on which the application listens.
const APP_PORT: u16 = 8000;

/// What all companion services of a run have in common.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// The stack under test.
    pub stack: String,
    /// The run's id.
    pub run_id: String,
    /// The node they run on.
    pub node: String,
    /// The networks they are attached to.
    pub networks: Vec<String>,
}

/// The prober that does what `order` says. With `capabilities` it may go before other programs.
pub(super) fn prober(around: &Surroundings, order: &str, capabilities: bool) -> ServiceBody {
    let mut body = base(around, CompanionKind::Prober);
    let container = &mut body["TaskTemplate"]["ContainerSpec"];
    container["Command"] = json!([COMPANION_PROGRAM, "probe-agent"]);
    container["Env"] = json!([format!("{}={order}", ProbeOrder::VARIABLE)]);
    if capabilities {
        container["CapabilityAdd"] = json!(["CAP_SYS_NICE"]);
    }
    // One that ended has said all it had to say, and another would measure another time.
    body["TaskTemplate"]["RestartPolicy"] = json!({"Condition": "none"});
    // One file: a log that is turned over while it is followed can lose lines. The limit keeps
    // the disk safe, and is far beyond what a run writes.
    body["TaskTemplate"]["LogDriver"] =
        json!({"Name": "json-file", "Options": {"max-size": "2g", "max-file": "1"}});
    ServiceBody::new(body)
}

/// The application on a port of its node, as the control target or the self-test's target.
pub(super) fn target(around: &Surroundings, kind: CompanionKind, port: u16) -> ServiceBody {
    let mut body = base(around, kind);
    let container = &mut body["TaskTemplate"]["ContainerSpec"];
    container["Command"] = json!([COMPANION_APP]);
    container["Healthcheck"] = json!({"Test": ["NONE"]});
    body["TaskTemplate"]["RestartPolicy"] = json!({"Condition": "any", "Delay": 0});
    // The only task stops before the new one starts: for that time nobody answers.
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
    json!({
        "Name": kind.service(&around.stack),
        "Labels": {STACK_LABEL: around.stack, RUN_LABEL: around.run_id},
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": COMPANION,
                "Labels": {STACK_LABEL: around.stack},
                "StopGracePeriod": 10_000_000_000_u64,
            },
            "Placement": {"Constraints": [format!("node.id == {}", around.node)]},
            "Networks": networks,
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        // Without a virtual address they run on every kernel.
        "EndpointSpec": {"Mode": "dnsrr"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::Order;

    fn around() -> Surroundings {
        Surroundings {
            stack: "s".into(),
            run_id: "r1".into(),
            node: "n1".into(),
            networks: vec!["s_web".into()],
        }
    }

    #[test]
    fn each_is_marked_as_part_of_the_stack_and_of_the_run() {
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
            assert_eq!(body.networks(), ["s_web"]);
            assert_eq!(body.image(), COMPANION);
            assert_eq!(body.endpoint_mode(), "dnsrr");
            assert_eq!(body.effective_healthcheck(None), None);
            let placement = &body.as_value()["TaskTemplate"]["Placement"]["Constraints"];
            assert_eq!(placement, &json!(["node.id == n1"]));
        }
        assert_eq!(bodies[2].update_policy().order, Order::StopFirst);
        assert_eq!(bodies[1].published_ports()[0].published, Some(20_000));
        assert_eq!(bodies[1].published_ports()[0].mode, "host");
    }

    #[test]
    fn an_old_engine_is_not_asked_for_capabilities() {
        let asked = |with: bool| {
            let body = prober(&around(), "{}", with);
            body.as_value()["TaskTemplate"]["ContainerSpec"].get("CapabilityAdd").cloned()
        };
        assert_eq!(asked(true), Some(json!(["CAP_SYS_NICE"])));
        assert_eq!(asked(false), None);
    }
}
