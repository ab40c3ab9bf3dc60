//! What the rules about health checks find, and what they do not.

use rollproof::Offset;
use rollproof::lint::Conditions;
use rollproof::lint::Severity::{Error, Hint, Warning};

use crate::lint_cases::{Case, case, with_image};

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn health_cases() -> Vec<Case> {
    vec![
        // Docker's merge never turns a health check on again.
        Case {
            no_paste: true,
            ..case(
                "SRU001",
                Error,
                "ports: ['80:80']\nhealthcheck: {disable: true}",
                "ports: ['80:80']\nhealthcheck: {test: [CMD, a]}",
            )
        },
        case("SRU001", Warning, "ports: ['80:80']", "expose: ['80']"),
        case(
            "SRU001",
            Error,
            "healthcheck: {test: [NONE]}\ndeploy: {replicas: 6}\nports: ['80:80']",
            "healthcheck: {test: [CMD, a], disable: false}\ndeploy: {replicas: 6}",
        ),
        case(
            "SRU001",
            Warning,
            "image: redis:7\ndeploy: {update_config: {order: start-first}}",
            "image: redis:7\ndeploy: {update_config: {order: stop-first}}",
        ),
        case(
            "SRU002",
            Error,
            "healthcheck: {test: [CMD, curl, -f, 'http://a', '||', exit, '1']}",
            "healthcheck: {test: [CMD-SHELL, 'curl -f http://a || exit 1']}",
        ),
        Case {
            no_paste: true,
            conditions: || with_image(None, &["curl"]),
            ..case(
                "SRU003",
                Error,
                "healthcheck: {test: [CMD-SHELL, 'curl -f http://a || exit 1']}",
                "healthcheck: {test: [CMD-SHELL, 'wget -q http://a || exit 1']}",
            )
        },
        Case {
            no_paste: true,
            conditions: || with_image(None, &["/bin/sh"]),
            ..case(
                "SRU003",
                Error,
                "healthcheck: {test: 'wget -q http://a || exit 1'}",
                "healthcheck: {test: [CMD, wget, -q, 'http://a']}",
            )
        },
        // What an engine says of the image decides.
        Case {
            conditions: || with_image(None, &[]),
            ..case("SRU001", Warning, "ports: ['80:80']", "expose: ['80']")
        },
        case(
            "SRU002",
            Error,
            "healthcheck: {test: [CMD, 'curl -f http://a || exit 1']}",
            "healthcheck: {test: [CMD, sh, -c, 'curl -f http://a || exit 1']}",
        ),
        case(
            "SRU002",
            Error,
            "healthcheck: {test: [CMD, curl, 'http://a || exit 1']}",
            "healthcheck: {test: [CMD, mongosh, --eval, 'db.ping().ok || quit(1)']}",
        ),
        case(
            "SRU004",
            Warning,
            "healthcheck: {test: [CMD, a], start_interval: 1s}",
            "healthcheck: {test: [CMD, a], start_interval: 1s, start_period: 9s}",
        ),
        case(
            "SRU005",
            Warning,
            "healthcheck: {test: [CMD, a], interval: 11s}",
            "healthcheck: {test: [CMD, a], interval: 10s}",
        ),
        case(
            "SRU005",
            Hint,
            "healthcheck: {test: [CMD, a]}\ndeploy: {update_config: {order: start-first}}",
            "healthcheck: {test: [CMD, a], start_period: 1m}",
        ),
        Case {
            conditions: || Conditions {
                boot: Some(Offset::from_millis(20_000)),
                ..Conditions::default()
            },
            ..case(
                "SRU006",
                Error,
                "healthcheck: {test: [CMD, a], interval: 5s}",
                "healthcheck: {test: [CMD, a], interval: 5s, retries: 4}",
            )
        },
        case(
            "SRU006",
            Warning,
            "healthcheck: {test: [CMD, a], interval: 100ms}",
            "healthcheck: {test: [CMD, a], interval: 1s}",
        ),
        case(
            "SRU007",
            Warning,
            "healthcheck: {test: [CMD, a], retries: 1}",
            "healthcheck: {test: [CMD, a], retries: 2, interval: 1s, timeout: 9s}",
        ),
    ]
}
