//! The type of a scalar: the rules of `gopkg.in/yaml.v3` (`resolve.go`), timestamps included.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;

use crate::stack::golang;
use crate::stack::node::Value;

/// The value of a scalar. `plain` means unquoted; `tag` is an explicit tag in its short form.
///
/// # Errors
/// The value does not fit the tag.
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
        // Quotes, `!!str`, and any tag that is not YAML's own: the string as it is.
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
            if times && let Some(time) = timestamp(text) {
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

/// The form Go prints, if `text` is a timestamp in one of yaml.v3's four layouts.
fn timestamp(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    if !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (month, rest) = one_or_two_digits(rest.strip_prefix('-')?)?;
    let (day, rest) = one_or_two_digits(rest.strip_prefix('-')?)?;
    let date = Date::new(year.parse().ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    date.ok()?;
    let date = format!("{year}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date} 00:00:00 +0000 UTC"));
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (hour, rest) = one_or_two_digits(rest)?;
    let (minute, rest) = one_or_two_digits(rest.strip_prefix(':')?)?;
    let (second, rest) = one_or_two_digits(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (fraction, rest) = fraction(rest)?;
    let zone = match (zoned, rest) {
        (true, "Z") | (false, "") => "+0000 UTC".to_owned(),
        (true, rest) => offset(rest)?,
        (false, _) => return None,
    };
    Some(format!("{date} {hour:02}:{minute:02}:{second:02}{fraction} {zone}"))
}

/// One or two digits.
fn one_or_two_digits(text: &str) -> Option<(u8, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// Up to nine digits after a point or comma, without trailing zeros.
fn fraction(text: &str) -> Option<(String, &str)> {
    let Some(rest) = text.strip_prefix(['.', ',']) else {
        return Some((String::new(), text));
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = rest.split_at(digits);
    if number.is_empty() {
        return None;
    }
    let number = number[..number.len().min(9)].trim_end_matches('0');
    Some((if number.is_empty() { String::new() } else { format!(".{number}") }, rest))
}

/// `+hh:mm`, printed twice because Go has no name for such a zone.
fn offset(text: &str) -> Option<String> {
    let sign = text.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let (hours, minutes) = text[1..].split_once(':')?;
    let two = |part: &str| {
        (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u8>().ok())
            .flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    if hours > 24 || minutes > 60 {
        return None;
    }
    if hours == 0 && minutes == 0 {
        return Some("+0000 UTC".to_owned());
    }
    let zone = format!("{sign}{hours:02}{minutes:02}");
    Some(format!("{zone} {zone}"))
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

    #[test]
    fn the_four_layouts() {
        for (text, expected) in [
            ("2024-01-02", Some("2024-01-02 00:00:00 +0000 UTC")),
            ("2024-1-2", Some("2024-01-02 00:00:00 +0000 UTC")),
            ("2001-12-14t21:59:43.10-05:00", Some("2001-12-14 21:59:43.1 -0500 -0500")),
            ("2001-12-15T02:59:43.1Z", Some("2001-12-15 02:59:43.1 +0000 UTC")),
            ("2001-12-14 21:59:43", Some("2001-12-14 21:59:43 +0000 UTC")),
            ("2001-12-14T21:59:43", None),
            ("2001-12-14 21:59:43Z", None),
            ("2023-02-29", None),
            ("2024-13-01", None),
            ("20240-01-01", None),
            ("2024-01", None),
            ("2024-01-02x", None),
        ] {
            assert_eq!(timestamp(text).as_deref(), expected, "{text}");
        }
    }
}
