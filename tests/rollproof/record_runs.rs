//! Runs made up for the tests of the record, the judge and the reports.

use rollproof::Offset;
use rollproof::record::{
    Connection, EngineFacts, Meta, NegativeControl, Outcome, Purpose, Route, SCHEMA_VERSION, Shot,
    StackFacts, StreamFacts, UserLimits,
};
use rollproof::swarm::{FailureAction, Order, UpdatePolicy};

/// Update settings as most stacks of this project have them.
pub fn policy(parallelism: u64) -> UpdatePolicy {
    UpdatePolicy {
        parallelism,
        delay: 2.0,
        failure_action: FailureAction::Rollback,
        monitor: 5.0,
        max_failure_ratio: 0.0,
        order: Order::StopFirst,
    }
}

/// Six replicas behind a proxy, one stream of 200 requests a second.
pub fn meta(parallelism: u64) -> Meta {
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
            files: vec!["stacks/replicated-dnsrr.yml".to_owned()],
            service: "demo_app".to_owned(),
            replicas: 6,
            update_config: policy(parallelism),
            rollback_config: policy(parallelism),
            healthcheck: None,
            places: std::collections::BTreeMap::new(),
            entry: None,
            healthcheck_off: false,
            own_url: None,
            polling: None,
            ports_moved: false,
            stand_in: false,
        },
        streams: vec![StreamFacts {
            held: None,
            address: None,
            name: "fresh".to_owned(),
            url: "http://127.0.0.1:8080/".to_owned(),
            rate_hz: 200.0,
            deadline: 1.0,
            takes: None,
            connection: Connection::Fresh,
            purpose: Purpose::Users,
            route: Route::Published,
        }],
        caveats: vec![],
        negative_control: NegativeControl::None,
        limits: UserLimits::default(),
        against: None,
    }
}

/// A request that was intended at `at` seconds and answered 3 ms later.
pub fn ok_shot(at: f64) -> Shot {
    let intended = Offset::from_secs_f64(at);
    Shot {
        intended,
        sent: Some(intended + Offset::from_nanos(100_000)),
        tls: None,
        syn_resent: None,
        connected: Some(intended + Offset::from_millis(1)),
        first_byte: Some(intended + Offset::from_millis(2)),
        done: Some(intended + Offset::from_millis(3)),
        outcome: Outcome::Ok,
        unsent: None,
        status: Some(200),
        reused: false,
        replica: None,
        slot: None,
        version: None,
        body: None,
        to: None,
        line: None,
        end: None,
        back: None,
    }
}
