//! Timestamps of yaml.v3, in the form Go prints a `time.Time` with `%v`.

use jiff::civil::Date;

/// The printed form if the text is a timestamp in one of yaml.v3's four layouts.
pub(super) fn parse(text: &str) -> Option<String> {
    let (year, rest) = text.split_at_checked(4)?;
    if !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (month, rest) = number(rest.strip_prefix('-')?)?;
    let (day, rest) = number(rest.strip_prefix('-')?)?;
    let date = Date::new(year.parse().ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
    date.ok()?;
    let date = format!("{year}-{month:02}-{day:02}");
    if rest.is_empty() {
        return Some(format!("{date} 00:00:00 +0000 UTC"));
    }
    let zoned = rest.starts_with(['T', 't']);
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (hour, rest) = number(rest)?;
    let (minute, rest) = number(rest.strip_prefix(':')?)?;
    let (second, rest) = number(rest.strip_prefix(':')?)?;
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
fn number(text: &str) -> Option<(u8, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

/// Up to nine digits after a point or comma, without the zeros at the end.
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
    use super::parse;

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
            assert_eq!(parse(text).as_deref(), expected, "{text}");
        }
    }
}
