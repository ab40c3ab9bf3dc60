//! Explained updates as text for people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Explained, Step};
use crate::wording::{clean, counted, wrap};

/// The width of the text, and of the columns before it.
const WIDTH: usize = 80;
const INDENT: usize = 19;

/// The steps of each scenario, in lines of at most 80 characters. `places` says where the stack
/// files set each setting. Each rule is told once, unless `every` asks for all.
#[must_use]
pub fn explain_text(all: &[Explained], places: &BTreeMap<String, String>, every: bool) -> String {
    let mut text = String::new();
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for explained in all {
        if !text.is_empty() {
            text.push('\n');
        }
        let title = format!("{}: {}", explained.scenario, explained.change);
        for line in wrap(&clean(&title), WIDTH, 4) {
            text.push_str(&line);
            text.push('\n');
        }
        for step in &explained.steps {
            let rule_is_new = told.insert(&step.rule);
            write_step(&mut text, step, places, every || rule_is_new);
        }
        let _ = writeln!(text, "  {}", counted(explained.steps.len() as u64, "step"));
    }
    text
}

fn write_step(text: &mut String, step: &Step, places: &BTreeMap<String, String>, with_rule: bool) {
    let who = step.slot.map_or_else(|| "service".to_owned(), |slot| format!("slot {slot}"));
    let mut head = format!("{:>7.2} s  {who:<9}", step.at_s.as_secs_f64());
    for line in wrap(&clean(&step.what), WIDTH - INDENT, usize::MAX) {
        let _ = writeln!(text, "{head:<INDENT$}{line}");
        head.clear();
    }
    if !with_rule || step.rule.is_empty() {
        return;
    }
    let mut rule = step.rule.clone();
    if let Some(setting) = step.setting {
        let place = places.get(setting).map_or_else(
            || if places.is_empty() { String::new() } else { ", by default".to_owned() },
            |place| format!(", {place}"),
        );
        let _ = write!(rule, " [{setting}{place}]");
    }
    for line in wrap(&clean(&rule), WIDTH - INDENT - 2, usize::MAX) {
        let _ = writeln!(text, "{:INDENT$}  {line}", "");
    }
}
