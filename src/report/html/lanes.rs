//! The rows of a service: one for each slot, with its tasks.

use std::fmt::Write as _;

use super::row::{Mark, Row, Shape, Text, rect};
use super::window::Window;
use crate::Offset;
use crate::judge::{ServiceStory, TaskMark, TaskStory};
use crate::record::CheckSeen;
use crate::swarm::TaskState;
use crate::wording::{clean, counted, length, short_id};

/// The height of one task.
const LANE: i64 = 18;
/// The distance of two tasks.
const GAP: i64 = 3;

/// The name of a task's shape in the page.
pub(super) fn task_id(service: usize, task: usize) -> String {
    format!("task-{service}-{task}")
}

/// The rows of one service, which is the `index`th of the page.
pub(super) fn rows(window: Window, story: &ServiceStory, index: usize, prefix: &str) -> Vec<Row> {
    let name = story.service.strip_prefix(prefix).unwrap_or(&story.service);
    let shown = |task: &TaskStory| {
        let span = task.span(window.to);
        span.is_some_and(|(from, to)| to >= window.from && from <= window.to)
    };
    let tasks: Vec<(usize, &TaskStory)> =
        story.tasks.iter().enumerate().filter(|(_, task)| shown(task)).collect();
    tasks
        .chunk_by(|one, other| one.1.slot == other.1.slot && one.1.whom == other.1.whom)
        .enumerate()
        .map(|(number, tasks)| slot(window, tasks, index, if number == 0 { name } else { "" }))
        .collect()
}

fn slot(window: Window, tasks: &[(usize, &TaskStory)], service: usize, name: &str) -> Row {
    let mut row = Row {
        label: tasks[0].1.whom.clone(),
        note: name.to_owned(),
        class: "slot",
        ..Row::default()
    };
    // When each lane is free again.
    let mut free: Vec<Offset> = Vec::new();
    for (number, task) in tasks {
        let Some((from, to)) = task.span(window.to) else { continue };
        let lane = free.iter().position(|end| *end <= from).unwrap_or(free.len());
        if lane == free.len() {
            free.push(to);
        } else {
            free[lane] = to;
        }
        let lane = i64::try_from(lane).unwrap_or(0);
        draw(&mut row, window, task, lane * (LANE + GAP), &task_id(service, *number));
    }
    let lanes = i64::try_from(free.len()).unwrap_or(1).max(1);
    row.height = lanes * (LANE + GAP) + GAP;
    let described: Vec<String> = tasks.iter().map(|(_, task)| describe(task)).collect();
    row.described = format!("{}: {}", row.label, described.join("; "));
    row
}

/// A stretch of a task's life in one state.
struct Segment {
    from: Offset,
    to: Offset,
    class: &'static str,
    height: i64,
}

fn segments(task: &TaskStory, end: Offset) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (place, (from, state)) in task.states.iter().enumerate() {
        let (class, height) = look(*state);
        let (from, to) = (*from, task.states.get(place + 1).map_or(end, |next| next.0).min(end));
        // Told to stop, it gets no new requests: that is what users notice.
        let told = task.told_to_stop.filter(|told| class == "running" && *told < to);
        let middle = told.map_or(to, |told| told.max(from));
        for (from, to, class, height) in
            [(from, middle, class, height), (middle, to, "stopping", LANE * 6 / 10)]
        {
            if height > 0 && to > from {
                segments.push(Segment { from, to, class, height });
            }
        }
    }
    segments
}

