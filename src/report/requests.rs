//! The table of requests: a row a stream.

use std::fmt::Write as _;

use super::page::Page;
use super::style::Style;
use crate::Offset;
use crate::judge::PooledStream;
use crate::record::{Connection, Purpose, Route};
use crate::wording::{count, counted, length};

/// What a stream is, for people.
fn label(stream: &PooledStream) -> String {
    let kind = if stream.name.ends_with("-websocket") {
        "WebSocket"
    } else if stream.name.ends_with("-events") {
        "stream of events"
    } else if stream.name.ends_with("-post") {
        "POST"
    } else if stream.name.ends_with("-slow") {
        "slow"
    } else if stream.connection == Connection::KeepAlive {
        "kept alive"
    } else {
        "new connection"
    };
    match (stream.purpose, stream.route) {
        (Purpose::Control, _) => "control target".to_owned(),
        (Purpose::NegativeControl, _) => "self-test".to_owned(),
        (Purpose::EachReplica, _) => "each replica".to_owned(),
        (Purpose::Users, Route::Overlay) if kind == "new connection" => {
            "in the network, new".to_owned()
        }
        (Purpose::Users, Route::Overlay) => format!("in the network, {kind}"),
        (Purpose::Users, _) => match &stream.address {
            Some(address) => format!("{address}, {kind}"),
            None => kind.to_owned(),
        },
    }
}

/// The streams of the users.
pub(super) fn of_users(mut streams: Vec<PooledStream>) -> Vec<PooledStream> {
    streams.retain(|stream| stream.purpose == Purpose::Users);
    streams
}

/// What these streams are, for people. Two of one kind are told apart by their names.
pub(super) fn labels(rows: &[PooledStream]) -> Vec<String> {
    let labels: Vec<String> = rows.iter().map(label).collect();
    let alone = |label: &String| labels.iter().filter(|other| *other == label).count() == 1;
    let either = |(row, label): (&PooledStream, &String)| {
        if alone(label) { label } else { &row.name }.clone()
    };
    rows.iter().zip(&labels).map(either).collect()
}

/// What became of the connections of those streams that hold them, with the streams' labels.
pub(super) fn held(rows: &[PooledStream]) -> Vec<(String, String)> {
    let sentence =
        |(row, label): (&PooledStream, String)| Some((label, row.held.as_ref()?.sentence()));
    rows.iter().zip(labels(rows)).filter_map(sentence).collect()
}

/// A time, or a dash.
pub(super) fn or_none(time: Option<Offset>) -> String {
    time.map_or_else(|| "–".to_owned(), length)
}

/// Appends the table of these streams; columns that do not fit are left out.
pub(super) fn table(page: &mut Page, rows: &[PooledStream]) {
    let labels = labels(rows);
    let columns: [(&str, Vec<String>); 5] = [
        ("sent", rows.iter().map(|row| count(row.sent)).collect()),
        ("failed", rows.iter().map(|row| count(row.failed)).collect()),
        (
            "longest gap",
            rows.iter()
                .map(|row| or_none(Some(row.longest_gap_s).filter(|gap| *gap > Offset::ZERO)))
                .collect(),
        ),
        ("p99", rows.iter().map(|row| or_none(row.worst_p99_s)).collect()),
        ("max", rows.iter().map(|row| or_none(row.worst_max_s)).collect()),
    ];
    let wide = |text: &str| text.chars().count();
    let first = labels.iter().map(|label| wide(label)).max().unwrap_or(0).max(wide("requests"));
    let mut used = 2 + first;
    let mut shown = Vec::new();
    for (title, cells) in &columns {
        let width = cells.iter().map(|cell| wide(cell)).max().unwrap_or(0).max(wide(title));
        if used + 2 + width > page.style.columns() {
            break;
        }
        used += 2 + width;
        shown.push((title, cells, width));
    }
    let mut line = format!("  {:first$}", "requests");
    for (title, _, width) in &shown {
        let _ = write!(line, "  {title:>width$}");
    }
    let line = page.style.faint(&line);
    page.line(line);
    for (index, label) in labels.iter().enumerate() {
        let mut line = format!("  {label:first$}");
        for (_, cells, width) in &shown {
            let _ = write!(line, "  {:>width$}", cells[index]);
        }
        page.line(line);
    }
    for (label, text) in held(rows) {
        page.hanging(&format!("  {label}:"), 4, &text);
    }
}

/// The same in at most so many lines: what does not fit is counted in the last one, the streams with the
/// fewest failures first. Empty if there is no room for a stream and that line.
pub(super) fn table_within<'a>(most: usize, rows: &[PooledStream], style: Style<'a>) -> Page<'a> {
    let mut by_failures: Vec<&PooledStream> = rows.iter().collect();
    by_failures.sort_by_key(|row| std::cmp::Reverse(row.failed));
    for shown in (1..=rows.len()).rev() {
        let (shown, others) = by_failures.split_at(shown);
        let is_shown = |row: &&PooledStream| shown.iter().any(|one| one.name == row.name);
        let mut page = Page::new(style);
        table(&mut page, &rows.iter().filter(is_shown).cloned().collect::<Vec<_>>());
        if !others.is_empty() {
            let sum = |of: fn(&PooledStream) -> u64| others.iter().map(|row| of(row)).sum::<u64>();
            let text = format!(
                "and {}: {} of {} failed",
                counted(others.len() as u64, "other stream"),
                count(sum(|row| row.failed)),
                counted(sum(|row| row.sent), "request")
            );
            page.column("  ", 2, &text);
        }
        if page.len() <= most {
            return page;
        }
    }
    Page::new(style)
}
