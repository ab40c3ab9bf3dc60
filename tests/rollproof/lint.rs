//! The rules of `lint`: each fires on a small stack and is silent on one that is nearly the same,
//! and the lines that it gives to paste help.

use std::collections::BTreeSet;

use rollproof::lint::{Conditions, Finding, Findings, RULES, Severity, lint};
use rollproof::stack::{Sources, Stack, load};

use crate::lint_cases::{Case, cases, with_image};

/// A stack whose service `app` has these lines.
fn text(service: &str) -> String {
    let image = if service.starts_with("image:") { "" } else { "    image: example/app:1\n" };
    let lines = indented(service.lines(), 4);
    let volumes = if service.contains("data:") { "volumes: {data: {}}\n" } else { "" };
    format!("services:\n  app:\n{image}{lines}{volumes}")
}

fn indented<'a>(lines: impl Iterator<Item = &'a str>, indent: usize) -> String {
    lines.fold(String::new(), |text, line| format!("{text}{:indent$}{line}\n", ""))
}

fn read(texts: &[String]) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..texts.len()).map(|index| format!("{index}.yml")).collect();
    for (name, text) in names.iter().zip(texts) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let sources = Sources { files: names, cwd: folder.path().into(), ..Sources::default() };
    load(&sources).unwrap_or_else(|error| panic!("{error}:\n{}", texts.join("---\n")))
}

fn findings(texts: &[String], conditions: &Conditions) -> Findings {
    lint(&read(texts), None, conditions).unwrap()
}

fn of_rule<'a>(findings: &'a Findings, rule: &str) -> Vec<&'a Finding> {
    findings.list.iter().filter(|finding| finding.rule.number == rule).collect()
}

#[test]
fn each_rule_fires_and_is_silent_on_a_near_miss() {
    for Case { rule, severity, breaks, keeps, conditions, .. } in cases() {
        let found = findings(&[text(breaks)], &conditions());
        let found = of_rule(&found, rule);
        let [finding] = &found[..] else { panic!("{rule} on:\n{breaks}\n{found:?}") };
        assert_eq!(finding.severity, severity, "{rule} on:\n{breaks}");
        assert_eq!(finding.service.as_deref(), Some("app"));
        assert!(finding.severity <= finding.rule.severity, "{rule}");
        let found = findings(&[text(keeps)], &conditions());
        // Another severity of the rule has cases of its own.
        let silent = of_rule(&found, rule).iter().all(|finding| finding.severity < severity);
        assert!(silent, "{rule} on:\n{keeps}\n{found:?}");
    }
}

/// Pasting is merging here: docker's rules for several files.
#[test]
fn what_a_rule_says_to_paste_makes_its_finding_go_away() {
    for Case { rule, breaks, conditions, no_paste, .. } in cases() {
        let before = findings(&[text(breaks)], &conditions());
        let fix = &of_rule(&before, rule)[0].fix;
        assert!(fix.block.is_some() || fix.text.is_some(), "{rule} has no fix");
        if no_paste {
            continue;
        }
        let (block, indent) = match fix.block {
            Some("deploy") => ("    deploy:\n", 6),
            Some("service") => ("", 4),
            _ => continue,
        };
        let lines = indented(fix.lines.iter().map(String::as_str), indent);
        let pasted = format!("services:\n  app:\n{block}{lines}");
        // Docker appends tests instead of replacing them: take the first file's away.
        let broken = if pasted.contains(" test:") {
            let without = |line: &&str| !line.contains("test:") && !line.contains("NONE");
            breaks.lines().filter(without).collect::<Vec<_>>().join("\n")
        } else {
            breaks.to_owned()
        };
        let after = findings(&[text(&broken), pasted.clone()], &conditions());
        let left = of_rule(&after, rule);
        assert!(left.is_empty(), "{rule} on:\n{breaks}\nwith:\n{pasted}\n{left:?}");
    }
}

#[test]
fn every_rule_has_a_case_and_a_page() {
    let mut tested: BTreeSet<&str> = cases().iter().map(|case| case.rule).collect();
    // These need more than one service or file: see below, and lint_command.rs.
    tested.extend(["SRU040", "SRU042", "SRU053", "SRU090", "SRU091"]);
    let all: Vec<&str> = RULES.iter().map(|rule| rule.number).collect();
    assert!(all.is_sorted());
    assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), tested);
    for rule in &RULES {
        let page = rule.explain(80);
        assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
        assert!(
            page.contains(rule.title) && page.contains("ources:") | page.contains("rollproof:")
        );
        assert!(!rule.title.ends_with('.') && rule.why.ends_with('.'), "{}", rule.number);
    }
}

