//! Checks a file against the rules.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use super::hint;
use super::rule::{Rule, Shape, Type};
use super::top::TOP;
use super::values::{canonical, is, name, names, number, numerator, takes};
use crate::stack::diagnostic::Mark;
use crate::stack::fault::{Fault, Faults};
use crate::stack::golang;
use crate::stack::node::{Entry, Mapping, Node, Value};
use crate::stack::short_forms;
use crate::stack::warning::Warnings;
use crate::wording::nearest;

/// Checks a whole file against the rules of a version. What is at `broken` is known to be wrong.
pub(crate) fn check(
    top: &Node,
    minor: u8,
    mut broken: HashSet<Mark>,
    faults: &mut Faults,
    warnings: &mut Warnings,
) {
    plain_json(top, faults, &mut broken);
    Check { minor, path: Vec::new(), broken, faults, warnings }.map(top, &TOP);
}

/// The client converts the file to JSON before it checks it, and JSON has no infinite numbers and
/// only strings as keys.
fn plain_json(node: &Node, faults: &mut Faults, broken: &mut HashSet<Mark>) {
    match &node.value {
        Value::Float(n) if !n.is_finite() => {
            broken.insert(node.mark);
            let message = format!("json: unsupported value: {}", golang::show_float(*n));
            faults.push(Fault::at(node.mark, message).hint("put it in quotes"));
        }
        Value::List(items) => {
            for item in items {
                plain_json(item, faults, broken);
            }
        }
        Value::Map(map) => {
            if let Some(mark) = map.odd_key {
                broken.insert(mark);
                faults.push(Fault::at(mark, "a key must be a string")
                    .hint("put the key in quotes, without a tag (docker says only `json: unsupported type: map[interface {}]interface {}`)"));
            }
            for entry in &map.entries {
                plain_json(&entry.node, faults, broken);
            }
        }
        _ => {}
    }
}

struct Check<'a, 'f> {
    minor: u8,
    path: Vec<Step<'a>>,
    /// Scalars and keys that are known to be wrong.
    broken: HashSet<Mark>,
    faults: &'f mut Faults,
    warnings: &'f mut Warnings,
}

enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

