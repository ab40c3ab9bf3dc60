//! The failed requests: those that can be selected in the page, and a table of the first ones.

use serde::Serialize;

use super::bins::Bins;
use super::causes::Causes;
use super::lanes::task_id;
use super::window::Window;
use crate::Offset;
use crate::judge::{FailedRequest, Judgement, ServiceStory};
use crate::record::{Outcome, Run};
use crate::report::summary::after;
use crate::wording::length;

/// The most failed requests that can be selected: a page must stay small.
const MOST: usize = 4_000;
/// The most rows of the table.
const ROWS: usize = 50;

/// What the page's script needs; instants are milliseconds of the run.
#[derive(Serialize)]
pub(super) struct Data {
    from: i64,
    length: i64,
    bins: BinData,
    streams: Vec<String>,
    classes: Vec<&'static str>,
    causes: Vec<CauseData>,
    tasks: Vec<TaskData>,
    /// When, and the places of stream, class, cause and task (-1 if none); then the status, 0 if
    /// there was none, and the latency in milliseconds, -1 if it is not known.
    failed: Vec<[i64; 7]>,
    /// How many failed in all: that may be more.
    failed_in_all: usize,
}

#[derive(Serialize)]
struct BinData {
    from: i64,
    length: i64,
    sent: Vec<u64>,
    failed: Vec<u64>,
    /// Median and 99 % in milliseconds; absent if there was no good response.
    median: Vec<Option<f64>>,
    p99: Vec<Option<f64>>,
}

#[derive(Serialize)]
struct CauseData {
    text: String,
    class: String,
}

#[derive(Serialize)]
struct TaskData {
    id: String,
    name: String,
}

impl Data {
    pub(super) fn of(
        window: Window,
        run: &Run,
        failed: &[FailedRequest],
        bins: &Bins,
        causes: &Causes,
        stories: &[ServiceStory],
    ) -> Self {
        let subject = stories.first().filter(|story| story.service == run.meta.stack.service);
        let tasks = subject.map_or(&[][..], |story| &story.tasks);
        let millis = |latency: Offset| (latency.as_secs_f64() * 1e5).round() / 1e2;
        let step = failed.len().div_ceil(MOST).max(1);
        let of_request = |request: &FailedRequest| {
            let shot = run.shots.get(request.stream)?.1.get(request.shot)?;
            let task =
                request.task.and_then(|number| tasks.iter().position(|task| task.number == number));
            let place = |place: usize| i64::try_from(place).unwrap_or(-1);
            Some([
                Window::millis(shot.intended),
                place(request.stream),
                place(Outcome::ALL.iter().position(|outcome| *outcome == shot.outcome)?),
                place(causes.place(request.cause)),
                task.map_or(-1, place),
                shot.status.map_or(0, i64::from),
                shot.latency().map_or(-1, Window::millis),
            ])
        };
        let latencies = |which: usize| {
            bins.list.iter().map(|bin| bin.latency.map(|all| millis(all[which]))).collect()
        };
        Self {
            from: window.start(),
            length: window.length(),
            bins: BinData {
                from: Window::millis(bins.from),
                length: Window::millis(bins.length),
                sent: bins.list.iter().map(|bin| bin.sent).collect(),
                failed: bins.list.iter().map(super::bins::Bin::failures).collect(),
                median: latencies(0),
                p99: latencies(2),
            },
            streams: run.shots.iter().map(|(facts, _)| facts.name.clone()).collect(),
            classes: Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect(),
            causes: causes
                .list
                .iter()
                .map(|cause| CauseData { text: cause.text.clone(), class: cause.class.clone() })
                .collect(),
            tasks: tasks
                .iter()
                .enumerate()
                .map(|(place, task)| TaskData {
                    id: task_id(0, place),
                    name: format!("{}, version {}", task.whom, task.generation),
                })
                .collect(),
            failed: failed.iter().step_by(step).filter_map(of_request).collect(),
            failed_in_all: failed.len(),
        }
    }
}

/// A row of the table.
pub(super) struct FailedRow {
    pub at: String,
    pub after: String,
    pub stream: String,
    pub class: &'static str,
    pub because: String,
    /// The task that it is about: the name of its shape in the page.
    pub task: Option<String>,
}

/// The first failed requests of each scenario, each explained.
pub(super) fn rows(judgement: &Judgement, stories: &[ServiceStory]) -> Vec<FailedRow> {
    let find = |id: &str| {
        stories.iter().enumerate().find_map(|(service, story)| {
            let task = story.tasks.iter().position(|task| task.task == id)?;
            Some(task_id(service, task))
        })
    };
    let share = ROWS / judgement.scenarios.len().max(1);
    judgement
        .scenarios
        .iter()
        .flat_map(|scenario| {
            scenario.failures.iter().take(share).map(move |failure| (scenario, failure))
        })
        .map(|(scenario, failure)| FailedRow {
            at: length(failure.at),
            after: after(scenario, failure.at),
            stream: failure.stream.clone(),
            class: failure.class.as_str(),
            because: failure.because.clone(),
            task: failure.nearest.as_ref().and_then(|near| find(&near.task)),
        })
        .collect()
}
