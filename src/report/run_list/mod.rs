//! The runs of a folder, as a page: their verdicts over time, and a link to the page of each.

use askama::Template;

use super::html::STYLE;
use crate::record::RunEntry;
use crate::wording::{clean, clean_lines, counted, size};

/// The most runs in the row of a service; older ones stand in the table only.
const ROW: usize = 100;

#[derive(Template)]
#[template(path = "run_list/runs.html")]
struct RunListView {
    style: &'static str,
    title: String,
    services: Vec<ServiceView>,
    runs: Vec<RunView>,
}

/// The verdicts of one service over time.
struct ServiceView {
    name: String,
    passed: String,
    runs: Vec<RunView>,
}

#[derive(Clone)]
struct RunView {
    id: String,
    /// Where its page is; empty if there is none.
    link: String,
    /// Where it is compared with the run of the service before it; empty if there is none.
    compare: String,
    verdict: &'static str,
    /// The verdict in one character: no meaning is carried by colour alone.
    sign: &'static str,
    started: String,
    command: String,
    service: String,
    headline: String,
    size: String,
}

/// The page of these runs, the newest first.
#[must_use]
pub fn run_list(runs: &[RunEntry]) -> String {
    let views: Vec<RunView> = runs
        .iter()
        .enumerate()
        .map(|(place, run)| {
            let before = runs[place + 1..].iter().find(|older| older.service == run.service);
            view(run, before)
        })
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for run in &views {
        if !names.contains(&run.service.as_str()) {
            names.push(&run.service);
        }
    }
    let service = |name: &&str| {
        let all: Vec<&RunView> = views.iter().filter(|run| run.service == **name).collect();
        let passed = all.iter().filter(|run| run.verdict == "pass").count();
        ServiceView {
            name: (*name).to_owned(),
            passed: format!("{passed} of {} passed", counted(all.len() as u64, "run")),
            runs: all.into_iter().take(ROW).rev().cloned().collect(),
        }
    };
    let page = RunListView {
        style: STYLE,
        title: counted(runs.len() as u64, "run"),
        services: names.iter().map(service).collect(),
        runs: views.clone(),
    };
    // It writes into memory, and none of its filters fails. The template escapes markup; what no
    // reader can see goes here.
    clean_lines(&page.render().unwrap_or_default()).into_owned()
}

fn view(run: &RunEntry, before: Option<&RunEntry>) -> RunView {
    let (verdict, sign) = match run.verdict.as_deref() {
        Some("pass") => ("pass", "✓"),
        Some("fail") => ("fail", "✕"),
        Some("inconclusive") => ("inconclusive", "?"),
        _ => ("not judged", "·"),
    };
    let linked = is_link(&run.id);
    let before = before.filter(|before| linked && is_link(&before.id));
    RunView {
        id: run.id.clone(),
        link: if linked { format!("/runs/{}", run.id) } else { String::new() },
        compare: before.map(|old| format!("/compare/{}/{}", old.id, run.id)).unwrap_or_default(),
        verdict,
        sign,
        // To the second, without the zone: it is always UTC.
        started: run.started_at.get(..19).unwrap_or(&run.started_at).replace('T', " "),
        command: run.command.clone(),
        service: clean(&run.service).into_owned(),
        headline: run.headline.clone().unwrap_or_default(),
        size: size(run.bytes),
    }
}

/// Whether an id can stand in a link as it is (RFC 3986, unreserved characters).
fn is_link(id: &str) -> bool {
    let unreserved =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
    id.bytes().all(unreserved) && id.bytes().any(|byte| byte != b'.')
}
