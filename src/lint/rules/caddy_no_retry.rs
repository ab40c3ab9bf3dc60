//! SRU042: Caddy gives up at the first refused connection.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU042",
    name: "caddy-no-retry",
    severity: Severity::Warning,
    title: "Caddy does not try another replica",
    why: "By default Caddy answers 502 when the replica that it chose refuses the connection, although \
          others would answer.",
    page: "\
Warning if a config of the stack is a Caddyfile with `reverse_proxy` and neither `lb_try_duration` nor
`lb_retries`. Requests that were never sent are repeated whatever their method; others only if they are
GET requests.

Sources: the documents of Caddy (reverse_proxy); caddyserver/caddy#6452.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let no_retry = |text: &str| {
        let mut words = text.lines().filter_map(|line| line.split_whitespace().next());
        let retries = text.contains("lb_try_duration") || text.contains("lb_retries");
        words.any(|word| word == "reverse_proxy") && !retries
    };
    s.config_texts()
        .into_iter()
        .filter(|(_, text)| no_retry(text))
        .map(|(name, _)| {
            let message = format!(
                "the Caddyfile in config `{name}` has no retries: a refused connection is a 502"
            );
            let help = "add `lb_try_duration 1s` and `lb_try_interval 50ms` to `reverse_proxy`";
            Draft::new("configs", message).help(help)
        })
        .collect()
}
