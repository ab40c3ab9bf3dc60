//! SRU032: a signal that ends requests.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU032",
    name: "stop-signal",
    severity: Severity::Warning,
    title: "`stop_signal` ends the program without letting it finish",
    why: "Each program has a signal on which it finishes its open requests. Another one cuts them off.",
    page: "\
Warning if `stop_signal` is SIGKILL, or SIGTERM or SIGINT for nginx, which finishes requests on SIGQUIT
only, or for Apache's httpd, which does on SIGWINCH. The official images set the right one themselves.

Sources: the documents of nginx and httpd; moby#25696.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let container = &s.body.as_value()["TaskTemplate"]["ContainerSpec"];
    let Some(signal) = container["StopSignal"].as_str().filter(|signal| !signal.is_empty()) else {
        return Vec::new();
    };
    let plain = signal.to_uppercase();
    let plain = plain.trim_start_matches("SIG");
    let quick = matches!(plain, "TERM" | "INT" | "15" | "2");
    let better = match (s.image_name(), plain) {
        (_, "KILL" | "9") => "SIGTERM",
        ("nginx" | "openresty", _) if quick => "SIGQUIT",
        ("httpd", _) if quick => "SIGWINCH",
        _ => return Vec::new(),
    };
    let name = s.image_name();
    let message = if better == "SIGTERM" {
        format!("`stop_signal` is {signal}: no program can finish anything")
    } else {
        format!("`stop_signal` is {signal}: {name} then drops its open requests")
    };
    vec![Draft::new("stop_signal", message).set("stop_signal", better)]
}
