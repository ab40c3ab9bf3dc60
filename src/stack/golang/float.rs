//! Go's `strconv.ParseFloat` and the `%v` form of a float.

/// A number as Go reads it; none for what it refuses and for what is out of range.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = unsigned.to_ascii_lowercase();
    if matches!(word.as_str(), "inf" | "infinity" | "nan") {
        // A sign before nan is refused.
        return if word == "nan" && unsigned.len() != text.len() {
            None
        } else {
            text.parse().ok()
        };
    }
    if !super::underscores_fit(unsigned) {
        return None;
    }
    let word = word.replace('_', "");
    if let Some(hex) = word.strip_prefix("0x") {
        let value = hexadecimal(hex)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    let number: f64 = text.replace('_', "").parse().ok()?;
    number.is_finite().then_some(number)
}

/// `h.hhhp±d`; the exponent is required.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    let value = value * 2.0_f64.powi(shift);
    value.is_finite().then_some(value)
}

/// The form of `%v`: shortest digits, with an exponent when that is below -4 or from 6 on
/// (`strconv`'s rule for the shortest form).
pub(crate) fn show_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // Rust's `e` form has the same shortest digits: `1.234567e6`.
    let shortest = format!("{number:e}");
    let Some((digits, exponent)) = shortest.split_once('e') else {
        return shortest;
    };
    let power: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&power) {
        return format!("{number}");
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.unsigned_abs())
}

/// A number that went through a 32-bit float, as JSON shows it: the shortest digits that give
/// the same 32-bit float.
pub(crate) fn narrow(number: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the client's field has 32 bits")]
    let narrow = number as f32;
    format!("{narrow}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go_prints_them() {
        for (number, expected) in [
            (1.1, "1.1"),
            (1.0, "1"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e-7, "1e-07"),
            (0.0001, "0.0001"),
        ] {
            assert_eq!(show_float(number), expected);
        }
    }

    #[test]
    fn floats_as_go_reads_them() {
        assert_eq!(parse_float("0x1p-2"), Some(0.25));
        assert_eq!(parse_float("-0x1.8p1"), Some(-3.0));
        assert_eq!(parse_float("1e400"), None);
        assert_eq!(parse_float("1_0.5"), Some(10.5));
        assert_eq!(parse_float("1__0"), None);
        assert_eq!(parse_float("."), None);
        assert_eq!(parse_float("+inf"), Some(f64::INFINITY));
    }

    #[test]
    fn narrow_floats() {
        assert!((narrow(0.333_333_333) - 0.333_333_34).abs() < 1e-15);
        assert!((narrow(0.3) - 0.3).abs() < 1e-15);
    }
}