impl<'a> Check<'a, '_> {
    fn node(&mut self, node: &'a Node, rule: &'static Rule) {
        let scalar = !matches!(node.value, Value::List(_) | Value::Map(_));
        if scalar && self.broken.contains(&node.mark) {
            return;
        }
        match rule {
            Rule::Plain(types) => {
                if !types.iter().any(|kind| is(&node.value, *kind)) {
                    self.wrong_type(node, types.iter().map(|kind| name(*kind)));
                }
            }
            Rule::Duration => match &node.value {
                Value::Text(text) if golang::parse_duration(text).is_some() => {}
                Value::Text(_) | Value::Time(_) => {
                    self.wrong_with(node.mark, "Does not match format 'duration'", DURATION_HINT);
                }
                Value::Int(_) | Value::Float(_) => {
                    self.wrong_with(node.mark, "must be a string", DURATION_HINT);
                }
                _ => self.wrong_type(node, ["string"].into_iter()),
            },
            Rule::Port => self.port(node),
            Rule::Word(words) => match &node.value {
                Value::Text(text) if words.contains(&&**text) => {}
                Value::Text(text) | Value::Time(text) => {
                    let near = nearest(text, words.iter().copied());
                    let hint = near.map(|word| format!("did you mean `{word}`?"));
                    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                    let message = format!("must be one of the following: {}", words.join(", "));
                    self.wrong_with(node.mark, &message, &hint.unwrap_or_default());
                }
                _ => self.wrong_type(node, ["string"].into_iter()),
            },
            Rule::Natural => {
                if !is(&node.value, Type::Whole) {
                    self.wrong_type(node, ["integer"].into_iter());
                } else if number(&node.value).is_some_and(|n| n < 0.0) {
                    self.wrong(node.mark, "Must be greater than or equal to 0");
                }
            }
            Rule::List { item, unique } => self.list(node, item, *unique),
            Rule::Map(shape) => self.map(node, shape),
            Rule::Either(rules) => match rules.iter().find(|rule| takes(rule, &node.value)) {
                Some(rule) => self.node(node, rule),
                None => self.wrong_type(node, rules.iter().flat_map(names)),
            },
            Rule::Since(rules) => {
                if let Some((_, rule)) = rules.iter().rev().find(|(since, _)| *since <= self.minor)
                {
                    self.node(node, rule);
                }
            }
        }
    }

    fn port(&mut self, node: &'a Node) {
        let spec = match &node.value {
            Value::Text(text) => text.to_string(),
            // The client checks the numerator of the number as a fraction.
            Value::Int(n) => n.to_string(),
            Value::Uint(n) => n.to_string(),
            Value::Float(n) => numerator(*n),
            Value::Time(_) => String::new(),
            _ => return self.wrong_type(node, ["number", "string"].into_iter()),
        };
        if let Err(reason) = short_forms::parse_port(&spec) {
            self.wrong_with(node.mark, "Does not match format 'ports'", &reason);
        }
    }

    fn list(&mut self, node: &'a Node, rule: &'static Rule, unique: bool) {
        let Value::List(items) = &node.value else {
            return self.wrong_type(node, ["list"].into_iter());
        };
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Item(index));
            self.node(item, rule);
            self.path.pop();
        }
        if !unique {
            return;
        }
        let mut seen = HashMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Some(first) = seen.insert(canonical(item), index) {
                self.wrong(item.mark, &format!("array items[{first},{index}] must be unique"));
            }
        }
    }

    fn map(&mut self, node: &'a Node, shape: &'static Shape) {
        let Value::Map(map) = &node.value else {
            return self.wrong_type(node, ["mapping"].into_iter());
        };
        for key in shape.required {
            if map.get(key).is_none() {
                self.wrong(node.mark, &format!("{key} is required"));
            }
        }
        for entry in &map.entries {
            self.entry(map, entry, shape);
        }
    }

    fn entry(&mut self, map: &'a Mapping, entry: &'a Entry, shape: &'static Shape) {
        let key = &*entry.key;
        let known = shape.keys.iter().find(|(_, name, _)| *name == key);
        let named = shape.named.filter(|(names, _)| names.fits(key));
        let open = |since: Option<u8>| since.is_some_and(|since| since <= self.minor);
        let extension = key.starts_with("x-") && open(shape.extensions);
        let rule = match (known, named) {
            (Some((since, _, rule)), _) if *since <= self.minor => Some(rule),
            (_, Some((_, rule))) => Some(rule),
            _ => None,
        };
        if let Some(rule) = rule {
            self.path.push(Step::Key(key));
            self.node(&entry.node, rule);
            self.path.pop();
        } else if self.broken.contains(&entry.mark) || extension {
        } else if open(shape.open) {
            self.note_unknown(entry, shape);
        } else {
            let hint = hint::unknown_key(key, known.map(|(since, ..)| *since), map, shape);
            self.wrong_with(
                entry.mark,
                &format!("Additional property {key} is not allowed"),
                &hint,
            );
        }
    }

    /// A key that is accepted and has no effect. The decoder matches keys of such mappings whatever
    /// their case.
    fn note_unknown(&mut self, entry: &Entry, shape: &'static Shape) {
        let key = &*entry.key;
        let read =
            shape.keys.iter().map(|(_, name, _)| *name).chain(shape.unchecked.iter().copied());
        if shape.keys.is_empty() || read.clone().any(|name| name.eq_ignore_ascii_case(key)) {
            return;
        }
        let message = format!("{}.{key} is not known, and docker ignores it", self.path());
        match nearest(key, read) {
            Some(near) => {
                self.warnings.push_with(entry.mark, message, format!("did you mean `{near}`?"));
            }
            None => self.warnings.push(entry.mark, message),
        }
    }

    fn wrong(&mut self, mark: Mark, message: &str) {
        self.wrong_with(mark, message, "");
    }

    fn wrong_type(&mut self, node: &Node, expected: impl Iterator<Item = &'static str>) {
        let mut names: Vec<&str> = Vec::new();
        for name in expected {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let list = match names.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        let hint = hint::wrong_type(&node.value, &names);
        self.wrong_with(node.mark, &format!("must be a {list}"), &hint);
    }

    fn wrong_with(&mut self, mark: Mark, message: &str, hint: &str) {
        let mut fault = Fault::at(mark, format!("{} {message}", self.path()));
        if !hint.is_empty() {
            fault = fault.hint(hint);
        }
        self.faults.push_once(fault, message);
    }

    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() {
                path.push('.');
            }
            match step {
                Step::Key(key) => path.push_str(key),
                Step::Item(index) => {
                    let _ = write!(path, "{index}");
                }
            }
        }
        if path.is_empty() { "(root)".to_owned() } else { path }
    }
}

