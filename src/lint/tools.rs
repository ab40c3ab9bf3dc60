//! Which programs health checks run.

use std::collections::BTreeMap;

use crate::Result;
use crate::stack::{ServiceBody, Stack};

use super::subject::NAMESPACE;

/// The programs that the health checks of a stack run, by the image that they run in: the shell of a
/// `CMD-SHELL`, and what is called first in it.
///
/// # Errors
/// A stack that docker would not deploy.
pub fn tools_of_checks(stack: &Stack) -> Result<BTreeMap<String, Vec<String>>> {
    let mut tools: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for body in stack.services(NAMESPACE)? {
        let known = tools.entry(body.image().to_owned()).or_default();
        for tool in tools_of(&body) {
            if !known.contains(&tool) {
                known.push(tool);
            }
        }
    }
    Ok(tools)
}

/// The programs that the health check of a service runs.
pub(super) fn tools_of(body: &ServiceBody) -> Vec<String> {
    let check = body.healthcheck();
    let words: Vec<&str> = check
        .and_then(|check| check["Test"].as_array())
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str())
        .collect();
    match words[..] {
        ["CMD", program, ..] => vec![program.to_owned()],
        ["CMD-SHELL", text, ..] => {
            let first = text.split_whitespace().next().filter(|word| is_program(word));
            let shell = std::iter::once("/bin/sh");
            shell.chain(first).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// Words that a shell knows itself, or that are more than the name of a program.
fn is_program(word: &str) -> bool {
    const OF_THE_SHELL: [&str; 16] = [
        "[", "test", "exit", "true", "false", "echo", "cd", "if", "while", "for", "case", "exec",
        "set", "export", "printf", "!",
    ];
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/+".contains(c);
    !OF_THE_SHELL.contains(&word) && word.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_program_of_a_test() {
        for (test, expected) in [
            (json!(["CMD", "curl", "-f", "http://a"]), vec!["curl"]),
            (json!(["CMD-SHELL", "curl -f http://a || exit 1"]), vec!["/bin/sh", "curl"]),
            (json!(["CMD-SHELL", "test -f /ready"]), vec!["/bin/sh"]),
            (json!(["CMD-SHELL", "A=b curl a"]), vec!["/bin/sh"]),
            (json!(["CMD-SHELL", "$(which curl) a"]), vec!["/bin/sh"]),
            (json!(["NONE"]), vec![]),
        ] {
            let spec = json!({"TaskTemplate": {"ContainerSpec": {"Healthcheck": {"Test": test}}}});
            assert_eq!(tools_of(&ServiceBody::new(spec)), expected);
        }
    }
}
