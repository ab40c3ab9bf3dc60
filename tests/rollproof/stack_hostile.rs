//! Hostile stack files: whatever they contain, reading ends quickly, with a stack or an error.

#![expect(clippy::format_collect, reason = "the texts are small")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rollproof::Result;
use rollproof::stack::{Requests, Sources, load};

/// Far more than any of these files needs: only a hang exceeds it.
const DEADLINE: Duration = Duration::from_secs(60);

fn read(text: &str) -> Result<Requests> {
    let started = Instant::now();
    let sources = Sources {
        files: vec!["-".into()],
        env: [("A".to_owned(), "1".to_owned())].into(),
        home: None,
        cwd: "/nowhere".into(),
        stdin: Some(text.as_bytes().to_vec()),
    };
    let result = load(&sources).and_then(|stack| {
        let yaml = stack.to_yaml();
        assert!(!yaml.is_empty());
        stack.requests("st")
    });
    assert!(started.elapsed() < DEADLINE, "reading took {:?}", started.elapsed());
    result
}

/// A piece of something that is almost a stack file.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "services:", "web:", "image: a", "\n", "\n  ", "\n    ", "\n      ", "- ", ": ", "{", "}",
            "[", "]", ",", "\"", "'", "#", "|", ">", "|-\n", "&a ", "*a", "<<: ", "---\n", "...\n",
            "${A}", "${B:?c}", "$$", "$", "\t", "\r\n", "ports:", "80:80", "volumes:", "a:/b",
            "deploy:", "replicas: 3", "1e999", ".inf", "0x1f", "2024-01-02", "null", "~", "true",
            "environment:", "healthcheck:", "test: x", "interval: 1h", "networks:", "x-a:",
            "!!binary ", "!a ", "%YAML 1.1\n", "? ", "version: \"3.8\"", "\u{85}", "\u{2028}", "é",
        ]).prop_map(str::to_owned),
        1 => "[ -~\n]{0,12}",
        1 => any::<char>().prop_map(String::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(pieces in prop::collection::vec(piece(), 0..60)) {
        let _ = read(&pieces.concat());
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(
        key in prop::sample::select(vec![
            "image", "command", "ports", "volumes", "environment", "labels", "healthcheck", "deploy",
            "networks", "secrets", "configs", "restart", "ulimits", "extra_hosts", "dns", "init",
            "stop_grace_period", "credential_spec", "logging", "sysctls", "cap_add", "env_file",
        ]),
        value in prop_oneof![
            "[ -~]{0,20}",
            "\"[ -~&&[^\"\\\\]]{0,20}\"",
            "\\[[a-z0-9:/., \"-]{0,20}\\]",
            "\\{[a-z0-9:/., \"_-]{0,20}\\}",
            "-?[0-9_.eExXpP/+-]{1,12}[a-zA-Zµ]{0,3}",
        ],
    ) {
        let _ = read(&format!("services:\n  web:\n    image: a\n    {key}: {value}\n"));
        let _ = read(&format!("services:\n  web:\n    {key}: {value}\n"));
    }
}

/// Lists of ten aliases of lists of ten aliases, and so on.
fn lists_of_aliases(levels: usize) -> String {
    let mut text = "x-0: &n0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..levels {
        let list = vec![format!("*n{}", level - 1); 10].join(",");
        let _ = writeln!(text, "x-{level}: &n{level} [{list}]");
    }
    text
}

/// The same with merge keys.
fn merges_of_merges(levels: usize) -> String {
    let mut text = "x-0: &n0 {a0: 1, b0: 2, c0: 3}\n".to_owned();
    for level in 1..levels {
        let list = vec![format!("*n{}", level - 1); 10].join(",");
        let _ = writeln!(text, "x-{level}: &n{level} {{<<: [{list}], a{level}: 1}}");
    }
    text
}

#[test]
fn bombs_are_refused() {
    for levels in [6, 9, 30] {
        let error = read(&lists_of_aliases(levels)).unwrap_err();
        assert_eq!(error.message(), "yaml: document contains excessive aliasing");
        assert!(error.place().is_some());
    }
    assert!(read(&merges_of_merges(30)).is_err());
    let long = "x".repeat(1 << 20);
    let text = format!("x-a: &a \"{long}\"\nx-b: [{}]", "*a,".repeat(20_000));
    assert!(read(&text).is_err());
    let text = format!("x-a: &a \"$A{long}\"\nx-b: [{}]", "*a,".repeat(20_000));
    assert!(read(&text).is_err());
    let ranges: String = (0..200).map(|n| format!("\"{n}-65535:80\",")).collect();
    assert!(read(&format!("services: {{a: {{image: a, ports: [{ranges}]}}}}")).is_err());
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for text in [
        format!("x-a: {}", "[".repeat(100_000)),
        format!("x-a: {}{}", "[".repeat(200), "]".repeat(200)),
        format!("x-a: {}", "{a: ".repeat(50_000)),
        format!("x-a:\n{}", (0..3000).map(|n| format!("{}-\n", " ".repeat(n))).collect::<String>()),
        (0..3000).map(|n| format!("{}a:\n", " ".repeat(n))).collect(),
        format!(
            "x-0: &n0 {{a: b}}\n{}",
            (1..5000).map(|n| format!("x-{n}: &n{n} {{a: *n{}}}\n", n - 1)).collect::<String>()
        ),
        format!(
            "x-0: &n0 {{a: b}}\n{}",
            (1..5000).map(|n| format!("x-{n}: &n{n} {{<<: *n{}}}\n", n - 1)).collect::<String>()
        ),
    ] {
        let _ = read(&text);
    }
}

#[test]
fn large_files_are_read() {
    let services: String = (0..2000)
        .map(|n| {
            format!("  s{n}:\n    image: a\n    environment: [A=1, B=2]\n    ports: [\"{n}:80\"]\n")
        })
        .collect();
    let requests = read(&format!("services:\n{services}")).unwrap();
    assert_eq!(requests.services.len(), 2000);
}
