//! CPU shares as the client reads them: a rational number that, times 10^9, must be an integer.

use super::numbers::{parse_int_any_base, underscores_fit};

/// Why a number of CPUs is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CpuFault {
    /// Not a number at all.
    NotRational,
    /// Finer than a billionth.
    TooPrecise,
}

/// Go refuses larger exponents.
const LARGEST_EXPONENT: u32 = 1_000_000;

/// Billionths of a CPU from `0.5`, `1e-2`, `1/2` or `0x1p-1` (Go's `big.Rat.SetString`). If the
/// result does not fit, its low 64 bits are returned, as in Go.
pub(crate) fn nano_cpus(text: &str) -> Result<i64, CpuFault> {
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if !underscores_fit(unsigned) {
        return Err(CpuFault::NotRational);
    }
    let plain = unsigned.replace('_', "").to_ascii_lowercase();
    let nano = match plain.split_once('/') {
        Some((numerator, denominator)) => fraction(numerator, denominator)?,
        None => match ["0x", "0b", "0o"].iter().find_map(|prefix| plain.strip_prefix(prefix)) {
            Some(digits) => prefixed(digits, plain.as_bytes()[1])?,
            None => decimal(&plain)?,
        },
    };
    #[expect(clippy::cast_possible_wrap, reason = "as Go's Int64 of a large number")]
    let nano = nano as i64;
    Ok(if negative { nano.wrapping_neg() } else { nano })
}

/// Two integers, each with its base given by its prefix.
fn fraction(numerator: &str, denominator: &str) -> Result<u64, CpuFault> {
    let whole = |text: &str| {
        let digits = text.starts_with(|c: char| c.is_ascii_digit());
        let number = digits.then(|| parse_int_any_base(text)).flatten();
        number.and_then(|n| u128::try_from(n).ok()).ok_or(CpuFault::NotRational)
    };
    let (numerator, denominator) = (whole(numerator)?, whole(denominator)?);
    if denominator == 0 {
        return Err(CpuFault::NotRational);
    }
    let nano = numerator * 1_000_000_000;
    if nano % denominator != 0 {
        return Err(CpuFault::TooPrecise);
    }
    Ok(low_bits(nano / denominator))
}

/// Digits with a point and an exponent of ten (`e`) or two (`p`).
fn decimal(text: &str) -> Result<u64, CpuFault> {
    let (mantissa, ten, two) = match text.split_once(['e', 'p']) {
        Some((mantissa, power)) if text.contains('e') => (mantissa, exponent(power)?, 0),
        Some((mantissa, power)) => (mantissa, 0, exponent(power)?),
        None => (text, 0, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(CpuFault::NotRational);
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Ok(0);
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let length = |n: usize| i32::try_from(n).map_err(|_| CpuFault::NotRational);
    // The number is `significant * 10^power * 2^two`; `significant` has no factor of ten left.
    let power = ten + 9 + length(zeros)? - length(after.len())?;
    if two != 0 {
        let number = significant.parse().map_err(|_| CpuFault::NotRational)?;
        let scale = u32::try_from(power).ok().and_then(|power| 10_u128.checked_pow(power));
        return halves(number, scale.ok_or(CpuFault::TooPrecise)?, two);
    }
    let scale = u32::try_from(power).map_err(|_| CpuFault::TooPrecise)?;
    let number = significant
        .bytes()
        .fold(0_u64, |n, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    Ok(number.wrapping_mul(10_u64.wrapping_pow(scale)))
}

/// A number with a base prefix, with a point and an exponent of two in base 16.
fn prefixed(text: &str, base: u8) -> Result<u64, CpuFault> {
    let (base, bits) = match base {
        b'x' => (16, 4),
        b'o' => (8, 3),
        _ => (2, 1),
    };
    let (mantissa, two) = match text.split_once('p') {
        Some((mantissa, power)) => (mantissa, exponent(power)?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{before}{after}");
    let number = u128::from_str_radix(&digits, base).map_err(|_| CpuFault::NotRational)?;
    let shift = i32::try_from(after.len()).map_err(|_| CpuFault::NotRational)? * bits;
    halves(number, 1_000_000_000, two - shift)
}

/// `number * scale * 2^two`, which must be an integer.
fn halves(number: u128, scale: u128, two: i32) -> Result<u64, CpuFault> {
    let product = number.checked_mul(scale).ok_or(CpuFault::TooPrecise)?;
    let places = two.unsigned_abs();
    if two >= 0 {
        return Ok(low_bits(product).checked_shl(places).unwrap_or(0));
    }
    if product != 0 && places > product.trailing_zeros() {
        return Err(CpuFault::TooPrecise);
    }
    Ok(low_bits(product.checked_shr(places).unwrap_or(0)))
}

fn exponent(text: &str) -> Result<i32, CpuFault> {
    text.parse::<i32>()
        .ok()
        .filter(|power| power.unsigned_abs() <= LARGEST_EXPONENT)
        .ok_or(CpuFault::NotRational)
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are what Go keeps")]
fn low_bits(number: u128) -> u64 {
    number as u64
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
            ("1_0", Ok(10_000_000_000)),
            ("1e50", Ok(-1_729_382_256_910_270_464)),
            ("0x1p-1", Ok(500_000_000)),
            ("0x1.8", Ok(1_500_000_000)),
            ("1p3", Ok(8_000_000_000)),
            ("0.50000000000000000000", Ok(500_000_000)),
            ("0.0000000001", Err(CpuFault::TooPrecise)),
            ("1/3", Err(CpuFault::TooPrecise)),
            ("1e-50", Err(CpuFault::TooPrecise)),
            ("0x1p-10", Err(CpuFault::TooPrecise)),
            ("1/0", Err(CpuFault::NotRational)),
            ("1/-2", Err(CpuFault::NotRational)),
            ("1__0", Err(CpuFault::NotRational)),
            ("half", Err(CpuFault::NotRational)),
            ("", Err(CpuFault::NotRational)),
            (" 1", Err(CpuFault::NotRational)),
            ("0.5 ", Err(CpuFault::NotRational)),
            ("1e99999999", Err(CpuFault::NotRational)),
        ] {
            assert_eq!(nano_cpus(text), expected, "{text}");
        }
    }
}
