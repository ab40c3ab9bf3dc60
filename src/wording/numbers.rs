//! Numbers with their units: thousands apart, at most three significant figures, a space before
//! the unit.

use crate::Offset;

/// A count with its thousands apart: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted: `1 replica`, `6 replicas`. The plural is made with an `s`.
#[must_use]
pub fn counted(number: u64, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A length of time that was measured: `0.31 ms`, `36 ms`, `4.04 s`, `23.5 s`, `1m 16s`,
/// `2h 05m`. A negative one has its sign.
#[must_use]
pub fn length(length: Offset) -> String {
    let nanos = length.as_nanos();
    let sign = if nanos < 0 { "-" } else { "" };
    let millis = length.abs().as_secs_f64() * 1e3;
    let text = match millis {
        0.0 => "0 s".to_owned(),
        ..0.995 => format!("{millis:.2} ms"),
        ..9.95 => format!("{millis:.1} ms"),
        ..999.5 => format!("{millis:.0} ms"),
        ..9_995.0 => format!("{:.2} s", millis / 1e3),
        ..59_950.0 => format!("{:.1} s", millis / 1e3),
        _ => minutes(whole_seconds(length.abs())),
    };
    format!("{sign}{text}")
}

/// A length of time that is still going on, in few characters, so that it does not jump with each
/// redraw: `0.4 s`, `12 s`, `1m 05s`, `2h 00m`.
#[must_use]
pub fn span(length: Offset) -> String {
    let length = length.to_duration();
    let (secs, tenths) = (length.as_secs(), length.subsec_millis() / 100);
    match secs {
        0..10 if tenths > 0 => format!("{secs}.{tenths} s"),
        0..60 => format!("{secs} s"),
        _ => minutes(secs),
    }
}

/// A time from the settings, in seconds: `5 s`, `0.5 s`, `90 s`.
#[must_use]
pub fn setting(seconds: f64) -> String {
    format!("{} s", (seconds * 1000.0).round() / 1000.0)
}

/// A share of one as a percentage with at most three significant figures: `0.059 %`, `1.2 %`,
/// `34 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = match percent.abs() {
        ..0.0995 => 3,
        ..9.95 => 2,
        ..99.5 => 1,
        _ => 0,
    };
    let text = format!("{percent:.decimals$}");
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A size as `ls -h` shows it.
#[expect(clippy::cast_precision_loss, reason = "two figures are shown")]
#[must_use]
pub fn size(bytes: u64) -> String {
    let mut size = bytes as f64;
    for unit in ["B", "kB", "MB"] {
        if size < 999.5 {
            let digits = usize::from(size < 9.95 && unit != "B");
            return format!("{size:.digits$} {unit}");
        }
        size /= 1000.0;
    }
    format!("{size:.1} GB")
}

fn minutes(secs: u64) -> String {
    if secs < 3600 {
        format!("{}m {:02}s", secs / 60, secs % 60)
    } else {
        format!("{}h {:02}m", secs / 3600, secs / 60 % 60)
    }
}

/// Rounded, not cut: 59.96 s is a minute.
fn whole_seconds(length: Offset) -> u64 {
    (length + Offset::from_millis(500)).to_duration().as_secs()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_have_at_most_three_figures_and_a_space_before_the_unit() {
        let cases = [
            (0, "0 s"),
            (310_000, "0.31 ms"),
            (995_000, "1.0 ms"),
            (9_960_000, "10 ms"),
            (111_000_000, "111 ms"),
            (999_600_000, "1.00 s"),
            (4_040_000_000, "4.04 s"),
            (9_996_000_000, "10.0 s"),
            (23_460_000_000, "23.5 s"),
            (59_960_000_000, "1m 00s"),
            (76_000_000_000, "1m 16s"),
            (7_500_000_000_000, "2h 05m"),
            (-1_500_000_000, "-1.50 s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(length(Offset::from_nanos(nanos)), text);
        }
    }

    #[test]
    fn counts_spans_settings_and_shares() {
        assert_eq!(
            (count(0), count(999), count(1_234_567)),
            ("0".into(), "999".into(), "1,234,567".into())
        );
        assert_eq!(
            (counted(1, "replica"), counted(2_000, "request")),
            ("1 replica".into(), "2,000 requests".into())
        );
        let spans = [(400, "0.4 s"), (12_900, "12 s"), (65_000, "1m 05s"), (7_200_000, "2h 00m")];
        for (millis, text) in spans {
            assert_eq!(span(Offset::from_millis(millis)), text);
        }
        assert_eq!(
            (setting(5.0), setting(0.5), setting(90.0)),
            ("5 s".into(), "0.5 s".into(), "90 s".into())
        );
        let shares = [
            (0.0, "0 %"),
            (0.000_59, "0.059 %"),
            (0.004_68, "0.47 %"),
            (0.012, "1.2 %"),
            (0.336, "33.6 %"),
            (1.0, "100 %"),
        ];
        for (share, text) in shares {
            assert_eq!(percent(share), text);
        }
    }

    #[test]
    fn sizes_have_two_or_three_figures() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_500, "1.5 kB"),
            (123_456, "123 kB"),
            (2_340_000, "2.3 MB"),
            (5_000_000_000, "5.0 GB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    proptest! {
        #[test]
        fn a_length_never_shows_more_than_three_figures(nanos in 0_i64..59_000_000_000) {
            let text = length(Offset::from_nanos(nanos));
            let figures = text.chars().filter(char::is_ascii_digit).collect::<String>();
            prop_assert!(figures.trim_start_matches('0').len() <= 3, "{text}");
        }
    }
}
