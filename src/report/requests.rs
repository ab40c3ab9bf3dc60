//! The table of requests: a row a stream.

use std::fmt::Write as _;

use super::page::Page;
use crate::Offset;
use crate::judge::{PooledStream, StreamStats};
use crate::record::{Connection, Purpose, Route};
use crate::wording::{count, length};

/// One stream over all scenarios.
#[derive(Debug, Clone)]
pub(super) struct Requests {
    name: String,
    purpose: Purpose,
    route: Route,
    connection: Connection,
    pub sent: u64,
    pub failed: u64,
    longest_gap: Offset,
    p99: Option<Offset>,
    max: Option<Offset>,
}

impl Requests {
    /// One for each stream of these, in the order in which they first come.
    pub(super) fn all<'a>(streams: impl IntoIterator<Item = &'a StreamStats>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for stream in streams {
            let place = all.iter().position(|known| known.name == stream.name);
            let place = place.unwrap_or_else(|| {
                all.push(Self {
                    name: stream.name.clone(),
                    purpose: stream.purpose,
                    route: stream.route,
                    connection: stream.connection,
                    sent: 0,
                    failed: 0,
                    longest_gap: Offset::ZERO,
                    p99: None,
                    max: None,
                });
                all.len() - 1
            });
            let known = &mut all[place];
            known.sent += stream.sent;
            known.failed += stream.failed;
            known.longest_gap = known.longest_gap.max(stream.longest_gap_s);
            known.p99 = known.p99.max(stream.latency_s.map(|latency| latency.p99));
            known.max = known.max.max(stream.latency_s.map(|latency| latency.max));
        }
        all
    }

    /// The streams of several runs.
    pub(super) fn pooled(streams: &[PooledStream]) -> Vec<Self> {
        let of = |stream: &PooledStream| Self {
            name: stream.name.clone(),
            purpose: stream.purpose,
            route: stream.route,
            connection: stream.connection,
            sent: stream.sent,
            failed: stream.failed,
            longest_gap: stream.longest_gap_s,
            p99: stream.worst_p99_s,
            max: stream.worst_max_s,
        };
        streams.iter().map(of).collect()
    }

    /// What it is, for people.
    pub(super) fn label(&self) -> String {
        let kind = if self.name.ends_with("-post") {
            "POST"
        } else if self.name.ends_with("-slow") {
            "slow"
        } else if self.connection == Connection::KeepAlive {
            "kept alive"
        } else {
            "new connection"
        };
        match (self.purpose, self.route) {
            (Purpose::Control, _) => "control target".to_owned(),
            (Purpose::NegativeControl, _) => "self-test".to_owned(),
            (Purpose::EachReplica, _) => "each replica".to_owned(),
            (Purpose::Users, Route::Overlay) if kind == "new connection" => {
                "in the network, new".to_owned()
            }
            (Purpose::Users, Route::Overlay) => format!("in the network, {kind}"),
            (Purpose::Users, _) => kind.to_owned(),
        }
    }
}

/// The streams of the users.
pub(super) fn of_users(all: &[Requests]) -> Vec<Requests> {
    all.iter().filter(|requests| requests.purpose == Purpose::Users).cloned().collect()
}

/// Appends the table of these streams; columns that do not fit are left out.
pub(super) fn table(page: &mut Page, rows: &[Requests]) {
    let labels: Vec<String> = rows.iter().map(Requests::label).collect();
    // Two streams of one label are told apart by their names.
    let labels: Vec<String> = rows
        .iter()
        .zip(&labels)
        .map(|(row, label)| match labels.iter().filter(|other| *other == label).count() {
            1 => label.clone(),
            _ => row.name.clone(),
        })
        .collect();
    let or_none = |time: Option<Offset>| time.map_or_else(|| "–".to_owned(), length);
    let columns: [(&str, Vec<String>); 5] = [
        ("sent", rows.iter().map(|row| count(row.sent)).collect()),
        ("failed", rows.iter().map(|row| count(row.failed)).collect()),
        (
            "longest gap",
            rows.iter()
                .map(|row| or_none(Some(row.longest_gap).filter(|gap| *gap > Offset::ZERO)))
                .collect(),
        ),
        ("p99", rows.iter().map(|row| or_none(row.p99)).collect()),
        ("max", rows.iter().map(|row| or_none(row.max)).collect()),
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
}
