//! Go's `time.ParseDuration` and `Duration.String`.

/// Nanoseconds of a duration such as `1m30s`, `.5s`, `-1s` or `0`; `None` if Go refuses it.
pub(crate) fn parse_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let whole_len = digits(rest);
        let whole = rest[..whole_len].parse::<u64>();
        let mut after = &rest[whole_len..];
        let mut fraction = "";
        if let Some(tail) = after.strip_prefix('.') {
            fraction = &tail[..digits(tail)];
            after = &tail[fraction.len()..];
        }
        if whole_len == 0 && fraction.is_empty() {
            return None;
        }
        let whole = if whole_len == 0 { 0 } else { whole.ok()? };
        let unit_len = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let unit = unit(&after[..unit_len])?;
        rest = &after[unit_len..];
        // Go allows 2^63 itself so that -2^63 can be written.
        let whole = whole.checked_mul(unit).filter(|n| *n <= 1 << 63)?;
        total = total.checked_add(whole)?.checked_add(part(fraction, unit))?;
        if total > 1 << 63 {
            return None;
        }
    }
    if negative {
        return Some(0_i64.wrapping_sub_unsigned(total));
    }
    i64::try_from(total).ok()
}

fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A fraction of a unit; Go multiplies in floating point and stops at the 63-bit limit.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the same arithmetic as Go's leadingFraction"
)]
fn part(fraction: &str, unit: u64) -> u64 {
    let (mut number, mut scale) = (0_u64, 1.0_f64);
    for digit in fraction.bytes() {
        let next = number.checked_mul(10).and_then(|n| n.checked_add(u64::from(digit - b'0')));
        match next.filter(|n| *n <= 1 << 63) {
            Some(next) => number = next,
            None => break,
        }
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

/// The form Go prints: `1m30s`, `1.5s`, `10µs`, `0s`.
pub(crate) fn show_duration(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let total = nanos.unsigned_abs();
    if total == 0 {
        return "0s".to_owned();
    }
    if total < 1_000_000_000 {
        let (unit, size) = match total {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        return format!("{sign}{}{unit}", decimal(total, size));
    }
    let seconds = total / 1_000_000_000;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let last = decimal(total % 60_000_000_000, 1_000_000_000);
    if hours > 0 {
        format!("{sign}{hours}h{minutes}m{last}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m{last}s")
    } else {
        format!("{sign}{last}s")
    }
}

/// `total / size` with as many decimals as needed.
fn decimal(total: u64, size: u64) -> String {
    let width = size.ilog10() as usize;
    let fraction = format!("{:0width$}", total % size);
    let fraction = if width == 0 { "" } else { fraction.trim_end_matches('0') };
    if fraction.is_empty() {
        return (total / size).to_string();
    }
    format!("{}.{fraction}", total / size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_as_go_reads_them() {
        for (text, expected) in [
            ("1m30s", Some(90_000_000_000)),
            (".5s", Some(500_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("1.s", Some(1_000_000_000)),
            ("10us", Some(10_000)),
            ("10µs", Some(10_000)),
            ("5ns", Some(5)),
            ("+5s", Some(5_000_000_000)),
            ("-1s", Some(-1_000_000_000)),
            ("1m1m", Some(120_000_000_000)),
            ("0", Some(0)),
            ("-0", Some(0)),
            ("0s", Some(0)),
            ("2562047h47m16.854775807s", Some(i64::MAX)),
            ("-9223372036854775808ns", Some(i64::MIN)),
            ("9223372036854775808ns", None),
            ("0.9223372036854775807999s", Some(922_337_203)),
            ("30", None),
            ("", None),
            ("-", None),
            (".s", None),
            ("1d", None),
            ("1m 30s", None),
            ("5S", None),
            ("10000000h", None),
        ] {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_as_go_prints_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (3_300_000_000, "3.3s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (-1_000_000_000, "-1s"),
            (i64::MIN, "-2562047h47m16.854775808s"),
        ] {
            assert_eq!(show_duration(nanos), expected);
        }
    }

    proptest! {
        #[test]
        fn printed_durations_read_back(nanos: i64) {
            prop_assert_eq!(parse_duration(&show_duration(nanos)), Some(nanos));
        }
    }
}
