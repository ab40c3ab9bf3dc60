//! One page for a browser: the answer first, then a timeline and tables.
//!
//! A single file without network access. Everything can be read without a script: the timeline is an
//! SVG whose horizontal unit is a millisecond, so that the script only has to move its view to zoom.
//! Text from elsewhere is escaped by the template, and a content security policy lets nothing run but
//! the page's own script.

mod bins;
mod causes;
mod charts;
mod failed;
mod filters;
mod health;
mod lanes;
mod logs;
mod phases;
mod row;
mod story;
mod tables;
mod window;

use std::fmt::Write as _;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use self::bins::{Bin, Bins};
use self::causes::{Causes, ShownCause};
use self::failed::{Data, FailedRow};
use self::health::HealthView;
use self::logs::LogView;
use self::row::Row;
use self::story::{FixView, ScenarioView};
use self::tables::{CheckRow, SettingRow, StreamRow};
use self::window::{Tick, Window};
use super::format::{RecordFormat, Recorded};
use crate::judge::{FailedRequest, Judgement, ServiceStory};
use crate::wording::{clean_lines, count};

/// One page with the answer, a timeline and tables.
pub const HTML: RecordFormat = RecordFormat {
    name: "html",
    about: "a page for the browser, in one file: the answer, a timeline, tables",
    write,
};

pub(super) const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// What the page is filled with.
#[derive(Template)]
#[template(path = "html/page.html")]
struct PageView {
    style: &'static str,
    script: &'static str,
    /// The hash that lets the script run, and no other.
    script_hash: String,
    title: String,
    verdict: &'static str,
    service: String,
    headline: String,
    scenarios: Vec<ScenarioView>,
    users: Vec<StreamRow>,
    others: Vec<StreamRow>,
    reasons: Vec<String>,
    fixes: Vec<FixView>,
    todo: Vec<String>,
    notes: Vec<String>,
    window: Window,
    ticks: Vec<Tick>,
    grid: String,
    changes: String,
    rows: Vec<Row>,
    causes: Vec<CauseView>,
    failed: Vec<FailedRow>,
    failed_in_all: String,
    health: Vec<HealthView>,
    logs: Vec<LogView>,
    broken: Vec<CheckRow>,
    held: Vec<CheckRow>,
    settings: Vec<SettingRow>,
    surroundings: Vec<(&'static str, String)>,
    versions: Vec<(u32, String)>,
    data: Data,
}

/// A cause with what to change.
struct CauseView {
    shown: ShownCause,
    failed: String,
    streams: String,
    remedy: String,
}

fn write(recorded: Recorded) -> String {
    let Recorded { run, judgement } = recorded;
    let window = Window::of(run);
    let stories = ServiceStory::all(run);
    let scenarios = judgement.scenarios.iter();
    let failed: Vec<FailedRequest> =
        scenarios.clone().flat_map(|scenario| scenario.failed_requests.iter().copied()).collect();
    let bins = Bins::of(window, run, &failed);
    let outside = bins.list.iter().map(|bin| bin.unexplained).sum();
    let causes = Causes::of(judgement, outside);
    let data = Data::of(window, run, &failed, &bins, &causes, &stories);
    let ticks = window.ticks();
    let (broken, held) = tables::checks(judgement);
    let page = PageView {
        style: STYLE,
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
        title: format!("{}: {}", judgement.verdict, judgement.stack.service),
        verdict: judgement.verdict.as_str(),
        health: health::checks(&stories),
        logs: logs::logs(&stories),
        service: judgement.stack.service.clone(),
        headline: headline(judgement),
        scenarios: story::scenarios(judgement),
        users: tables::streams(judgement, true),
        others: tables::streams(judgement, false),
        reasons: story::reasons(judgement),
        fixes: story::fixes(judgement),
        todo: story::todo(judgement),
        notes: notes(judgement),
        grid: verticals(ticks.iter().map(|tick| tick.at)),
        changes: verticals(
            scenarios.filter_map(|one| one.update.submitted_at).map(|at| window.x(at)),
        ),
        ticks,
        rows: rows(recorded, window, &stories, &bins, &causes),
        causes: cause_views(judgement, causes),
        failed: failed::rows(judgement, &stories),
        failed_in_all: count(failed.len() as u64),
        broken,
        held,
        settings: tables::settings(&judgement.stack),
        surroundings: tables::surroundings(judgement),
        versions: versions(&stories),
        window,
        data,
    };
    // It writes into memory, and none of its filters fails. The template escapes markup; what no
    // reader can see goes here, wherever it came from.
    clean_lines(&page.render().unwrap_or_default()).into_owned()
}

fn headline(judgement: &Judgement) -> String {
    // The verdict says it already.
    let text = judgement.headline.strip_prefix("inconclusive: ").unwrap_or(&judgement.headline);
    text.to_owned()
}

fn notes(judgement: &Judgement) -> Vec<String> {
    let masked = judgement.scenarios.iter().flat_map(|scenario| &scenario.masked);
    let masked = masked.map(|masked| format!("{}: {}", masked.stream, masked.because));
    let notes = judgement.caveats.iter().cloned().chain(masked);
    notes.collect()
}

/// A path of lines from top to bottom.
fn verticals(at: impl Iterator<Item = i64>) -> String {
    let line = |mut path: String, at| {
        let _ = write!(path, "M{at} 0V999");
        path
    };
    at.fold(String::new(), line)
}

fn rows(
    recorded: Recorded,
    window: Window,
    stories: &[ServiceStory],
    bins: &Bins,
    causes: &Causes,
) -> Vec<Row> {
    let Recorded { run, judgement } = recorded;
    let prefix = format!("{}_", run.meta.stack.name);
    let mut rows = vec![phases::phases(window, run), phases::updates(window, judgement)];
    rows.extend(phases::trouble(window, run, judgement));
    for (index, story) in stories.iter().enumerate() {
        rows.extend(lanes::rows(window, story, index, &prefix));
    }
    if bins.list.iter().any(|bin: &Bin| bin.sent > 0) {
        rows.push(charts::requests(window, bins, causes));
        rows.extend(charts::strips(window, bins, causes));
        rows.extend(charts::latency(window, bins));
    }
    let subject = stories.first().filter(|story| story.service == run.meta.stack.service);
    rows.extend(subject.map(|story| charts::replicas(window, story, judgement)));
    rows
}

fn cause_views(judgement: &Judgement, causes: Causes) -> Vec<CauseView> {
    let groups = || judgement.scenarios.iter().flat_map(|scenario| &scenario.causes);
    let view = |shown: ShownCause| {
        let same = || groups().filter(|group| Some(group.cause) == shown.cause);
        let mut streams: Vec<&str> =
            same().flat_map(|group| group.streams.iter().map(String::as_str)).collect();
        streams.sort_unstable();
        streams.dedup();
        let remedy = same().find_map(|group| group.remedy.clone()).unwrap_or_default();
        CauseView {
            failed: count(shown.failed),
            streams: streams.join(", "),
            remedy: remedy.clone(),
            shown,
        }
    };
    causes.list.into_iter().map(view).collect()
}

/// The versions of the service under test, with their images.
fn versions(stories: &[ServiceStory]) -> Vec<(u32, String)> {
    let mut versions: Vec<(u32, String)> = Vec::new();
    for task in stories.first().iter().flat_map(|story| &story.tasks) {
        if !versions.iter().any(|known| known.0 == task.generation) {
            versions.push((task.generation, task.image.clone()));
        }
    }
    versions.sort_unstable();
    versions
}
