//! What `deploy` may contain.

use super::rule::{NUMBER, PAIRS, Rule, Shape, TEXT, TEXTS, Type, WHOLE};

/// `deploy`; it may be empty.
pub(super) const DEPLOY: Rule = Rule::Either(&[
    Rule::Map(&Shape {
        keys: &[
            (2, "endpoint_mode", TEXT),
            (0, "labels", PAIRS),
            (0, "mode", TEXT),
            (0, "placement", PLACEMENT),
            (0, "replicas", WHOLE),
            (0, "resources", RESOURCES),
            (0, "restart_policy", RESTART_POLICY),
            (7, "rollback_config", UPDATE_CONFIG),
            (0, "update_config", UPDATE_CONFIG),
        ],
        ..Shape::CLOSED
    }),
    Rule::Plain(&[Type::Null]),
]);

const UPDATE_CONFIG: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "delay", Rule::Duration),
        (0, "failure_action", TEXT),
        (0, "max_failure_ratio", NUMBER),
        (0, "monitor", Rule::Duration),
        (4, "order", Rule::Word(&["start-first", "stop-first"])),
        (0, "parallelism", WHOLE),
    ],
    ..Shape::CLOSED
});

const RESTART_POLICY: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "condition", TEXT),
        (0, "delay", Rule::Duration),
        (0, "max_attempts", WHOLE),
        (0, "window", Rule::Duration),
    ],
    ..Shape::CLOSED
});

const PLACEMENT: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "constraints", TEXTS),
        (8, "max_replicas_per_node", WHOLE),
        (
            3,
            "preferences",
            Rule::List {
                item: &Rule::Map(&Shape { keys: &[(0, "spread", TEXT)], ..Shape::CLOSED }),
                unique: false,
            },
        ),
    ],
    ..Shape::CLOSED
});

const RESOURCES: Rule = Rule::Map(&Shape {
    keys: &[
        (
            0,
            "limits",
            Rule::Map(&Shape {
                keys: &[(0, "cpus", TEXT), (0, "memory", TEXT), (9, "pids", WHOLE)],
                ..Shape::CLOSED
            }),
        ),
        (
            0,
            "reservations",
            Rule::Map(&Shape {
                keys: &[
                    (0, "cpus", TEXT),
                    (5, "generic_resources", GENERIC_RESOURCES),
                    (0, "memory", TEXT),
                ],
                ..Shape::CLOSED
            }),
        ),
    ],
    ..Shape::CLOSED
});

const GENERIC_RESOURCES: Rule = Rule::List {
    item: &Rule::Map(&Shape {
        keys: &[(
            0,
            "discrete_resource_spec",
            Rule::Map(&Shape { keys: &[(0, "kind", TEXT), (0, "value", NUMBER)], ..Shape::CLOSED }),
        )],
        ..Shape::CLOSED
    }),
    unique: false,
};
