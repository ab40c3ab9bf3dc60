//! What the check asks about a value: its type, and how it compares with others.

use super::rule::{Rule, Type};
use crate::stack::node::{Node, Value};

/// Whether a value is of a type.
pub(super) fn is(value: &Value, kind: Type) -> bool {
    match kind {
        Type::Text => matches!(value, Value::Text(_) | Value::Time(_)),
        Type::Number => matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_)),
        Type::Whole => match value {
            Value::Int(_) | Value::Uint(_) => true,
            Value::Float(n) => n.fract() == 0.0,
            _ => false,
        },
        Type::Bool => matches!(value, Value::Bool(_)),
        Type::Null => matches!(value, Value::Null),
    }
}

/// Whether a rule applies to values of this type.
pub(super) fn takes(rule: &Rule, value: &Value) -> bool {
    match rule {
        Rule::Plain(types) => types.iter().any(|kind| is(value, *kind)),
        Rule::Duration | Rule::Word(_) => is(value, Type::Text),
        Rule::Port => is(value, Type::Text) || is(value, Type::Number),
        Rule::Natural => is(value, Type::Whole),
        Rule::List { .. } => matches!(value, Value::List(_)),
        Rule::Map(_) => matches!(value, Value::Map(_)),
        Rule::Either(rules) => rules.iter().any(|rule| takes(rule, value)),
        Rule::Since(rules) => rules.iter().any(|(_, rule)| takes(rule, value)),
    }
}

/// The names of the types that a rule applies to, as messages spell them.
pub(super) fn names(rule: &Rule) -> Vec<&'static str> {
    match rule {
        Rule::Plain(types) => types.iter().map(|kind| name(*kind)).collect(),
        Rule::Duration | Rule::Word(_) => vec!["string"],
        Rule::Port => vec!["number", "string"],
        Rule::Natural => vec!["integer"],
        Rule::List { .. } => vec!["list"],
        Rule::Map(_) => vec!["mapping"],
        Rule::Either(rules) => rules.iter().flat_map(names).collect(),
        Rule::Since(rules) => rules.iter().flat_map(|(_, rule)| names(rule)).collect(),
    }
}

/// The name of a type, as messages spell it.
pub(super) fn name(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Number => "number",
        Type::Whole => "integer",
        Type::Bool => "boolean",
        Type::Null => "null",
    }
}

/// A number as a float; `None` for anything else.
pub(super) fn number(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "only the sign and equality matter")]
    match value {
        Value::Int(n) => Some(*n as f64),
        Value::Uint(n) => Some(*n as f64),
        Value::Float(n) => Some(*n),
        _ => None,
    }
}

/// The numerator of a number written as a fraction of integers.
pub(super) fn numerator(number: f64) -> String {
    let mut scaled = number;
    let mut power = 0;
    // Shortest decimal digits first: the client reads the number from its JSON text.
    let text = format!("{number}");
    if let Some((_, fraction)) = text.split_once('.') {
        power = fraction.len();
        scaled = text.replace('.', "").parse().unwrap_or(f64::NAN);
    }
    let mut divisor = 10.0_f64.powi(i32::try_from(power).unwrap_or(i32::MAX));
    for factor in [2.0, 5.0] {
        while divisor % factor == 0.0 && scaled % factor == 0.0 && scaled != 0.0 {
            scaled /= factor;
            divisor /= factor;
        }
    }
    format!("{scaled}")
}

/// A string that is the same for equal values. Numbers are compared by value.
pub(super) fn canonical(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(_) | Value::Uint(_) | Value::Float(_) => {
            format!("{:e}", number(&node.value).unwrap_or_default())
        }
        Value::Text(text) | Value::Time(text) => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", items.join(","))
        }
        Value::Map(map) => {
            let mut entries: Vec<String> = map
                .entries
                .iter()
                .map(|entry| format!("{:?}:{}", entry.key, canonical(&entry.node)))
                .collect();
            entries.sort();
            format!("{{{}}}", entries.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::numerator;

    #[test]
    fn numerators() {
        for (number, expected) in [(80.5, "161"), (80.0, "80"), (0.25, "1"), (-1.5, "-3")] {
            assert_eq!(numerator(number), expected);
        }
    }
}
