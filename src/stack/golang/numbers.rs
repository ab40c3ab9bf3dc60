//! Whole numbers, floats and memory sizes: Go's `strconv` and `go-units`.

/// A decimal number with an optional sign.
pub(crate) fn atoi(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A number whose base is given by its prefix (`0x`, `0o`, `0`, `0b`), within the range of a signed
/// or unsigned 64-bit number.
pub(crate) fn parse_int_any_base(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    let (digits, base) = if let Some(digits) = lower.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = lower.strip_prefix("0b") {
        (digits, 2)
    } else if let Some(digits) = lower.strip_prefix("0o") {
        (digits, 8)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8)
    } else {
        (lower.as_str(), 10)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let number = sign * i128::from(u64::from_str_radix(digits, base).ok()?);
    // A number with a sign must fit a signed 64-bit number.
    let signed = text.starts_with(['-', '+']);
    let fits = i64::try_from(number).is_ok() || !signed;
    fits.then_some(number)
}

/// A number as Go reads it; `None` if Go refuses it or it is out of range.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = unsigned.to_ascii_lowercase();
    if matches!(word.as_str(), "inf" | "infinity" | "nan") {
        // Go refuses a sign before nan.
        return if word == "nan" && unsigned.len() != text.len() {
            None
        } else {
            text.parse().ok()
        };
    }
    if !underscores_fit(unsigned) {
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

/// The form of `%v`: the shortest digits, with an exponent if it is below -4 or at least 6
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

/// A number rounded to a 32-bit float, as JSON shows it: the shortest digits that give the same
/// 32-bit float.
pub(crate) fn narrow(number: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the client's field has 32 bits")]
    let narrow = number as f32;
    format!("{narrow}").parse().unwrap_or(number)
}

/// Whether underscores are only where Go allows them in a number: between digits, or between a base
/// prefix and a digit.
pub(crate) fn underscores_fit(unsigned: &str) -> bool {
    let bytes = unsigned.as_bytes();
    let digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| digit(at.checked_sub(1)) && digit(Some(at + 1)))
}

/// Bytes of `512m`, `1.5 GB` or `2gib`.
///
/// # Errors
/// The client's own message.
pub(crate) fn ram_in_bytes(text: &str) -> Result<i64, String> {
    let Some(last) = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ') else {
        return Err(format!("invalid size: '{text}'"));
    };
    let number = if text.as_bytes()[last] == b' ' { &text[..last] } else { &text[..=last] };
    let suffix = &text[last + 1..];
    let Some(mut size) = parse_float(number) else {
        return Err(format!("strconv.ParseFloat: parsing {number:?}: invalid syntax"));
    };
    if size < 0.0 {
        return Err(format!("invalid size: '{text}'"));
    }
    let bad = || format!("invalid suffix: '{}'", suffix.to_lowercase());
    let lower = suffix.to_lowercase();
    let (unit, tail) = match lower.as_bytes() {
        _ if suffix.len() > 3 => return Err(format!("invalid suffix: '{suffix}'")),
        [] | [b'b'] => (1.0, &b""[..]),
        [b'k', tail @ ..] => (1024.0, tail),
        [b'm', tail @ ..] => (1024.0 * 1024.0, tail),
        [b'g', tail @ ..] => (1024.0_f64.powi(3), tail),
        [b't', tail @ ..] => (1024.0_f64.powi(4), tail),
        [b'p', tail @ ..] => (1024.0_f64.powi(5), tail),
        _ => return Err(bad()),
    };
    if !matches!(tail, b"" | b"b" | b"ib") {
        return Err(bad());
    }
    size *= unit;
    // On amd64, Go turns a number that does not fit into the smallest one.
    #[expect(clippy::cast_possible_truncation, reason = "checked, and the fraction is dropped")]
    Ok(if size.is_nan() || size >= 9.223_372_036_854_776e18 { i64::MIN } else { size as i64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers() {
        assert_eq!(atoi("+5"), Some(5));
        assert_eq!(atoi("010"), Some(10));
        assert_eq!(atoi(""), None);
        assert_eq!(atoi("1_0"), None);
        assert_eq!(parse_int_any_base("-0x10"), Some(-16));
        assert_eq!(parse_int_any_base("0"), Some(0));
        assert_eq!(parse_int_any_base("09"), None);
        assert_eq!(parse_int_any_base("+18446744073709551615"), None);
        assert_eq!(parse_int_any_base("18446744073709551615"), Some(i128::from(u64::MAX)));
        assert_eq!(parse_int_any_base("0x+1"), None);
    }

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

    #[test]
    fn underscores() {
        for (text, expected) in [
            ("1_0", true),
            ("0x_1", true),
            ("10", true),
            ("_1", false),
            ("1_", false),
            ("1__0", false),
            ("1_.5", false),
        ] {
            assert_eq!(underscores_fit(text), expected, "{text}");
        }
    }

    #[test]
    fn sizes_as_measured_with_the_client() {
        for (text, expected) in [
            ("512m", Some(536_870_912)),
            ("2GB", Some(2_147_483_648)),
            ("2GiB", Some(2_147_483_648)),
            ("1.5 g", Some(1_610_612_736)),
            ("100", Some(100)),
            ("100b", Some(100)),
            (".5g", Some(536_870_912)),
            ("1e3", Some(1000)),
            ("0", Some(0)),
            ("512Mi", None),
            ("512 MiBs", None),
            ("bb", None),
            ("10bb", None),
            ("-1", None),
            ("m", None),
            ("", None),
            ("1  g", None),
            ("0x10", None),
        ] {
            assert_eq!(ram_in_bytes(text).ok(), expected, "{text}");
        }
    }
}
