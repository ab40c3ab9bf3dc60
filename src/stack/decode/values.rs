//! The values of a mapping's keys: single values, lists, and pairs such as environment variables.
//! What is absent or null is empty.

use crate::stack::diagnostic::Mark;
use crate::stack::fault::Fault;
use crate::stack::golang;
use crate::stack::model::{MaybeTexts, Texts};
use crate::stack::node::{Mapping, Node, Value};

/// The keys of a mapping, matched as the client's decoder does it: exactly, or else ignoring case
/// (which matters only where the schema accepts any key).
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Mapping);

impl<'a> Fields<'a> {
    /// The keys of a node that must be a mapping.
    pub(super) fn of(node: &'a Node) -> Result<Self, Fault> {
        node.as_map().map(Self).ok_or_else(|| wrong(node, "map"))
    }

    /// The mapping itself.
    pub(super) fn map(self) -> &'a Mapping {
        self.0
    }

    /// The value of a key, if it is present and not null.
    pub(super) fn get(self, key: &str) -> Option<&'a Node> {
        self.0
            .entry_any_case(key)
            .map(|entry| &entry.node)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    /// The place of a key's value.
    pub(super) fn mark(self, key: &str) -> Option<Mark> {
        self.0.entry_any_case(key).map(|entry| entry.node.mark)
    }

    /// The value of a key, read by `read`.
    pub(super) fn map_to<T>(
        self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(read).transpose()
    }

    pub(super) fn text(self, key: &str) -> Result<String, Fault> {
        Ok(self.map_to(key, text)?.unwrap_or_default())
    }

    pub(super) fn boolean(self, key: &str) -> Result<bool, Fault> {
        Ok(self.map_to(key, boolean)?.unwrap_or_default())
    }

    pub(super) fn signed(self, key: &str) -> Result<i64, Fault> {
        Ok(self.map_to(key, signed)?.unwrap_or_default())
    }

    pub(super) fn size(self, key: &str) -> Result<i64, Fault> {
        Ok(self.map_to(key, size)?.unwrap_or_default())
    }

    /// Nanoseconds, if given.
    pub(super) fn duration(self, key: &str) -> Result<Option<i64>, Fault> {
        self.map_to(key, duration)
    }

    /// A number that is not negative, if given.
    pub(super) fn unsigned(self, key: &str) -> Result<Option<u64>, Fault> {
        self.map_to(key, unsigned)
    }

    /// A list of strings.
    pub(super) fn texts(self, key: &str) -> Result<Vec<String>, Fault> {
        Ok(self.map_to(key, text_list)?.unwrap_or_default())
    }

    /// A string or a list of strings; absent is not empty.
    pub(super) fn text_or_texts(self, key: &str) -> Result<Option<Vec<String>>, Fault> {
        self.map_to(key, |node| match &node.value {
            Value::Text(text) => Ok(vec![text.to_string()]),
            _ => text_list(node),
        })
    }

    /// A command; a string is split into words.
    pub(super) fn command(self, key: &str) -> Result<Vec<String>, Fault> {
        let words = self.map_to(key, |node| match &node.value {
            Value::Text(text) => golang::split_words(text)
                .map_err(|message| Fault::at(node.mark, format!("{key}: {message}"))),
            _ => text_list(node),
        })?;
        Ok(words.unwrap_or_default())
    }
}

/// A list of strings.
pub(super) fn text_list(node: &Node) -> Result<Vec<String>, Fault> {
    match &node.value {
        Value::List(items) => items.iter().map(text).collect(),
        _ => Err(wrong(node, "list")),
    }
}

/// The items of a list.
pub(super) fn list(node: &Node) -> Result<&[Node], Fault> {
    match &node.value {
        Value::List(items) => Ok(items),
        _ => Err(wrong(node, "list")),
    }
}

/// A string; null is the empty string.
pub(super) fn text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Text(text) => Ok(text.to_string()),
        Value::Null => Ok(String::new()),
        _ => Err(wrong(node, "string")),
    }
}

/// Any scalar in the form Go prints.
pub(super) fn shown(node: &Node) -> Result<String, Fault> {
    Ok(match &node.value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(n) => n.to_string(),
        Value::Uint(n) => n.to_string(),
        Value::Float(n) => golang::show_float(*n),
        Value::Text(text) | Value::Time(text) => text.to_string(),
        Value::List(_) | Value::Map(_) => return Err(wrong(node, "string")),
    })
}

/// A boolean; null is false.
pub(super) fn boolean(node: &Node) -> Result<bool, Fault> {
    match node.value {
        Value::Bool(value) => Ok(value),
        Value::Null => Ok(false),
        _ => Err(wrong(node, "bool")),
    }
}

/// A number that is not negative; a fraction is dropped.
pub(super) fn unsigned(node: &Node) -> Result<u64, Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the client drops the fraction"
    )]
    match node.value {
        Value::Int(n) => u64::try_from(n)
            .map_err(|_| Fault::at(node.mark, format!("{n} overflows uint: it is negative"))),
        Value::Uint(n) => Ok(n),
        Value::Float(n) if n < 0.0 => {
            Err(Fault::at(node.mark, format!("{n:.6} overflows uint: it is negative")))
        }
        // On amd64, Go turns a number that does not fit into 2^63.
        Value::Float(n) if n >= 18_446_744_073_709_551_616.0 => Ok(1 << 63),
        Value::Float(n) => Ok(n as u64),
        Value::Null => Ok(0),
        _ => Err(wrong(node, "uint64")),
    }
}

