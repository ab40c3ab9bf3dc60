//! A trace for Perfetto and `chrome://tracing` (Trace Event Format, JSON): tracks for slots, health
//! checks, states of the update, streams and failed requests.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use super::format::{RecordFormat, Recorded};
use crate::Offset;
use crate::judge::{ServiceStory, TaskMark, TaskStory};
use crate::record::{EventKind, Outcome};
use crate::wording::clean_lines;

/// Every task, state and request on tracks.
pub const TRACE: RecordFormat = RecordFormat {
    name: "trace",
    about: "a trace for ui.perfetto.dev: tasks, states, requests",
    write,
};

/// The process of the update's states and of the run's phases.
const RUN: u64 = 1;
/// The process of the streams.
const STREAMS: u64 = 2;
/// The process of the first service; the others follow.
const SERVICES: u64 = 10;
/// The thread of a slot's health checks comes so far after the slot's own: checks of an old and a new
/// task overlap with their states.
const CHECKS: u64 = 1_000_000;

/// One event. Times in microseconds.
#[derive(Serialize)]
struct Event<'a> {
    name: &'a str,
    ph: &'static str,
    ts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<i64>,
    pid: u64,
    tid: u64,
    /// How wide an instant is drawn: its thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    s: Option<&'static str>,
    args: Value,
}

/// A trace in the making: text at once, because there are very many events.
struct Trace {
    text: String,
}

impl Trace {
    fn add(&mut self, event: &Event) {
        self.text.push_str(if self.text.ends_with('[') { "\n" } else { ",\n" });
        // Plain values into memory.
        self.text.push_str(&serde_json::to_string(event).unwrap_or_default());
    }

    fn names(&mut self, pid: u64, process: &str, threads: impl IntoIterator<Item = (u64, String)>) {
        let name = |what, tid, name: &str| Event {
            name: what,
            ph: "M",
            ts: 0,
            dur: None,
            pid,
            tid,
            s: None,
            args: json!({ "name": name }),
        };
        self.add(&name("process_name", 0, process));
        for (tid, thread) in threads {
            self.add(&name("thread_name", tid, &thread));
        }
    }

    fn span(&mut self, name: &str, (from, to): (Offset, Offset), pid: u64, tid: u64, args: Value) {
        let (ts, dur) = (micros(from), Some(micros(to) - micros(from)));
        self.add(&Event { name, ph: "X", ts, dur, pid, tid, s: None, args });
    }

    fn instant(&mut self, name: &str, at: Offset, pid: u64, tid: u64, args: Value) {
        self.add(&Event { name, ph: "i", ts: micros(at), dur: None, pid, tid, s: Some("t"), args });
    }
}

fn micros(at: Offset) -> i64 {
    at.as_nanos() / 1_000
}

fn write(recorded: Recorded) -> String {
    let run = recorded.run;
    let mut trace = Trace { text: "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[".to_owned() };
    let end = last(recorded);
    of_run(&mut trace, recorded, end);
    for (story, pid) in ServiceStory::all(run).iter().zip(SERVICES..) {
        let threads = story.tasks.iter().map(|task| (thread(task), task.whom.clone()));
        let mut threads: Vec<(u64, String)> = threads.collect();
        let checked = story.tasks.iter().filter(|task| !task.checks.is_empty());
        threads.extend(
            checked.map(|task| (CHECKS + thread(task), format!("{}, health checks", task.whom))),
        );
        threads.dedup();
        trace.names(pid, &story.service, threads);
        for task in &story.tasks {
            of_task(&mut trace, task, pid, end);
        }
    }
    of_streams(&mut trace, recorded);
    trace.text.push_str("\n]}\n");
    // JSON lets some control characters stand as they are.
    match clean_lines(&trace.text) {
        Cow::Borrowed(_) => trace.text,
        Cow::Owned(text) => text,
    }
}

fn last(recorded: Recorded) -> Offset {
    let run = recorded.run;
    let events = run.events.iter().map(|event| event.at.max(event.seen));
    let shots =
        run.shots.iter().flat_map(|(_, shots)| shots.iter().map(crate::record::Shot::ended));
    events.chain(shots).max().unwrap_or_default()
}

