//! SRU002: shell operators in a test that no shell runs.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU002",
    name: "health-check-without-shell",
    severity: Severity::Error,
    title: "the test of a health check has shell operators, but no shell runs it",
    why: "After `CMD` the words are the program and its arguments: `||`, `&&` and `exit` are passed to \
          the program, and the check fails whatever the service does.",
    page: "\
Error if a word of a test that begins with `CMD` is `||`, `&&`, `|` or `;`, if one has `|| exit` or
`&& exit` in it, or if the only word after `CMD` is a whole command line. `[\"CMD\", \"sh\", \"-c\", \"…\"]` is
fine.

Such a check never passes: new tasks are killed after `retries` checks, and no update succeeds.

Sources: moby#39459; moby daemon/health.go.",
    check,
};

const OPERATORS: [&str; 4] = ["||", "&&", "|", ";"];
const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];

fn check(s: &Subject) -> Vec<Draft> {
    let Some(health) = &s.spec().health else { return Vec::new() };
    let Some(("CMD", words)) =
        health.test.split_first().map(|(first, rest)| (first.as_str(), rest))
    else {
        return Vec::new();
    };
    let program = words.first().map(|word| word.rsplit('/').next().unwrap_or_default());
    if program.is_some_and(|program| SHELLS.contains(&program)) {
        return Vec::new();
    }
    let operator = words.iter().find(|word| {
        let parts: Vec<&str> = word.split_whitespace().collect();
        let exits = parts.windows(2).any(|pair| OPERATORS.contains(&pair[0]) && pair[1] == "exit");
        OPERATORS.contains(&word.as_str()) || (parts.len() > 1 && exits)
    });
    let line = words.len() == 1 && words[0].contains(char::is_whitespace);
    let message = match operator {
        Some(word) => format!("`{word}` is an argument here, because no shell runs the test"),
        None if line => format!("`{}` is taken for the name of one program", words[0]),
        None => return Vec::new(),
    };
    // The file is interpolated again: a dollar has to be written twice.
    let line = words.join(" ").replace('$', "$$");
    let quoted = serde_json::to_string(&line).unwrap_or_default();
    vec![
        Draft::new("healthcheck.test", format!("{message}: the check always fails"))
            .set("healthcheck.test", format!("[\"CMD-SHELL\", {quoted}]")),
    ]
}