/// A number of 32 bits; the client keeps the low bits of a larger number.
pub(super) fn low_32_bits(node: &Node) -> Result<u32, Fault> {
    #[expect(clippy::cast_possible_truncation, reason = "as the client does")]
    unsigned(node).map(|n| n as u32)
}

/// An integer; a fraction is dropped.
pub(super) fn signed(node: &Node) -> Result<i64, Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "the client converts without a check"
    )]
    match node.value {
        Value::Int(n) => Ok(n),
        Value::Uint(n) => Ok(n as i64),
        // On amd64, Go turns a number that does not fit into the smallest one.
        Value::Float(n) if n >= 9_223_372_036_854_775_808.0 => Ok(i64::MIN),
        Value::Float(n) => Ok(n as i64),
        Value::Null => Ok(0),
        _ => Err(wrong(node, "int64")),
    }
}

/// A number that the client keeps in a 32-bit float.
pub(super) fn ratio(node: &Node) -> Result<f64, Fault> {
    #[expect(clippy::cast_precision_loss, reason = "as the client does")]
    match node.value {
        Value::Int(n) => Ok(golang::narrow(n as f64)),
        Value::Uint(n) => Ok(golang::narrow(n as f64)),
        Value::Float(n) => Ok(golang::narrow(n)),
        Value::Null => Ok(0.0),
        _ => Err(wrong(node, "float32")),
    }
}

/// A duration in nanoseconds.
pub(super) fn duration(node: &Node) -> Result<i64, Fault> {
    let Value::Text(text) = &node.value else { return Err(wrong(node, "duration")) };
    golang::parse_duration(text)
        .ok_or_else(|| Fault::at(node.mark, format!("time: invalid duration {text:?}")))
}

/// A size in bytes.
pub(super) fn size(node: &Node) -> Result<i64, Fault> {
    match &node.value {
        Value::Text(text) => golang::ram_in_bytes(text).map_err(|message| {
            Fault::at(node.mark, message)
                .hint("a size is a number with b, k, m, g, t or p, as in 512m or 1.5GiB")
        }),
        Value::Int(n) => Ok(*n),
        Value::Null => Ok(0),
        _ => Err(wrong(node, "size")),
    }
}

/// The fault of a value whose type the decoder does not accept.
pub(super) fn wrong(node: &Node, expected: &str) -> Fault {
    let got = match &node.value {
        Value::Null => "nil",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Uint(_) => "uint64",
        Value::Float(_) => "float64",
        Value::Time(_) => "time.Time",
        Value::Text(_) => "string",
        Value::List(_) => "list",
        Value::Map(_) => "mapping",
    };
    let fault =
        Fault::at(node.mark, format!("expected type '{expected}', got unconvertible type '{got}'"));
    match &node.value {
        Value::Time(_) => fault.hint("put the date in quotes; without quotes it is a timestamp"),
        _ => fault,
    }
}

/// Pairs whose values may be missing: a mapping, or a list of `key=value`.
pub(super) fn maybe_pairs(node: &Node) -> Result<MaybeTexts, Fault> {
    match &node.value {
        Value::Map(map) => map
            .entries
            .iter()
            .map(|entry| {
                let value = match entry.node.value {
                    Value::Null => None,
                    _ => Some(shown(&entry.node)?),
                };
                Ok((entry.key.to_string(), value))
            })
            .collect(),
        Value::List(items) => items
            .iter()
            .map(|item| {
                let Value::Text(text) = &item.value else {
                    return Err(wrong(item, "string"));
                };
                Ok(match text.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (text.to_string(), None),
                })
            })
            .collect(),
        _ => Err(wrong(node, "map or list")),
    }
}

/// Pairs where a missing value is the empty string.
pub(super) fn pairs(node: &Node) -> Result<Texts, Fault> {
    let pairs = maybe_pairs(node)?;
    Ok(pairs.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// Options of a driver: only a mapping.
pub(super) fn options(node: &Node) -> Result<Texts, Fault> {
    match &node.value {
        Value::Map(_) => pairs(node),
        _ => Err(wrong(node, "map[string]string")),
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
                let line = shown(item)?;
                let line = cut(&line, '=').map_or(line, |(host, ip)| format!("{host}:{ip}"));
                hosts.extend(cut(&line, ':'));
            }
        }
        _ => return Err(wrong(node, "map or list")),
    }
    let bare = |ip: &str| {
        let inner = ip.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        inner.filter(|inner| !inner.is_empty()).unwrap_or(ip).to_owned()
    };
    Ok(hosts.into_iter().map(|(host, ip)| format!("{host}:{}", bare(&ip))).collect())
}

/// The client formats the addresses of a mapping as strings even if they are numbers.
fn badly_shown(node: &Node) -> Result<String, Fault> {
    let shown = shown(node)?;
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
        let pairs = maybe_pairs(&node("[A, B=, C=x=y]")).unwrap();
        assert_eq!(pairs["A"], None);
        assert_eq!(pairs["B"].as_deref(), Some(""));
        assert_eq!(pairs["C"].as_deref(), Some("x=y"));
        let pairs = maybe_pairs(&node("{A: , B: 1.10, C: 1e6}")).unwrap();
        assert_eq!(pairs["A"], None);
        assert_eq!(pairs["B"].as_deref(), Some("1.1"));
        assert_eq!(pairs["C"].as_deref(), Some("1e+06"));
        assert!(maybe_pairs(&node("[2024-01-02]")).is_err());
    }
}
