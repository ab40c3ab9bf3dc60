//! Memory sizes as `go-units` reads them (`RAMInBytes`): binary multiples whatever the spelling.

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
    let Some(mut size) = super::parse_float(number) else {
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
    // On amd64 Go turns what does not fit into the smallest number.
    #[expect(clippy::cast_possible_truncation, reason = "checked, and the fraction is dropped")]
    Ok(if size.is_nan() || size >= 9.223_372_036_854_776e18 { i64::MIN } else { size as i64 })
}

#[cfg(test)]
mod tests {
    use super::ram_in_bytes;

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
