//! Single values.

use crate::stack::fault::Fault;
use crate::stack::golang;
use crate::stack::node::{Node, Value};

/// A text; nothing is the empty text.
pub(super) fn text(node: &Node) -> Result<String, Fault> {
    match &node.value {
        Value::Text(text) => Ok(text.to_string()),
        Value::Null => Ok(String::new()),
        _ => Err(wrong(node, "string")),
    }
}

/// A text or any other scalar in the form Go prints it.
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

/// A boolean; nothing is false.
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
        // On amd64 Go makes 2^63 of what does not fit.
        Value::Float(n) if n >= 18_446_744_073_709_551_616.0 => Ok(1 << 63),
        Value::Float(n) => Ok(n as u64),
        Value::Null => Ok(0),
        _ => Err(wrong(node, "uint64")),
    }
}

/// A number of 32 bits; the client keeps the low ones of a larger number.
pub(super) fn low_32_bits(node: &Node) -> Result<u32, Fault> {
    #[expect(clippy::cast_possible_truncation, reason = "as the client does")]
    unsigned(node).map(|n| n as u32)
}

/// A whole number; a fraction is dropped.
pub(super) fn signed(node: &Node) -> Result<i64, Fault> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "the client converts without a check"
    )]
    match node.value {
        Value::Int(n) => Ok(n),
        Value::Uint(n) => Ok(n as i64),
        // On amd64 Go makes the smallest number of what does not fit.
        Value::Float(n) if n >= 9_223_372_036_854_775_808.0 => Ok(i64::MIN),
        Value::Float(n) => Ok(n as i64),
        Value::Null => Ok(0),
        _ => Err(wrong(node, "int64")),
    }
}

/// A number that is kept in a 32-bit float.
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

/// A value of another type than the decoder wants.
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
        Value::Time(_) => fault.hint("put the date in quotes: without them it is a timestamp"),
        _ => fault,
    }
}
