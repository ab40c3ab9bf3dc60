//! SRU040: a proxy keeps addresses of tasks that are gone.

use super::prelude::*;
use crate::lint::subject::{image_name, key};

pub(super) static RULE: Rule = Rule {
    number: "SRU040",
    name: "addresses-kept",
    severity: Severity::Warning,
    title: "a proxy keeps the addresses of tasks for longer than they answer",
    why: "Swarm removes a task from DNS 2 s before its stop signal. A proxy that looks up names less \
          often, or once, sends requests to tasks that are gone.",
    page: "\
Warning if a Caddyfile of the stack (one of its configs) has a `dynamic a` block that is refreshed less
often than every 2 s; Caddy's default is one minute. Warning if a service with `endpoint_mode: dnsrr` shares
a network with nginx, which looks up names once, when it starts, unless its configuration has a `resolver`
and a variable in `proxy_pass`; a configuration among the stack's configs is looked at, one in the image is not.

Names of services with a virtual IP do not have the problem: the address stays.

Sources: moby daemon/cluster/executor/container/controller.go (2 s), libnetwork resolver.go (TTL 600 s);
moby#30029; the documents of Caddy and nginx.",
    check,
};

/// How long a task that leaves DNS still answers, in seconds.
const LEAVES: f64 = 2.0;

fn check(s: &Subject) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = s
        .config_texts()
        .into_iter()
        .filter_map(|(name, text)| {
            let every = slowest_refresh(text).filter(|every| *every > LEAVES)?;
            let message = format!(
                "config `{name}` has Caddy look up tasks every {}, but they leave DNS only 2 s before they stop",
                wording::setting(every)
            );
            let help = "set `refresh 1s` in the `dynamic a` block";
            Some(Draft::new("configs", message).figure("refresh_s", every).help(help))
        })
        .collect();
    drafts.extend(nginx(s));
    drafts
}

/// The slowest refresh of the `dynamic a` blocks of a Caddyfile, in seconds; absent if it has none.
fn slowest_refresh(text: &str) -> Option<f64> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let lines: Vec<&str> = lines.collect();
    let begins = |line: &&str| {
        line.starts_with("dynamic a ") || *line == "dynamic a" || *line == "dynamic a{"
    };
    let mut slowest: Option<f64> = None;
    for (at, _) in lines.iter().enumerate().filter(|(_, line)| begins(line)) {
        let mut block = lines[at..].iter().take_while(|line| **line != "}");
        let refresh = block.find_map(|line| line.strip_prefix("refresh "));
        let every = refresh.and_then(|time| humantime::parse_duration(time.trim()).ok());
        let every = every.map_or(60.0, |time| time.as_secs_f64());
        slowest = Some(slowest.map_or(every, |slowest| slowest.max(every)));
    }
    slowest
}

/// nginx beside a service without a virtual IP.
fn nginx(s: &Subject) -> Option<Draft> {
    if s.body.endpoint_mode() != ResolutionMode::Dnsrr {
        return None;
    }
    let proxy = s.neighbours().find(|other| image_name(other) == "nginx")?;
    let proxy_name = key(proxy);
    let own = crate::lint::subject::Subject::new(proxy, s.all, s.stack, s.conditions);
    if own.config_texts().iter().any(|(_, text)| text.contains("resolver ")) {
        return None;
    }
    let message = format!(
        "`{proxy_name}` is nginx, which looks up the tasks of this service once, when it starts"
    );
    Some(
        Draft::new("endpoint_mode", message)
            .help("use `endpoint_mode: vip`, or `resolver 127.0.0.11 valid=1s` and a variable in `proxy_pass`"),
    )
}

#[cfg(test)]
mod tests {
    use super::slowest_refresh;

    #[test]
    fn the_refresh_of_a_caddyfile() {
        for (text, expected) in [
            ("reverse_proxy {\n dynamic a {\n  name x\n  refresh 1s # often\n }\n}", Some(1.0)),
            ("dynamic a x 80\n", Some(60.0)),
            ("dynamic a {\n name x\n}\nother {\n refresh 1s\n}", Some(60.0)),
            ("dynamic a {\n refresh 500ms\n}\ndynamic a {\n refresh 3s\n}", Some(3.0)),
            ("reverse_proxy app:80", None),
            ("# dynamic a {", None),
        ] {
            assert_eq!(slowest_refresh(text), expected, "{text}");
        }
    }
}
