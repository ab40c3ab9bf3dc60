//! Values for the tests of this module.

use super::{
    Connection, EngineFacts, Event, EventKind, Meta, NegativeControl, Outcome, Purpose, Route,
    SCHEMA_VERSION, Shot, StackFacts, StreamFacts, UserLimits,
};
use crate::Offset;
use crate::swarm::{FailureAction, Order, UpdatePolicy};

pub(crate) fn event(millis: i64) -> Event {
    let at = Offset::from_millis(millis);
    Event { at, seen: at, kind: EventKind::Caveat { text: "näher ≠ ganz".to_owned() } }
}

pub(crate) fn shot(millis: i64) -> Shot {
    let intended = Offset::from_millis(millis);
    Shot {
        intended,
        sent: Some(intended),
        tls: None,
        syn_resent: None,
        connected: None,
        first_byte: None,
        done: Some(intended + Offset::from_millis(3)),
        to: None,
        outcome: Outcome::Ok,
        unsent: None,
        status: Some(200),
        reused: false,
        replica: Some("0123456789ab".into()),
        slot: Some(1),
        version: Some("v1".into()),
        body: None,
        line: None,
        end: None,
        back: None,
    }
}

pub(crate) fn stream(name: &str) -> StreamFacts {
    StreamFacts {
        name: name.to_owned(),
        url: "http://127.0.0.1/".to_owned(),
        rate_hz: 100.0,
        deadline: 1.0,
        takes: None,
        connection: Connection::Fresh,
        purpose: Purpose::Users,
        route: Route::Published,
        held: None,
        address: None,
    }
}

pub(crate) fn policy() -> UpdatePolicy {
    UpdatePolicy {
        parallelism: 2,
        delay: 2.0,
        failure_action: FailureAction::Rollback,
        monitor: 5.0,
        max_failure_ratio: 0.0,
        order: Order::StopFirst,
    }
}

pub(crate) fn meta(streams: &[&str]) -> Meta {
    Meta {
        schema_version: SCHEMA_VERSION,
        run_id: "20261121-011409-4f2a".to_owned(),
        started_at: "2026-11-21T01:14:09Z".to_owned(),
        tool_version: "0.1.0".to_owned(),
        command: "verify".to_owned(),
        engine: EngineFacts {
            speed: None,
            version: "20.10.24".to_owned(),
            api: "1.41".to_owned(),
            kernel: "6.1.0".to_owned(),
            ipvs: false,
            nodes: 1,
            kind: "lab".to_owned(),
            clock_offset: Offset::ZERO,
        },
        stack: StackFacts {
            name: "demo".to_owned(),
            files: vec!["stack.yml".to_owned()],
            service: "demo_app".to_owned(),
            replicas: 3,
            update_config: policy(),
            rollback_config: policy(),
            healthcheck: None,
            places: std::collections::BTreeMap::new(),
            entry: None,
            healthcheck_off: false,
            own_url: None,
            polling: None,
            ports_moved: false,
            stand_in: false,
        },
        streams: streams.iter().map(|name| stream(name)).collect(),
        negative_control: NegativeControl::None,
        limits: UserLimits::default(),
        against: None,
        caveats: vec![],
    }
}