fn of_run(trace: &mut Trace, recorded: Recorded, end: Offset) {
    let Recorded { run, judgement } = recorded;
    let threads = [(1, "run"), (2, "update"), (3, "around it")];
    trace.names(RUN, "rollproof", threads.map(|(tid, name)| (tid, name.to_owned())));
    let phases = run.events.iter().filter_map(|event| match &event.kind {
        EventKind::Phase { name, text } => Some((event.at, name, text)),
        _ => None,
    });
    let phases: Vec<_> = phases.collect();
    for (place, (from, name, text)) in phases.iter().enumerate() {
        let to = phases.get(place + 1).map_or(end, |next| next.0);
        trace.span(name, (*from, to.max(*from)), RUN, 1, json!({ "text": text }));
    }
    for scenario in &judgement.scenarios {
        let states = &scenario.update.states;
        for (place, seen) in states.iter().enumerate() {
            let to = states.get(place + 1).map_or(scenario.ended_at, |next| next.at);
            let args = json!({ "message": seen.message, "scenario": scenario.name });
            trace.span(seen.state.as_str(), (seen.at, to.max(seen.at)), RUN, 2, args);
        }
        if let Some(at) = scenario.update.submitted_at {
            trace.instant("change submitted", at, RUN, 2, json!({ "change": scenario.change }));
        }
        for loss in &scenario.nodes {
            trace.instant(&loss.what(), loss.noticed_at, RUN, 3, json!({}));
        }
    }
}

/// A thread for each slot; tasks without one share that of their node's.
fn thread(task: &TaskStory) -> u64 {
    task.slot + 1
}

fn of_task(trace: &mut Trace, task: &TaskStory, pid: u64, end: Offset) {
    let Some((_, until)) = task.span(end) else { return };
    let tid = thread(task);
    for (place, (from, state)) in task.states.iter().enumerate() {
        let to = task.states.get(place + 1).map_or(until, |next| next.0);
        if to <= *from {
            continue;
        }
        let args = json!({ "task": task.task, "image": task.image, "node": task.node });
        trace.span(&format!("v{} {state}", task.generation), (*from, to), pid, tid, args);
    }
    if let Some(told) = task.told_to_stop {
        trace.instant("told to stop", told, pid, tid, json!({ "task": task.task }));
    }
    for (at, check) in &task.checks {
        let args = json!({
            "after_start_s": check.after, "exit_code": check.exit_code, "streak": check.streak,
            "output": check.output,
        });
        let name = if check.passed() { "check passed" } else { "check failed" };
        trace.span(name, (*at, *at + check.took), pid, CHECKS + tid, args);
    }
    for (at, mark) in &task.marks {
        let (name, args) = match mark {
            TaskMark::Healthy => ("healthy", json!({})),
            TaskMark::Unhealthy { failures, exit_code, output } => (
                "health checks failed",
                json!({ "failures": failures, "exit_code": exit_code, "output": output }),
            ),
            TaskMark::Signal(signal) => ("stop signal", json!({ "signal": signal })),
            TaskMark::OutOfMemory => ("out of memory", json!({})),
            TaskMark::Ended(code) => ("container ended", json!({ "exit_code": code })),
        };
        trace.instant(name, *at, pid, tid, args);
    }
}

fn of_streams(trace: &mut Trace, recorded: Recorded) {
    let Recorded { run, judgement } = recorded;
    let threads = run.shots.iter().zip(1..).map(|((facts, _), tid)| (tid, facts.name.clone()));
    trace.names(STREAMS, "requests", threads);
    let failed = judgement.scenarios.iter().flat_map(|scenario| &scenario.failed_requests);
    for request in failed {
        let Some((_, shots)) = run.shots.get(request.stream) else { continue };
        let Some(shot) = shots.get(request.shot) else { continue };
        let args = json!({ "cause": request.cause.text(), "status": shot.status, "replica": shot.replica });
        let span = (shot.intended, shot.ended().max(shot.intended));
        trace.span(shot.outcome.as_str(), span, STREAMS, request.stream as u64 + 1, args);
    }
    counters(trace, recorded);
}

/// Requests a second of each stream, as counters: one event for each good request would be too many
/// to look at.
fn counters(trace: &mut Trace, recorded: Recorded) {
    for (facts, shots) in &recorded.run.shots {
        let mut seconds: std::collections::BTreeMap<i64, (u64, u64)> =
            std::collections::BTreeMap::new();
        for shot in shots.iter().filter(|shot| shot.outcome != Outcome::Unsent) {
            let second = shot.intended.as_nanos().div_euclid(1_000_000_000);
            let count = seconds.entry(second).or_default();
            count.0 += u64::from(!shot.outcome.is_failure());
            count.1 += u64::from(shot.outcome.is_failure());
        }
        for (second, (good, failed)) in seconds {
            let args = json!({ "good": good, "failed": failed });
            let name = format!("{} requests/s", facts.name);
            let ts = second * 1_000_000;
            trace.add(&Event {
                name: &name,
                ph: "C",
                ts,
                dur: None,
                pid: STREAMS,
                tid: 0,
                s: None,
                args,
            });
        }
    }
}
