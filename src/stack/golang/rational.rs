//! CPU shares as the client reads them: a rational number times 10^9 that must be whole.

/// Why a number of CPUs is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CpuFault {
    /// Not a number at all.
    NotRational,
    /// Finer than a billionth.
    TooPrecise,
}

/// Billionths of a CPU of `0.5`, `1e-2` or `1/2` (Go's `big.Rat.SetString`).
pub(crate) fn nano_cpus(text: &str) -> Result<i64, CpuFault> {
    let (numerator, denominator) = match text.split_once('/') {
        Some((numerator, denominator)) => {
            let numerator = whole(numerator).ok_or(CpuFault::NotRational)?;
            let unsigned = denominator.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
            let denominator =
                whole(denominator).filter(|n| unsigned && *n != 0).ok_or(CpuFault::NotRational)?;
            (numerator, denominator)
        }
        None => decimal(text).ok_or(CpuFault::NotRational)?,
    };
    let nano = numerator.checked_mul(1_000_000_000).ok_or(CpuFault::TooPrecise)?;
    if nano % denominator != 0 {
        return Err(CpuFault::TooPrecise);
    }
    // Go keeps the low 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "as Go's Int64 of a big number")]
    Ok((nano / denominator) as i64)
}

/// A whole number in any base Go knows.
fn whole(text: &str) -> Option<i128> {
    let plain = text.replace('_', "");
    super::parse_int_any_base(&plain)
}

/// A decimal number with an optional exponent, as a fraction.
fn decimal(text: &str) -> Option<(i128, i128)> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let lower = unsigned.to_ascii_lowercase();
    if let Some(prefixed) = prefixed(&lower) {
        return prefixed.map(|number| (sign * number, 1));
    }
    let (mantissa, exponent) = match lower.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (lower.as_str(), 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Zeros at the end of the fraction cost nothing.
    let trimmed = after.trim_end_matches('0');
    let digits = format!("{before}{trimmed}");
    let digits = digits.trim_start_matches('0');
    let number: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let power = exponent.checked_sub(i32::try_from(trimmed.len()).ok()?)?;
    if number == 0 {
        return Some((0, 1));
    }
    let scale = 10_i128.checked_pow(power.unsigned_abs());
    match (power < 0, scale) {
        (true, Some(scale)) => Some((sign * number, scale)),
        // Beyond 10^-38 nothing is whole any more.
        (true, None) => Some((1, i128::MAX)),
        (false, scale) => Some((sign * number.checked_mul(scale?)?, 1)),
    }
}

/// A whole number with a base prefix: none if there is no prefix.
fn prefixed(lower: &str) -> Option<Option<i128>> {
    let base = ["0x", "0b", "0o"].iter().any(|prefix| lower.starts_with(prefix));
    base.then(|| whole(lower))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_as_measured_with_the_client() {
        for (text, expected) in [
            ("0.5", Ok(500_000_000)),
            ("1", Ok(1_000_000_000)),
            (".25", Ok(250_000_000)),
            ("1.", Ok(1_000_000_000)),
            ("1/2", Ok(500_000_000)),
            ("1e-2", Ok(10_000_000)),
            ("-1", Ok(-1_000_000_000)),
            ("0.50000000000000000000", Ok(500_000_000)),
            ("0.0000000001", Err(CpuFault::TooPrecise)),
            ("1/3", Err(CpuFault::TooPrecise)),
            ("1e-50", Err(CpuFault::TooPrecise)),
            ("1/0", Err(CpuFault::NotRational)),
            ("half", Err(CpuFault::NotRational)),
            ("", Err(CpuFault::NotRational)),
            (" 1", Err(CpuFault::NotRational)),
            ("0.5 ", Err(CpuFault::NotRational)),
        ] {
            assert_eq!(nano_cpus(text), expected, "{text}");
        }
    }
}
