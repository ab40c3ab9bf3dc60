//! SRU090 and SRU091: comments that ignore findings, and should not.

use super::prelude::*;
use crate::lint::ignore::Ignore;

/// A comment that ignores nothing.
pub(in crate::lint) static UNUSED_IGNORE: Rule = Rule {
    number: "SRU090",
    name: "ignore-unused",
    severity: Severity::Warning,
    title: "a comment ignores nothing",
    why: "What it was written for is gone, or its number is wrong. It would hide the next finding.",
    page: "\
`# rollproof: ignore SRU013 reason` ignores findings of a rule: behind something, on that line; alone on a
line, on the next line that has something. If that line opens a block, such as a service, `deploy` or
`update_config`, it is about the whole block. Several numbers are written with commas.

Warning if no finding of the rule is there, or if there is no such rule. Not looked for with `--service`.",
    check: |_| Vec::new(),
};

/// A comment without a reason.
pub(in crate::lint) static IGNORE_WITHOUT_REASON: Rule = Rule {
    number: "SRU091",
    name: "ignore-without-reason",
    severity: Severity::Warning,
    title: "a comment ignores a finding without saying why",
    why: "Whoever reads the file next cannot know whether the reason still holds.",
    page: "\
Warning if nothing follows the numbers in `# rollproof: ignore SRU013 reason`. The finding is ignored
nevertheless.",
    check: |_| Vec::new(),
};

/// What a comment names and no finding needed.
pub(in crate::lint) fn unused(ignore: &Ignore, used: &[&str]) -> Option<Draft> {
    if ignore.rules.is_empty() {
        let message = "this comment names no rule, so it ignores nothing";
        return Some(
            Draft::new("", message).help("name the rules: `# rollproof: ignore SRU013 reason`"),
        );
    }
    let used = |number: &String| used.iter().any(|used| used.eq_ignore_ascii_case(number));
    let unused: Vec<&str> =
        ignore.rules.iter().filter(|number| !used(number)).map(String::as_str).collect();
    if unused.is_empty() {
        return None;
    }
    let unknown: Vec<&str> =
        unused.iter().copied().filter(|number| crate::lint::rule(number).is_none()).collect();
    Some(if unknown.is_empty() {
        let message = format!("nothing here breaks {}", wording::list(&unused));
        Draft::new("", message).help("remove the number, or the comment")
    } else {
        let message = format!("there is no rule {}", wording::list(&unknown));
        Draft::new("", message).help("`rollproof lint --list` shows all rules")
    })
}

/// Whether a comment gives no reason.
pub(in crate::lint) fn without_reason(ignore: &Ignore) -> Option<Draft> {
    (ignore.reason.is_empty() && !ignore.rules.is_empty()).then(|| {
        let message = format!("no reason why {} is ignored", wording::list(&ignore.rules));
        Draft::new("", message).help("write the reason behind the numbers")
    })
}
