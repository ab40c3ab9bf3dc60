//! One stream of requests in one line of the live area.

use console::measure_text_width;

use super::palette::{BAD, Palette};
use super::request_stream::RequestStream;
use super::words::{clean, count, cut, precise};
use crate::Offset;

/// The line of a stream, in as many words as the width allows.
pub(super) fn line(
    name: &str,
    stream: &RequestStream,
    now: Offset,
    width: usize,
    palette: Palette,
) -> String {
    let full = words(name, stream, now, palette, true);
    if measure_text_width(&full) <= width {
        return full;
    }
    cut(&words(name, stream, now, palette, false), width)
}

fn words(name: &str, stream: &RequestStream, now: Offset, palette: Palette, full: bool) -> String {
    let mut parts = vec![format!("{:.0}/s", stream.rate(now))];
    if full {
        parts.push(format!("{} sent", count(stream.sent)));
    }
    let failed = stream.failed();
    parts.push(match failed {
        0 => "0 failed".to_owned(),
        _ if full => {
            let text = format!("{} failed ({})", count(failed), stream.classes_text());
            palette.paint(BAD, &text)
        }
        _ => palette.paint(BAD, &format!("{} failed", count(failed))),
    });
    if stream.unsent > 0 {
        parts.push(palette.paint(BAD, &format!("{} never sent", count(stream.unsent))));
    }
    let gaps = stream.gaps(now);
    if let Some(open) = gaps.now {
        parts.push(palette.paint(BAD, &format!("gap {} now", precise(open))));
    }
    if gaps.longest > Offset::ZERO && (full || gaps.now.is_none()) {
        parts.push(format!("longest gap {}", precise(gaps.longest)));
    } else if full && gaps.now.is_none() {
        parts.push("no gap".to_owned());
    }
    if let Some(p99) = stream.p99() {
        parts.push(format!("p99 {}", precise(p99)));
    }
    let label = if full { "requests " } else { "" };
    format!("{label}{}: {}", clean(name), parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::super::replay::shot;
    use super::*;
    use crate::record::Outcome;

    const PLAIN: Palette = Palette { colour: false };

    fn stream() -> RequestStream {
        let mut stream = RequestStream::default();
        for due in (0..10_000).step_by(5) {
            let outcome = if due < 9_000 { Outcome::Ok } else { Outcome::Refused };
            stream.shot(&shot(due, due + 3, outcome));
        }
        stream.advance(Offset::from_millis(10_000));
        stream
    }

    #[test]
    fn wide_and_narrow() {
        let (stream, now) = (stream(), Offset::from_millis(10_000));
        assert_eq!(
            line("proxy", &stream, now, 120, PLAIN),
            "requests proxy: 200/s · 2,000 sent · 200 failed (200 refused) · gap 1.00 s now · \
             longest gap 1.00 s · p99 3.0 ms"
        );
        assert_eq!(
            line("proxy", &stream, now, 60, PLAIN),
            "proxy: 200/s · 200 failed · gap 1.00 s now · p99 3.0 ms"
        );
        assert_eq!(measure_text_width(&line("proxy", &stream, now, 20, PLAIN)), 20);
    }

    #[test]
    fn failures_do_not_stand_out_by_colour_alone() {
        let coloured =
            line("proxy", &stream(), Offset::from_millis(10_000), 120, Palette { colour: true });
        let plain = line("proxy", &stream(), Offset::from_millis(10_000), 120, PLAIN);
        assert_ne!(coloured, plain);
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }
}