const DURATION_HINT: &str = "a duration needs a unit: ns, us, ms, s, m or h, as in 1m30s";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn messages(text: &str, minor: u8) -> Vec<String> {
        let top = yaml::parse(text, 0).unwrap();
        let mut faults = Faults::default();
        check(&top, minor, HashSet::new(), &mut faults, &mut Warnings::default());
        match faults.or(()) {
            Ok(()) => Vec::new(),
            Err(faults) => faults.into_error(&[]).all().map(ToString::to_string).collect(),
        }
    }

    fn message(text: &str, minor: u8) -> Option<String> {
        let mut messages = messages(text, minor);
        assert!(messages.len() < 2, "{messages:?}");
        messages.pop()
    }

    #[test]
    fn refusals_as_the_client_words_them() {
        for (text, expected) in [
            ("foo: 1", "(root) Additional property foo is not allowed"),
            ("services:", "services must be a mapping"),
            (
                "services: {a: {environment: {B: true}}}",
                "services.a.environment.B must be a string, number or null",
            ),
            ("services: {a: {ports: }}", "services.a.ports must be a list"),
            (
                "services: {a: {ports: ['99999']}}",
                "services.a.ports.0 Does not match format 'ports'",
            ),
            (
                "services: {a: {deploy: {replicas: '3'}}}",
                "services.a.deploy.replicas must be a integer",
            ),
            ("services: {a: {dns: [a, a]}}", "services.a.dns array items[0,1] must be unique"),
            ("services: {a: {volumes: [{source: a}]}}", "services.a.volumes.0 type is required"),
            (
                "services: {a: {stop_grace_period: '30'}}",
                "services.a.stop_grace_period Does not match format 'duration'",
            ),
            ("services: {'a b': {}}", "services Additional property a b is not allowed"),
            ("version: 3.8", "version must be a string"),
        ] {
            assert_eq!(message(text, 13).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn all_faults_at_once_in_the_order_of_the_file() {
        let text = "services: {a: {x: 1, deploy: {y: 1}, ports: [a, '80:80', {mode: 1}], \
                    labels: {b: true}}, b: 5}\nz: 1";
        assert_eq!(
            messages(text, 13),
            [
                "services.a Additional property x is not allowed",
                "services.a.deploy Additional property y is not allowed",
                "services.a.ports.0 Does not match format 'ports'",
                "services.a.ports.2.mode must be a string",
                "services.a.labels.b must be a string, number or null",
                "services.b must be a mapping",
                "(root) Additional property z is not allowed",
            ]
        );
    }

    #[test]
    fn what_an_alias_repeats_is_one_fault() {
        let text = "x-a: &a {tty: 1, y: 2}\nservices: {a: *a, b: *a, c: {<<: *a, z: 3}}";
        assert_eq!(messages(text, 13).len(), 3);
    }

    #[test]
    fn keys_have_a_first_version() {
        let text = "services: {a: {deploy: {rollback_config: {parallelism: 1}}}}";
        assert_eq!(
            message(text, 6).as_deref(),
            Some("services.a.deploy Additional property rollback_config is not allowed")
        );
        assert_eq!(message(text, 7), None);
        assert!(message("x-a: 1", 3).is_some());
        assert_eq!(message("x-a: 1", 4), None);
        assert!(message("services: {a: {healthcheck: {interval: '5'}}}", 4).is_some());
        assert_eq!(message("services: {a: {healthcheck: {interval: '5'}}}", 3), None);
    }

    #[test]
    fn accepted() {
        for text in [
            "{}",
            "services: {}",
            "services: {a: {deploy: , pid: }}",
            "networks: {a: , 'b c': 5}",
            "services: {a: {deploy: {replicas: 2.0}, ports: [80.5, 80, '81']}}",
            "services: {a: {secrets: [{source: a, other: 1}], ulimits: {A1: 5, nofile: 3}}}",
        ] {
            assert_eq!(message(text, 13), None, "{text}");
        }
    }

    #[test]
    fn json_has_no_infinity_and_no_other_keys() {
        assert!(message("x-a: .inf", 13).is_some());
        assert!(message("x-a: {1: 2}", 13).is_some());
    }
}
