//! Which type a scalar has: the rules of `gopkg.in/yaml.v3` (`resolve.go`).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::timestamp;
use crate::stack::golang;
use crate::stack::node::Value;

/// The value of a scalar. `plain` is an unquoted one, `tag` an explicit tag in its short form.
///
/// # Errors
/// A tag that the text does not fit.
pub(crate) fn resolve(text: &Arc<str>, plain: bool, tag: Option<&str>) -> Result<Value, String> {
    match tag {
        None if plain => Ok(guess(text, true)),
        Some("!!binary") => match STANDARD.decode(text.replace(['\n', '\r'], "")) {
            Ok(bytes) => Ok(Value::Text(Arc::from(String::from_utf8_lossy(&bytes)))),
            Err(_) => Err("!!binary value contains invalid base64 data".into()),
        },
        Some(tag @ ("!!bool" | "!!int" | "!!float" | "!!null" | "!!timestamp")) => {
            let value = guess(text, tag == "!!timestamp");
            let is = match value {
                Value::Null => "!!null",
                Value::Bool(_) => "!!bool",
                Value::Int(_) | Value::Uint(_) => "!!int",
                Value::Float(_) => "!!float",
                Value::Time(_) => "!!timestamp",
                _ => "!!str",
            };
            match value {
                #[expect(clippy::cast_precision_loss, reason = "Go converts the same way")]
                Value::Int(n) if tag == "!!float" => Ok(Value::Float(n as f64)),
                value if is == tag => Ok(value),
                _ => Err(format!("cannot decode {is} `{text}` as a {tag}")),
            }
        }
        // Quotes, `!!str`, and any tag that is not YAML's own: the text as it is.
        _ => Ok(Value::Text(text.clone())),
    }
}

fn guess(text: &Arc<str>, times: bool) -> Value {
    let as_text = || Value::Text(text.clone());
    match &**text {
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Value::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' => golang::parse_float(text).map_or_else(as_text, Value::Float),
        b'0'..=b'9' | b'+' | b'-' => {
            if times && let Some(time) = timestamp::parse(text) {
                return Value::Time(Arc::from(time));
            }
            number(text).unwrap_or_else(as_text)
        }
        _ => as_text(),
    }
}

fn number(text: &str) -> Option<Value> {
    let plain = text.replace('_', "");
    if let Some(n) = golang::parse_int_any_base(&plain) {
        return i64::try_from(n)
            .ok()
            .map(Value::Int)
            .or_else(|| u64::try_from(n).ok().map(Value::Uint));
    }
    if is_float(&plain) { golang::parse_float(&plain).map(Value::Float) } else { None }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        None => digits(mantissa),
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
    };
    mantissa && exponent.is_none_or(|part| digits(part.strip_prefix(['-', '+']).unwrap_or(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        format!("{:?}", resolve(&Arc::from(text), true, None).unwrap())
    }

    #[test]
    fn plain_scalars_as_measured_with_the_client() {
        for (text, expected) in [
            ("yes", "Text(\"yes\")"),
            ("on", "Text(\"on\")"),
            ("True", "Bool(true)"),
            ("tRUE", "Text(\"tRUE\")"),
            ("~", "Null"),
            ("017", "Int(15)"),
            ("0o17", "Int(15)"),
            ("-0o17", "Int(-15)"),
            ("0x1f", "Int(31)"),
            ("0X1F", "Int(31)"),
            ("0b11", "Int(3)"),
            ("1_000", "Int(1000)"),
            ("+5", "Int(5)"),
            ("08", "Float(8.0)"),
            ("1e3", "Float(1000.0)"),
            ("1.10", "Float(1.1)"),
            (".5", "Float(0.5)"),
            ("1.", "Float(1.0)"),
            ("18446744073709551615", "Uint(18446744073709551615)"),
            ("18446744073709551616", "Float(1.8446744073709552e19)"),
            ("1:30", "Text(\"1:30\")"),
            ("-", "Text(\"-\")"),
            ("0x", "Text(\"0x\")"),
            ("1.2.3", "Text(\"1.2.3\")"),
            ("2024-01-02", "Time(\"2024-01-02 00:00:00 +0000 UTC\")"),
        ] {
            assert_eq!(show(text), expected, "{text}");
        }
    }

    #[test]
    fn tags_decide_or_refuse() {
        let tagged = |text: &str, tag| resolve(&Arc::from(text), false, Some(tag));
        assert!(matches!(tagged("5", "!!int"), Ok(Value::Int(5))));
        assert!(matches!(tagged("5", "!!str"), Ok(Value::Text(_))));
        assert!(matches!(tagged("5", "!!float"), Ok(Value::Float(_))));
        assert!(matches!(tagged("5", "!other"), Ok(Value::Text(_))));
        assert!(tagged("yes", "!!bool").is_err());
        assert!(tagged("%", "!!binary").is_err());
    }
}