/// With `--image-facts` the image's own health check is the one that counts, and some images are known to
/// have one.
#[test]
fn the_health_check_of_an_image_counts() {
    let service = "ports: ['80:80']\ndeploy: {replicas: 6, update_config: {delay: 1s}}";
    let has = |conditions: &Conditions, rule: &str| {
        !of_rule(&findings(&[text(service)], conditions), rule).is_empty()
    };
    assert!(has(&Conditions::default(), "SRU001"));
    let check = serde_json::json!({"Test": ["CMD", "a"], "Interval": 20_000_000_000_u64});
    let known = with_image(Some(check), &[]);
    assert!(!has(&known, "SRU001"));
    // Its interval of 20 s is what `monitor` is measured by.
    assert!(has(&known, "SRU022") && !has(&Conditions::default(), "SRU022"));
    let of_image = |image: &str| {
        let found =
            findings(&[text(&format!("image: {image}\nports: ['80:80']"))], &Conditions::default());
        of_rule(&found, "SRU001").len()
    };
    assert_eq!(of_image("gcr.io/cadvisor/cadvisor:v0.47.2"), 0);
    assert_eq!(of_image("pihole/pihole"), 0);
    assert_eq!(of_image("example/pihole"), 1);
}

#[test]
fn figures_are_the_models() {
    let figure = |service: &str, rule: &str, name: &str| {
        let found = findings(&[text(service)], &Conditions::default());
        let finding = of_rule(&found, rule)[0].clone();
        finding.figures.iter().find(|figure| figure.name == name).unwrap().value
    };
    // Three checks of 10 s, 2 s in which it leaves the load balancer, and its stop.
    let sick = "healthcheck: {test: [CMD, a], interval: 10s}\ndeploy: {update_config: {delay: 1s}}";
    assert!((figure(sick, "SRU022", "needed_monitor_s") - 33.0).abs() <= 1.0);
    let naive = "deploy: {replicas: 6, update_config: {parallelism: 0}}";
    // 2 s of drain, the stop, the start and the second that the program needs.
    let outage = figure(naive, "SRU013", "outage_s");
    assert!((3.0..6.0).contains(&outage), "{outage}");
    let tolerant = "deploy: {replicas: 6, update_config: {max_failure_ratio: 0.34}}";
    assert!((figure(tolerant, "SRU026", "tolerated") - 2.0).abs() < f64::EPSILON);
}

#[test]
fn a_service_without_replicas_has_no_findings_about_updates() {
    let found = findings(
        &[text("ports: ['80:80']\ndeploy: {replicas: 0, update_config: {order: start-first}}")],
        &Conditions::default(),
    );
    let numbers: Vec<&str> = found.list.iter().map(|finding| finding.rule.number).collect();
    assert_eq!(numbers, ["SRU030", "SRU011"]);
}

#[test]
fn nothing_is_counted_on_nodes_that_are_not_known() {
    let service = "ports: ['80:80']\ndeploy: {mode: global, update_config: {order: start-first}}";
    let text = [text(service)];
    let counts = |conditions: &Conditions| {
        let found = findings(&text, conditions).list;
        found.iter().filter(|finding| finding.message.contains("of 5")).count()
    };
    assert_eq!(counts(&Conditions { nodes: Some(5), ..Conditions::default() }), 3);
    let found = findings(&text, &Conditions::default()).list;
    assert!(found.iter().all(|finding| !finding.message.contains(" of ")), "{found:?}");
}

