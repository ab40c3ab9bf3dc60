//! What a service may contain, `deploy` included.

use super::rule::{
    BOOL, COMMAND, NUMBER, Names, OPTIONS, PAIRS, Rule, Shape, TEXT, TEXT_OR_SET, TEXT_SET, TEXTS,
    Type, WHOLE,
};

/// A service.
pub(super) const SERVICE: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "build", BUILD),
        (0, "cap_add", TEXT_SET),
        (0, "cap_drop", TEXT_SET),
        (0, "cgroup_parent", TEXT),
        (9, "cgroupns_mode", TEXT),
        (0, "command", COMMAND),
        (3, "configs", FILES),
        (0, "container_name", TEXT),
        (3, "credential_spec", CREDENTIAL_SPEC),
        (0, "depends_on", TEXT_SET),
        (0, "deploy", DEPLOY),
        (0, "devices", TEXT_SET),
        (0, "dns", TEXT_OR_SET),
        (0, "dns_search", TEXT_OR_SET),
        (0, "domainname", TEXT),
        (0, "entrypoint", COMMAND),
        (0, "env_file", TEXT_OR_SET),
        (0, "environment", PAIRS),
        (0, "expose", Rule::List { item: &Rule::Plain(&[Type::Text, Type::Number]), unique: true }),
        (0, "external_links", TEXT_SET),
        (0, "extra_hosts", PAIRS),
        (0, "healthcheck", HEALTHCHECK),
        (0, "hostname", TEXT),
        (0, "image", TEXT),
        (7, "init", BOOL),
        (0, "ipc", TEXT),
        (5, "isolation", TEXT),
        (0, "labels", PAIRS),
        (0, "links", TEXT_SET),
        (0, "logging", LOGGING),
        (0, "mac_address", TEXT),
        (0, "network_mode", TEXT),
        (0, "networks", NETWORKS),
        (13, "oom_score_adj", WHOLE),
        (0, "pid", Rule::Plain(&[Type::Text, Type::Null])),
        (0, "ports", PORTS),
        (0, "privileged", BOOL),
        (0, "read_only", BOOL),
        (0, "restart", TEXT),
        (1, "secrets", FILES),
        (0, "security_opt", TEXT_SET),
        (0, "shm_size", Rule::Plain(&[Type::Number, Type::Text])),
        (0, "stdin_open", BOOL),
        (0, "stop_grace_period", Rule::Duration),
        (0, "stop_signal", TEXT),
        (0, "sysctls", PAIRS),
        (0, "tmpfs", TEXT_OR_SET),
        (0, "tty", BOOL),
        (0, "ulimits", ULIMITS),
        (0, "user", TEXT),
        (0, "userns_mode", TEXT),
        (0, "volumes", VOLUMES),
        (0, "working_dir", TEXT),
    ],
    extensions: Some(7),
    ..Shape::CLOSED
});

const BUILD: Rule = Rule::Either(&[
    TEXT,
    Rule::Map(&Shape {
        keys: &[
            (0, "args", PAIRS),
            (2, "cache_from", TEXT_SET),
            (0, "context", TEXT),
            (0, "dockerfile", TEXT),
            (9, "extra_hosts", PAIRS),
            (3, "labels", PAIRS),
            (4, "network", TEXT),
            (5, "shm_size", Rule::Plain(&[Type::Whole, Type::Text])),
            (4, "target", TEXT),
        ],
        open: Some(11),
        ..Shape::CLOSED
    }),
]);

/// References to secrets and configs.
const FILES: Rule = Rule::List {
    item: &Rule::Either(&[
        TEXT,
        Rule::Map(&Shape {
            keys: &[
                (0, "gid", TEXT),
                (0, "mode", NUMBER),
                (0, "source", TEXT),
                (0, "target", TEXT),
                (0, "uid", TEXT),
            ],
            open: Some(0),
            ..Shape::CLOSED
        }),
    ]),
    unique: false,
};

const CREDENTIAL_SPEC: Rule = Rule::Map(&Shape {
    keys: &[(8, "config", TEXT), (0, "file", TEXT), (0, "registry", TEXT)],
    ..Shape::CLOSED
});

const HEALTHCHECK: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "disable", BOOL),
        (0, "interval", CHECK_TIME),
        (0, "retries", NUMBER),
        (12, "start_interval", Rule::Duration),
        (4, "start_period", Rule::Duration),
        (0, "test", COMMAND),
        (0, "timeout", CHECK_TIME),
    ],
    ..Shape::CLOSED
});

/// Before 3.4 any string passes the check (and fails in the decoder).
const CHECK_TIME: Rule = Rule::Since(&[(0, TEXT), (4, Rule::Duration)]);

const LOGGING: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "driver", TEXT),
        (
            0,
            "options",
            Rule::Map(&Shape {
                named: Some((Names::Line, &Rule::Plain(&[Type::Text, Type::Number, Type::Null]))),
                open: Some(0),
                ..Shape::CLOSED
            }),
        ),
    ],
    ..Shape::CLOSED
});

const NETWORKS: Rule = Rule::Either(&[
    TEXT_SET,
    Rule::Map(&Shape {
        named: Some((
            Names::Word,
            &Rule::Either(&[
                Rule::Map(&Shape {
                    keys: &[
                        (0, "aliases", TEXT_SET),
                        (13, "driver_opts", OPTIONS),
                        (0, "ipv4_address", TEXT),
                        (0, "ipv6_address", TEXT),
                    ],
                    ..Shape::CLOSED
                }),
                Rule::Plain(&[Type::Null]),
            ]),
        )),
        ..Shape::CLOSED
    }),
]);

const PORTS: Rule = Rule::List {
    item: &Rule::Since(&[
        (0, Rule::Port),
        (
            2,
            Rule::Either(&[
                Rule::Port,
                Rule::Map(&Shape {
                    keys: &[
                        (0, "mode", TEXT),
                        (0, "protocol", TEXT),
                        (0, "published", WHOLE),
                        (0, "target", WHOLE),
                    ],
                    ..Shape::CLOSED
                }),
            ]),
        ),
    ]),
    unique: true,
};

const ULIMITS: Rule = Rule::Map(&Shape {
    named: Some((
        Names::Lower,
        &Rule::Either(&[
            WHOLE,
            Rule::Map(&Shape {
                keys: &[(0, "hard", WHOLE), (0, "soft", WHOLE)],
                required: &["soft", "hard"],
                ..Shape::CLOSED
            }),
        ]),
    )),
    open: Some(0),
    ..Shape::CLOSED
});

const VOLUMES: Rule = Rule::Since(&[
    (0, TEXT_SET),
    (2, Rule::List { item: &Rule::Either(&[TEXT, VOLUME]), unique: false }),
]);

const VOLUME: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "bind", BIND),
        (0, "consistency", TEXT),
        (0, "read_only", BOOL),
        (0, "source", TEXT),
        (0, "target", TEXT),
        (6, "tmpfs", TMPFS),
        (0, "type", TEXT),
        (0, "volume", VOLUME_OPTIONS),
    ],
    required: &["type"],
    ..Shape::CLOSED
});

const BIND: Rule =
    Rule::Map(&Shape { keys: &[(0, "propagation", TEXT)], open: Some(0), ..Shape::CLOSED });

const TMPFS: Rule =
    Rule::Map(&Shape { keys: &[(0, "size", Rule::Natural)], open: Some(0), ..Shape::CLOSED });

const VOLUME_OPTIONS: Rule = Rule::Map(&Shape {
    keys: &[(0, "nocopy", BOOL)],
    open: Some(0),
    unchecked: &["subpath"],
    ..Shape::CLOSED
});

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
