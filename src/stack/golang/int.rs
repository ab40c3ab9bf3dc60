//! Go's `strconv.Atoi` and `strconv.ParseInt` with the base taken from the prefix.

/// A decimal number with an optional sign.
pub(crate) fn atoi(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A number whose base follows from its prefix (`0x`, `0o`, `0`, `0b`), within the range of
/// either a signed or an unsigned 64-bit number.
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
    // Only numbers without a sign are tried as unsigned ones.
    let signed = text.starts_with(['-', '+']);
    let fits = i64::try_from(number).is_ok() || !signed;
    fits.then_some(number)
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
}