/// Whether two tasks can share a port of the node's own network is up to the program, not to Swarm.
#[test]
fn on_the_nodes_own_network_the_ports_may_collide() {
    let found = |deploy: &str, nodes: Option<usize>| -> Vec<(Severity, String)> {
        let text = format!(
            "services:\n  app:\n    image: example/app:1\n    networks: [node]\n    deploy: \
             {{update_config: {{order: start-first}}{deploy}}}\n\
             networks: {{node: {{external: true, name: host}}}}\n"
        );
        let found = findings(&[text], &Conditions { nodes, ..Conditions::default() });
        let list = of_rule(&found, "SRU016").into_iter();
        list.map(|finding| (finding.severity, finding.message.clone())).collect()
    };
    for (deploy, nodes) in
        [("", None), ("", Some(1)), (", mode: global", None), (", mode: global", Some(5))]
    {
        let [(severity, message)] = &found(deploy, nodes)[..] else { panic!("{deploy} {nodes:?}") };
        assert_eq!(*severity, Severity::Warning);
        assert!(message.contains("SO_REUSEPORT") && !message.contains("never"), "{message}");
    }
    // There is another node for the new task.
    assert_eq!(found("", Some(2)), []);
}

#[test]
fn a_service_too_large_for_the_model_is_still_looked_at() {
    let service = "deploy: {replicas: 4000000000, update_config: {parallelism: 0, monitor: 0s}}";
    let found = findings(&[text(service)], &Conditions::default());
    assert_eq!(of_rule(&found, "SRU013").len(), 1);
    assert_eq!(of_rule(&found, "SRU023").len(), 1);
}

#[test]
fn a_health_check_without_end_keeps_nobody_waiting() {
    for check in [
        "interval: 100000h, retries: 4294967295",
        "interval: 1ms, start_period: 100000h, start_interval: 1ms",
    ] {
        let service = format!(
            "healthcheck: {{test: [CMD, a], {check}}}\n\
             deploy: {{replicas: 2000, update_config: {{parallelism: 0, monitor: 0s}}}}"
        );
        let found = findings(&[text(&service)], &Conditions::default());
        assert_eq!(of_rule(&found, "SRU023").len(), 1);
    }
}

const TWO: &str = "\
services:
  app:
    image: example/app:1
    networks: [web]
    deploy: {endpoint_mode: dnsrr, update_config: {failure_action: rollback}}
  proxy:
    image: PROXY
    networks: [web]
    configs: [file]
    deploy: {update_config: {failure_action: rollback}}
networks: {web: {}}
configs: {file: {file: ./proxy.conf}}
";

/// The rules of `TWO` with a proxy and its configuration.
fn with_proxy(image: &str, config: &str) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("proxy.conf"), config).unwrap();
    std::fs::write(folder.path().join("s.yml"), TWO.replace("PROXY", image)).unwrap();
    let sources =
        Sources { files: vec!["s.yml".into()], cwd: folder.path().into(), ..Sources::default() };
    let found = lint(&load(&sources).unwrap(), None, &Conditions::default()).unwrap();
    let about = ["SRU040", "SRU042", "SRU053"];
    found
        .list
        .iter()
        .filter(|finding| about.contains(&finding.rule.number))
        .map(|finding| (finding.rule.number.to_owned(), finding.service.clone().unwrap()))
        .collect()
}

#[test]
fn proxies_are_looked_at_with_their_configuration() {
    let both = |rules: &[(&str, &str)]| -> Vec<(String, String)> {
        let pair = |(rule, service): &(&str, &str)| ((*rule).to_owned(), (*service).to_owned());
        std::iter::once(&("SRU053", "app")).chain(rules).map(pair).collect()
    };
    let caddy = |inner: &str| format!(":80 {{\n  reverse_proxy {{\n{inner}\n  }}\n}}\n");
    let good = "dynamic a {\n name tasks.app\n refresh 1s\n}\nlb_try_duration 1s";
    assert_eq!(with_proxy("caddy:2", &caddy(good)), both(&[]));
    let slow = "dynamic a {\n name tasks.app\n}\nlb_try_duration 1s";
    assert_eq!(with_proxy("caddy:2", &caddy(slow)), both(&[("SRU040", "proxy")]));
    let once = "dynamic a {\n name tasks.app\n refresh 1s\n}";
    assert_eq!(with_proxy("caddy:2", &caddy(once)), both(&[("SRU042", "proxy")]));
    let nginx = "server { location / { proxy_pass http://app; } }";
    let found = with_proxy("nginx:1.27", nginx);
    assert!(found.contains(&("SRU040".into(), "app".into())), "{found:?}");
    let resolver = "resolver 127.0.0.11 valid=1s; set $up app; proxy_pass http://$up;";
    assert_eq!(with_proxy("nginx:1.27", resolver), both(&[]));
}
