//! What the top level of a file and its networks, volumes, secrets and configs may contain.

use super::rule::{BOOL, Names, OPTIONS, PAIRS, Rule, Shape, TEXT, TEXTS, Type};
use super::service::SERVICE;

/// The whole file.
pub(super) static TOP: Shape = Shape {
    keys: &[
        (3, "configs", Rule::Map(&Shape { named: Some((Names::Word, &CONFIG)), ..Shape::CLOSED })),
        // The only section that accepts keys of any form, whose values are not checked.
        (
            0,
            "networks",
            Rule::Map(&Shape {
                named: Some((Names::Word, &NETWORK)),
                open: Some(0),
                ..Shape::CLOSED
            }),
        ),
        (1, "secrets", Rule::Map(&Shape { named: Some((Names::Word, &SECRET)), ..Shape::CLOSED })),
        (
            0,
            "services",
            Rule::Map(&Shape { named: Some((Names::Word, &SERVICE)), ..Shape::CLOSED }),
        ),
        (0, "version", TEXT),
        (0, "volumes", Rule::Map(&Shape { named: Some((Names::Word, &VOLUME)), ..Shape::CLOSED })),
    ],
    extensions: Some(4),
    ..Shape::CLOSED
};

/// `external: true`, or the old form with a name.
const EXTERNAL: Rule =
    Rule::Either(&[BOOL, Rule::Map(&Shape { keys: &[(0, "name", TEXT)], ..Shape::CLOSED })]);

/// The same for secrets and configs, which accept other keys too.
const EXTERNAL_FILE: Rule = Rule::Either(&[
    BOOL,
    Rule::Map(&Shape { keys: &[(0, "name", TEXT)], open: Some(0), ..Shape::CLOSED }),
]);

const NETWORK: Rule = Rule::Either(&[
    Rule::Map(&Shape {
        keys: &[
            (2, "attachable", BOOL),
            (0, "driver", TEXT),
            (0, "driver_opts", OPTIONS),
            (0, "external", EXTERNAL),
            (0, "internal", BOOL),
            (0, "ipam", IPAM),
            (0, "labels", PAIRS),
            (5, "name", TEXT),
        ],
        extensions: Some(7),
        ..Shape::CLOSED
    }),
    Rule::Plain(&[Type::Null]),
]);

const IPAM: Rule = Rule::Map(&Shape {
    keys: &[
        (
            0,
            "config",
            Rule::List {
                item: &Rule::Map(&Shape { keys: &[(0, "subnet", TEXT)], ..Shape::CLOSED }),
                unique: false,
            },
        ),
        (0, "driver", TEXT),
    ],
    ..Shape::CLOSED
});

const VOLUME: Rule = Rule::Either(&[
    Rule::Map(&Shape {
        keys: &[
            (0, "driver", TEXT),
            (0, "driver_opts", OPTIONS),
            (0, "external", EXTERNAL),
            (0, "labels", PAIRS),
            (4, "name", TEXT),
            (10, "x-cluster-spec", CLUSTER_SPEC),
        ],
        extensions: Some(7),
        ..Shape::CLOSED
    }),
    Rule::Plain(&[Type::Null]),
]);

const SECRET: Rule = Rule::Map(&Shape {
    keys: &[
        (8, "driver", TEXT),
        (8, "driver_opts", OPTIONS),
        (0, "external", EXTERNAL_FILE),
        (0, "file", TEXT),
        (0, "labels", PAIRS),
        (5, "name", TEXT),
        (8, "template_driver", TEXT),
    ],
    extensions: Some(7),
    ..Shape::CLOSED
});

const CONFIG: Rule = Rule::Map(&Shape {
    keys: &[
        (0, "external", EXTERNAL_FILE),
        (0, "file", TEXT),
        (0, "labels", PAIRS),
        (5, "name", TEXT),
        (8, "template_driver", TEXT),
    ],
    extensions: Some(7),
    ..Shape::CLOSED
});

/// A cluster volume: other keys are accepted at every level.
const CLUSTER_SPEC: Rule = Rule::Map(&Shape {
    keys: &[
        (
            0,
            "access_mode",
            Rule::Map(&Shape {
                keys: &[
                    (0, "block_volume", Rule::Map(&OPEN)),
                    (
                        0,
                        "mount_volume",
                        Rule::Map(&Shape {
                            keys: &[(0, "fs_type", TEXT), (0, "mount_flags", TEXTS)],
                            ..OPEN
                        }),
                    ),
                    (0, "scope", TEXT),
                    (0, "sharing", TEXT),
                ],
                ..OPEN
            }),
        ),
        (
            0,
            "accessibility_requirements",
            Rule::Map(&Shape {
                keys: &[(0, "preferred", TOPOLOGIES), (0, "requisite", TOPOLOGIES)],
                ..OPEN
            }),
        ),
        (0, "availability", TEXT),
        (
            0,
            "capacity_range",
            Rule::Map(&Shape {
                keys: &[(0, "limit_bytes", TEXT), (0, "required_bytes", TEXT)],
                ..OPEN
            }),
        ),
        (0, "group", TEXT),
    ],
    ..OPEN
});

const TOPOLOGIES: Rule = Rule::List {
    item: &Rule::Map(&Shape { keys: &[(0, "segments", PAIRS)], ..OPEN }),
    unique: false,
};

const OPEN: Shape = Shape { open: Some(0), ..Shape::CLOSED };
