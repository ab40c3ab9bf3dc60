//! Checks a file against the rules.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::rule::{Rule, Shape, Type};
use super::top::TOP;
use super::values::{canonical, is, name, names, number, numerator, takes};
use crate::stack::diagnostic::Fault;
use crate::stack::diagnostic::Mark;
use crate::stack::golang;
use crate::stack::node::{Entry, Mapping, Node, Value};
use crate::stack::short_forms;

/// Checks a whole file against the rules of a version.
///
/// # Errors
/// Of all faults, the most deeply nested one: it says the most.
pub(crate) fn check(top: &Node, minor: u8) -> Result<(), Fault> {
    plain_json(top)?;
    let mut check = Check { minor, path: Vec::new(), worst: None };
    check.map(top, &TOP);
    check.worst.map_or(Ok(()), |finding| Err(finding.fault))
}

/// The client converts the file to JSON before it checks it, and JSON has no infinite numbers and
/// only strings as keys.
fn plain_json(node: &Node) -> Result<(), Fault> {
    match &node.value {
        Value::Float(n) if !n.is_finite() => Err(Fault::at(
            node.mark,
            format!("json: unsupported value: {}", golang::show_float(*n)),
        )),
        Value::List(items) => items.iter().try_for_each(plain_json),
        Value::Map(map) => {
            if let Some(mark) = map.odd_key {
                return Err(Fault::at(mark, "a key must be a string")
                    .hint("put the key in quotes (docker says only `json: unsupported type: map[interface {}]interface {}`)"));
            }
            map.entries.iter().try_for_each(|entry| plain_json(&entry.node))
        }
        _ => Ok(()),
    }
}

struct Check<'a> {
    minor: u8,
    path: Vec<Step<'a>>,
    worst: Option<Finding>,
}

enum Step<'a> {
    Key(&'a str),
    Item(usize),
}

struct Finding {
    depth: usize,
    wrong_type: bool,
    fault: Fault,
}

impl<'a> Check<'a> {
    fn node(&mut self, node: &'a Node, rule: &'static Rule) {
        match rule {
            Rule::Plain(types) => {
                if !types.iter().any(|kind| is(&node.value, *kind)) {
                    self.wrong_type(node.mark, types.iter().map(|kind| name(*kind)));
                }
            }
            Rule::Duration => match &node.value {
                Value::Text(text) if golang::parse_duration(text).is_some() => {}
                Value::Text(_) | Value::Time(_) => {
                    self.wrong_with(node.mark, "Does not match format 'duration'", DURATION_HINT);
                }
                _ => self.wrong_type(node.mark, ["string"].into_iter()),
            },
            Rule::Port => self.port(node),
            Rule::Word(words) => match &node.value {
                Value::Text(text) if words.contains(&&**text) => {}
                Value::Text(_) | Value::Time(_) => {
                    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                    let words = words.join(", ");
                    self.wrong(node.mark, &format!("must be one of the following: {words}"));
                }
                _ => self.wrong_type(node.mark, ["string"].into_iter()),
            },
            Rule::Natural => {
                if !is(&node.value, Type::Whole) {
                    self.wrong_type(node.mark, ["integer"].into_iter());
                } else if number(&node.value).is_some_and(|n| n < 0.0) {
                    self.wrong(node.mark, "Must be greater than or equal to 0");
                }
            }
            Rule::List { item, unique } => self.list(node, item, *unique),
            Rule::Map(shape) => self.map(node, shape),
            Rule::Either(rules) => match rules.iter().find(|rule| takes(rule, &node.value)) {
                Some(rule) => self.node(node, rule),
                None => self.wrong_type(node.mark, rules.iter().flat_map(names)),
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
            _ => return self.wrong_type(node.mark, ["number", "string"].into_iter()),
        };
        if let Err(reason) = short_forms::parse_port(&spec) {
            self.wrong_with(node.mark, "Does not match format 'ports'", &reason);
        }
    }

    fn list(&mut self, node: &'a Node, rule: &'static Rule, unique: bool) {
        let Value::List(items) = &node.value else {
            return self.wrong_type(node.mark, ["list"].into_iter());
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
            return self.wrong_type(node.mark, ["mapping"].into_iter());
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
        } else if !extension && !open(shape.open) {
            let hint = unknown_key_hint(known.map(|(since, ..)| *since), key, map, shape);
            self.wrong_with(
                entry.mark,
                &format!("Additional property {key} is not allowed"),
                &hint,
            );
        }
    }

    fn wrong(&mut self, mark: Mark, message: &str) {
        self.find(mark, message, "", false);
    }

    fn wrong_with(&mut self, mark: Mark, message: &str, hint: &str) {
        self.find(mark, message, hint, false);
    }

    fn wrong_type(&mut self, mark: Mark, expected: impl Iterator<Item = &'static str>) {
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
        self.find(mark, &format!("must be a {list}"), "", true);
    }

    fn find(&mut self, mark: Mark, message: &str, hint: &str, wrong_type: bool) {
        let depth = self.path.len();
        let better = self.worst.as_ref().is_none_or(|worst| {
            depth > worst.depth || (depth == worst.depth && wrong_type && !worst.wrong_type)
        });
        if !better {
            return;
        }
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
        let path = if path.is_empty() { "(root)" } else { &path };
        let mut fault = Fault::at(mark, format!("{path} {message}"));
        if !hint.is_empty() {
            fault = fault.hint(hint);
        }
        self.worst = Some(Finding { depth, wrong_type, fault });
    }
}

const DURATION_HINT: &str = "a duration needs a unit: ns, us, ms, s, m or h, as in 1m30s";

/// The hint for a key that is not allowed.
fn unknown_key_hint(since: Option<u8>, key: &str, map: &Mapping, shape: &Shape) -> String {
    if let Some(since) = since {
        return format!("`{key}` needs version \"3.{since}\" or no version at all");
    }
    let near = shape.keys.iter().map(|(_, name, _)| *name).find(|name| {
        let plain = |text: &str| text.to_ascii_lowercase().replace(['_', '-'], "");
        map.get(name).is_none() && plain(name) == plain(key)
    });
    near.map_or_else(String::new, |name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn message(text: &str, minor: u8) -> Option<String> {
        let top = yaml::parse(text, 0).unwrap();
        check(&top, minor).err().map(|fault| fault.into_error(&[]).to_string())
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
            (
                "services: {a: {x: 1, deploy: {y: 1}}}",
                "services.a.deploy Additional property y is not allowed",
            ),
            ("services: {'a b': {}}", "services Additional property a b is not allowed"),
            ("version: 3.8", "version must be a string"),
        ] {
            assert_eq!(message(text, 13).as_deref(), Some(expected), "{text}");
        }
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