fn draw(row: &mut Row, window: Window, task: &TaskStory, top: i64, id: &str) {
    let top = top + GAP;
    let Some((_, end)) = task.span(window.to) else { return };
    let version = (task.generation.max(1) - 1) % 4;
    let mut first = true;
    for Segment { from, to, class, height } in segments(task, end) {
        if to < window.from || from > window.to {
            continue;
        }
        let path = rect(window, from, to, top + LANE - height, height);
        let title = format!(
            "v{}, task {}: {class} for {}, from {} on",
            task.generation,
            short_id(&task.task),
            length(to - from),
            length(from)
        );
        let mut shape = Shape::new(format!("v{version} {class}"), path, title);
        id.clone_into(&mut shape.task);
        shape.first = std::mem::take(&mut first);
        row.shapes.push(shape);
        if class == "running" && window.has_room(from, to) {
            let (at, until) = (window.x(from), window.x(to));
            let text = format!("v{}", task.generation);
            row.texts.push(Text { at, until, top, words: text, class: "inbar" });
        }
    }
    for (at, check) in task.checks.iter().filter(|(at, _)| window.contains(*at)) {
        row.shapes.push(tick(window, *at, check, top));
    }
    for (at, mark) in task.marks.iter().filter(|(at, _)| window.contains(*at)) {
        row.marks.extend(mark_of(task, window.x(*at), top, *at, mark));
    }
    if let (Some(failure), Some(ended)) = (&task.failure, task.ended)
        && window.contains(ended)
    {
        let text = format!("{} (v{}) {failure}, at {}", task.whom, task.generation, length(ended));
        let text = text.clone();
        row.marks.push(Mark { at: window.x(ended), top, class: "failed", symbol: "✕", text });
    }
}

/// A check of its health, at the bottom of its task; one that fails is taller.
fn tick(window: Window, at: Offset, check: &CheckSeen, top: i64) -> Shape {
    let (class, height) = if check.passed() { ("check", 3) } else { ("check bad", 6) };
    let path = rect(window, at, at + check.took, top + LANE - height, height);
    if check.passed() {
        return Shape::new(class, path, "");
    }
    let output = if check.output.is_empty() { "" } else { ": " };
    let title = format!(
        "health check {} after the container's start, took {}, code {}{output}{}",
        length(check.after),
        length(check.took),
        check.exit_code,
        clean(&check.output)
    );
    Shape::new(class, path, title)
}

/// How a state looks: its class, and a height, so that colour is not all that tells it.
fn look(state: TaskState) -> (&'static str, i64) {
    match state {
        TaskState::New | TaskState::Allocated | TaskState::Pending => ("pending", LANE / 6),
        TaskState::Assigned | TaskState::Accepted | TaskState::Preparing | TaskState::Ready => {
            ("preparing", LANE / 3)
        }
        TaskState::Starting => ("starting", LANE / 2),
        TaskState::Running => ("running", LANE),
        _ => ("", 0),
    }
}

fn mark_of(task: &TaskStory, x: i64, top: i64, at: Offset, mark: &TaskMark) -> Option<Mark> {
    let (class, symbol, what) = match mark {
        TaskMark::Healthy => ("healthy", "✓", "health check passed: healthy".to_owned()),
        TaskMark::Unhealthy { failures, exit_code, output } => {
            let failed = failures.map_or_else(
                || "health checks failed".to_owned(),
                |failures| format!("{} failed", counted(failures, "health check")),
            );
            let code = match exit_code {
                Some(-1) => ", the last one timed out".to_owned(),
                Some(code) => format!(", the last one with code {code}"),
                None => String::new(),
            };
            let output = if output.is_empty() { String::new() } else { format!(": {output}") };
            ("unhealthy", "!", format!("{failed}{code}{output}"))
        }
        TaskMark::Signal(Some(9)) => ("kill", "☠", "killed (SIGKILL)".to_owned()),
        TaskMark::Signal(signal) => {
            let which = match signal {
                Some(15) => " (SIGTERM)".to_owned(),
                Some(signal) => format!(" ({signal})"),
                None => String::new(),
            };
            ("signal", "▾", format!("stop signal{which}"))
        }
        TaskMark::OutOfMemory => ("unhealthy", "!", "ran out of memory".to_owned()),
        // How a task ends that did not fail needs no mark, unless it was killed.
        TaskMark::Ended(Some(137)) if task.failure.is_none() => {
            ("kill", "✕", "container killed (exit code 137)".to_owned())
        }
        TaskMark::Ended(_) => return None,
    };
    let text = format!("{} (v{}): {what}, at {}", task.whom, task.generation, length(at));
    Some(Mark { at: x, top, class, symbol, text: text.clone() })
}

fn describe(task: &TaskStory) -> String {
    let mut text = format!("version {}", task.generation);
    if let Some(running) = task.running {
        let _ = write!(text, " running from {}", length(running));
    } else {
        text.push_str(" never running");
    }
    if let Some(ended) = task.ended {
        let _ = write!(text, ", ended at {}", length(ended));
    }
    if let Some(failure) = &task.failure {
        let _ = write!(text, ", {failure}");
    }
    text.clone()
}
