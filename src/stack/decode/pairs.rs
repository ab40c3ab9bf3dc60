//! Environment, labels and their like: a mapping, or a list of `key=value`.

use super::scalars;
use crate::stack::fault::Fault;
use crate::stack::model::{MaybeTexts, Texts};
use crate::stack::node::{Node, Value};

/// Pairs whose value may be missing.
pub(super) fn maybe_texts(node: &Node) -> Result<MaybeTexts, Fault> {
    match &node.value {
        Value::Map(map) => map
            .entries
            .iter()
            .map(|entry| {
                let value = match entry.node.value {
                    Value::Null => None,
                    _ => Some(scalars::shown(&entry.node)?),
                };
                Ok((entry.key.to_string(), value))
            })
            .collect(),
        Value::List(items) => items
            .iter()
            .map(|item| {
                let Value::Text(text) = &item.value else {
                    return Err(scalars::wrong(item, "string"));
                };
                Ok(match text.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (text.to_string(), None),
                })
            })
            .collect(),
        _ => Err(scalars::wrong(node, "map or list")),
    }
}

/// Pairs where a missing value is the empty text.
pub(super) fn texts(node: &Node) -> Result<Texts, Fault> {
    let pairs = maybe_texts(node)?;
    Ok(pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// Options of a driver: a mapping only.
pub(super) fn options(node: &Node) -> Result<Texts, Fault> {
    match &node.value {
        Value::Map(_) => texts(node),
        _ => Err(scalars::wrong(node, "map[string]string")),
    }
}

/// Host names and their addresses as `host:address`: a mapping, or a list of `host=address` or
/// `host:address`; entries without a separator are dropped.
pub(super) fn hosts(node: &Node) -> Result<Vec<String>, Fault> {
    let mut hosts: Vec<(String, String)> = Vec::new();
    match &node.value {
        Value::Map(map) => {
            let mut lines = Vec::new();
            for entry in &map.entries {
                if !matches!(entry.node.value, Value::Null) {
                    lines.push(format!("{}:{}", entry.key, badly_shown(&entry.node)?));
                }
            }
            lines.sort();
            hosts.extend(lines.iter().filter_map(|line| cut(line, ':')));
        }
        Value::List(items) => {
            for item in items {
                let line = scalars::shown(item)?;
                let line = cut(&line, '=').map_or(line, |(host, ip)| format!("{host}:{ip}"));
                hosts.extend(cut(&line, ':'));
            }
        }
        _ => return Err(scalars::wrong(node, "map or list")),
    }
    let bare = |ip: &str| {
        let inner = ip.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.filter(|inner| !inner.is_empty()).unwrap_or(ip).to_owned()
    };
    Ok(hosts.into_iter().map(|(host, ip)| format!("{host}:{}", bare(&ip))).collect())
}

/// The client formats the addresses of a mapping as texts even when they are numbers.
fn badly_shown(node: &Node) -> Result<String, Fault> {
    let shown = scalars::shown(node)?;
    Ok(match node.value {
        Value::Int(_) => format!("%!s(int={shown})"),
        Value::Uint(_) => format!("%!s(uint64={shown})"),
        Value::Float(_) => format!("%!s(float64={shown})"),
        _ => shown,
    })
}

fn cut(line: &str, separator: char) -> Option<(String, String)> {
    line.split_once(separator).map(|(host, ip)| (host.to_owned(), ip.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn node(text: &str) -> Node {
        yaml::parse(&format!("n: {text}"), 0).unwrap().get("n").unwrap().clone()
    }

    #[test]
    fn both_forms_of_hosts() {
        for (text, expected) in [
            (
                "['a:1.1.1.1', 'b=2.2.2.2', 'c=[::1]', 'd:::1', none]",
                vec!["a:1.1.1.1", "b:2.2.2.2", "c:::1", "d:::1"],
            ),
            ("{b: '[::1]', a: 1.1.1.1, n: }", vec!["a:1.1.1.1", "b:::1"]),
        ] {
            assert_eq!(hosts(&node(text)).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn both_forms_of_pairs() {
        let pairs = maybe_texts(&node("[A, B=, C=x=y]")).unwrap();
        assert_eq!(pairs["A"], None);
        assert_eq!(pairs["B"].as_deref(), Some(""));
        assert_eq!(pairs["C"].as_deref(), Some("x=y"));
        let pairs = maybe_texts(&node("{A: , B: 1.10, C: 1e6}")).unwrap();
        assert_eq!(pairs["A"], None);
        assert_eq!(pairs["B"].as_deref(), Some("1.1"));
        assert_eq!(pairs["C"].as_deref(), Some("1e+06"));
        assert!(maybe_texts(&node("[2024-01-02]")).is_err());
    }
}
