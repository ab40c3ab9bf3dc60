//! Types of values and of rules.

use super::rule::{Rule, Type};
use crate::stack::node::Value;

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

/// Whether a rule is for values of this type.
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

/// The names of the types a rule is for, as messages say them.
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

/// The name of a type, as messages say it.
pub(super) fn name(kind: Type) -> &'static str {
    match kind {
        Type::Text => "string",
        Type::Number => "number",
        Type::Whole => "integer",
        Type::Bool => "boolean",
        Type::Null => "null",
    }
}
