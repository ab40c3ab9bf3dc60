//! The log in full: every step of every task, every sentence, every change of state.

use std::collections::BTreeMap;

use super::nodes::Nodes;
use super::request_stream::{RequestStream, classes_text};
use super::requests::Failures;
use super::screen::{Line, RunLog, Scene, phase_name};
use super::slots::{SlotKey, SlotTable};
use super::task_line::TaskLine;
use crate::Offset;
use crate::judge::{HealthReport, TaskFailure};
use crate::record::{
    ContainerAction, EndReason, Event, EventKind, Expects, LogLine, Shot, SpecMatch, TaskSeen,
};
use crate::swarm::{TaskState, UpdateState};
use crate::wording::{clean, count, counted, length, list, short_id};

/// How long a sentence must hold before it is printed, and how long the steps of tasks are
/// collected: while Swarm hands out slots, each poll brings another one.
const HOLD: Offset = Offset::from_millis(200);
/// How long no request may fail before failures count as ended: with one broken replica of
/// six, every sixth request would begin and end them.
const CALM: Offset = Offset::from_millis(1_000);
/// How often requests are counted.
const COUNTS: Offset = Offset::from_millis(10_000);

/// The log in full.
#[derive(Debug, Default)]
pub(super) struct FullLog {
    lines: Vec<Line>,
    steps: Vec<Step>,
    /// The newest sentence and whether it still has to be printed.
    sentence: Sentence,
    failing: BTreeMap<String, Option<Failures>>,
    nodes: Nodes,
    /// When requests are counted next; absent while none are sent.
    counted: Option<Offset>,
}

/// A step of some tasks of one version.
#[derive(Debug)]
struct Step {
    at: Offset,
    seen: Offset,
    keys: Vec<SlotKey>,
    version: String,
    text: String,
}

#[derive(Debug, Default)]
struct Sentence {
    at: Offset,
    seen: Offset,
    text: String,
    due: bool,
}

impl RunLog for FullLog {
    fn stamp(&self, at: Offset) -> String {
        format!("[{:>7.2}s] ", at.as_secs_f64().max(0.0))
    }

    fn event(&mut self, event: &Event, before: Option<&TaskLine>, scene: &Scene) -> Vec<Line> {
        if matches!(event.kind, EventKind::Phase { .. }) {
            self.print_sentence(scene.slots);
        }
        match &event.kind {
            EventKind::Task(seen) => {
                let stops = scene.slots.task(&seen.task).filter(|task| task.was_told_to_stop());
                if let Some(task) = stops {
                    self.withdraw(seen, &task.health_failure().to_string());
                }
                // What ended before the run is no part of it.
                let past = before.is_none() && seen.state.is_terminal() && event.at < Offset::ZERO;
                if let Some(text) = step(seen, before, scene.slots).filter(|_| !past) {
                    self.step(event, seen, text, scene.slots);
                }
            }
            EventKind::Container { task, action: ContainerAction::Oom, .. } => {
                if let Some(task) = scene.slots.task(task) {
                    let text = TaskFailure::OutOfMemory.to_string();
                    self.step(event, &task.seen, text, scene.slots);
                }
            }
            EventKind::Container { task, action: ContainerAction::Unhealthy, .. }
            | EventKind::HealthCheckFailed { task, .. } => {
                let task = scene.slots.task(task).filter(|task| !task.was_told_to_stop());
                if let Some(task) = task {
                    self.withdraw_bare_unhealthy(&task.seen);
                    let text = task.health_failure().to_string();
                    self.step(event, &task.seen, text, scene.slots);
                }
            }
            EventKind::HealthCheck(check) => {
                let task = scene.slots.task(&check.task).filter(|task| !task.was_told_to_stop());
                let before = before.map(TaskLine::checks).unwrap_or_default();
                if let Some(task) = task
                    && let Some(text) = task.checks().news(&before, check)
                {
                    self.withdraw_bare_unhealthy(&task.seen);
                    self.step(event, &task.seen, text, scene.slots);
                    if let Some(text) = task.checks().arithmetic() {
                        self.step(event, &task.seen, text, scene.slots);
                    }
                }
            }
            EventKind::Log(line) => self.printed(event, line, scene.slots),
            EventKind::Node(node) => {
                if let Some(text) = self.nodes.news(node) {
                    self.say(event.at, format!("  {text}"), scene.slots);
                }
            }
            _ => {
                let past =
                    matches!(event.kind, EventKind::Service { .. }) && event.at < Offset::ZERO;
                if let Some(text) = line(event, scene.slots).filter(|_| !past) {
                    self.say(event.at, text, scene.slots);
                }
            }
        }
        if scene.narration.doing != self.sentence.text {
            let text = scene.narration.doing.clone();
            let due = !text.is_empty();
            self.sentence = Sentence { at: event.at, seen: event.seen, text, due };
        }
        self.take()
    }

    fn shot(&mut self, name: &str, shot: &Shot, scene: &Scene) -> Vec<Line> {
        if shot.outcome.is_failure() && scene.requests.get(name).is_some() {
            if !self.failing.contains_key(name) {
                self.failing.insert(name.to_owned(), None);
            }
            if self.failing.get_mut(name).is_some_and(|ongoing| Failures::add(ongoing, shot)) {
                let at = shot.done.unwrap_or(shot.intended);
                let (outcome, due) = (shot.outcome, shot.intended);
                let text = format!("  {}: failures begin: {outcome}, due at {due}", clean(name));
                self.say(at, text, scene.slots);
            }
        }
        self.take()
    }

    fn advance(&mut self, now: Offset, scene: &Scene) -> Vec<Line> {
        if self.steps.first().is_some_and(|step| now - step.seen >= HOLD) {
            self.flush(scene.slots);
        }
        if now - self.sentence.seen >= HOLD {
            self.print_sentence(scene.slots);
        }
        for (name, ongoing) in &mut self.failing {
            if let Some(ended) = Failures::ended(ongoing, now, CALM)
                && let Some(stream) = scene.requests.get(name)
            {
                let text = recovered(name, &ended, stream, now);
                self.lines.push(Line { at: now, text, lasting: true });
            }
        }
        if scene.requests.active().next().is_none() {
            self.counted = None;
        } else if now >= *self.counted.get_or_insert(now + COUNTS) {
            self.counted = Some(now + COUNTS);
            self.lines.extend(scene.requests.active().map(|(name, stream)| {
                let text = format!("  {}: {}", clean(name), figures(stream, now));
                Line { at: now, text, lasting: false }
            }));
        }
        self.take()
    }

    fn finish(&mut self, scene: &Scene) -> Vec<Line> {
        self.flush(scene.slots);
        self.print_sentence(scene.slots);
        self.take()
    }

    fn line(&mut self, now: Offset, text: &str, scene: &Scene) -> Vec<Line> {
        self.say(now, format!("  {text}"), scene.slots);
        self.take()
    }
}

impl FullLog {
    fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    /// Adds a line behind the steps that are held.
    fn say(&mut self, at: Offset, text: String, slots: &SlotTable) {
        self.flush(slots);
        self.lines.push(Line { at, text, lasting: true });
    }

    fn step(&mut self, event: &Event, seen: &TaskSeen, text: String, slots: &SlotTable) {
        let key = SlotKey::of(seen);
        let version = TaskLine::new(seen, Offset::ZERO).version(true);
        let same = |step: &&mut Step| {
            step.text == text && step.version == version && step.keys[0].service == key.service
        };
        if let Some(step) = self.steps.iter_mut().find(same) {
            step.keys.push(key);
            return;
        }
        // A second step of the same slot: what came before is over.
        if self.steps.iter().any(|step| step.version == version && step.keys.contains(&key)) {
            self.flush(slots);
        }
        let (at, seen) = (event.at, event.seen);
        self.steps.push(Step { at, seen, keys: vec![key], version, text });
    }

    /// A line of a container, behind the name of its slot.
    fn printed(&mut self, event: &Event, line: &LogLine, slots: &SlotTable) {
        let name = slots.task(&line.task).map_or_else(
            || short_id(&line.task).to_owned(),
            |task| {
                let name = slots.slot_name(&SlotKey::of(&task.seen));
                format!("{name}  {}", task.version(false))
            },
        );
        if line.left_out > 0 {
            let left_out = counted(line.left_out, "line");
            self.say(event.at, format!("  {name} | … {left_out} left out"), slots);
        }
        self.say(event.at, format!("  {name} | {}", clean(&line.text)), slots);
    }

    /// Takes back that a task became unhealthy, because its checks say why.
    fn withdraw_bare_unhealthy(&mut self, seen: &TaskSeen) {
        self.withdraw(seen, &TaskFailure::Unhealthy(HealthReport::default()).to_string());
    }

    /// Takes back a step that is not printed yet, because more is known of it.
    fn withdraw(&mut self, seen: &TaskSeen, text: &str) {
        let key = SlotKey::of(seen);
        for step in self.steps.iter_mut().filter(|step| step.text == text) {
            step.keys.retain(|other| *other != key);
        }
        self.steps.retain(|step| !step.keys.is_empty());
    }

    fn flush(&mut self, slots: &SlotTable) {
        for mut step in std::mem::take(&mut self.steps) {
            step.keys.sort();
            step.keys.dedup();
            let names: Vec<String> = step.keys.iter().map(|key| slots.slot_name(key)).collect();
            let text = format!("  {}  {}  {}", list(&names), step.version, step.text);
            self.lines.push(Line { at: step.at, text, lasting: true });
        }
    }

    fn print_sentence(&mut self, slots: &SlotTable) {
        if std::mem::take(&mut self.sentence.due) {
            self.flush(slots);
            let (at, text) = (self.sentence.at, format!("  {}", self.sentence.text));
            self.lines.push(Line { at, text, lasting: false });
        }
    }
}

fn has_spec(spec: SpecMatch) -> &'static str {
    match spec {
        SpecMatch::Submitted => "the service has the new settings",
        SpecMatch::Previous => "the service has its previous settings again",
        SpecMatch::Other => "the service was changed again meanwhile",
        SpecMatch::Unknown => "the service's settings could not be read",
    }
}

/// The line for an event that is about no task; nothing for events that are not worth one.
fn line(event: &Event, slots: &SlotTable) -> Option<String> {
    Some(match &event.kind {
        EventKind::Phase { name, text } => format!("{}: {}", phase_name(name), clean(text)),
        EventKind::ScenarioStarted { name, expects, service, replicas, change, .. } => {
            format!(
                "  scenario {}: {}; {} of {}; expected: {}",
                phase_name(name),
                clean(change),
                counted(*replicas, "replica"),
                slots.service_name(service),
                match expects {
                    Expects::Update => "every replica runs the new version at the end",
                    Expects::Rollback => "Swarm rolls back to the previous version",
                    Expects::NoChange => "nothing is replaced",
                    Expects::Declared => "what the scenario declares",
                }
            )
        }
        EventKind::Declared(must) => format!("  must happen: {}", must.outcome.words()),
        EventKind::AlsoChanged(other) => {
            let service = slots.service_name(&other.facts.service);
            format!("  {service} is changed too: {}", clean(&other.change))
        }
        EventKind::PortWithdrawn(port) => format!("  {}", clean(&port.to_string())),
        EventKind::OtherEnded { service, spec } => {
            format!("  {}: {}", slots.service_name(service), has_spec(*spec))
        }
        EventKind::Submitted { service, generation, .. } => {
            let service = slots.service_name(service);
            format!("  {service}: the engine accepted the change (version #{generation})")
        }
        EventKind::ScenarioEnded { name, spec, reason } => {
            let spec = has_spec(*spec);
            let reason = match reason {
                EndReason::Settled => "at rest".to_owned(),
                EndReason::Deadline { text } => format!("timed out: {}", clean(text)),
                EndReason::Interrupted => "interrupted".to_owned(),
                EndReason::Failed { text } => format!("ended early: {}", clean(text)),
                EndReason::EngineLost { text } => format!("lost the engine: {}", clean(text)),
            };
            format!("  scenario {} ended: {reason}; {spec}", phase_name(name))
        }
        EventKind::Service { service, state, message } => {
            let service = slots.service_name(service);
            match state {
                UpdateState::None => return None,
                state if message.is_empty() => format!("  {service}: update state {state}"),
                state => format!("  {service}: update state {state} ({})", clean(message)),
            }
        }
        EventKind::Task(_)
        | EventKind::Container { .. }
        | EventKind::HealthCheckFailed { .. }
        | EventKind::HealthCheck(_)
        | EventKind::Log(_)
        | EventKind::TaskGone { .. }
        | EventKind::Node(_)
        | EventKind::Machine(_) => return None,
        EventKind::ObserverLost { text } => {
            format!("  the engine does not answer: {}", clean(text))
        }
        EventKind::ObserverResumed => "  the engine answers again".to_owned(),
        EventKind::NegativeControlStarted { service } => format!(
            "  self-test: an update of {} that is built to lose requests",
            slots.service_name(service)
        ),
        EventKind::NegativeControlEnded { gave_up: None } => {
            "  self-test: the service answers again".to_owned()
        }
        EventKind::NegativeControlEnded { gave_up: Some(text) } => {
            format!("  self-test: timed out: {}", clean(text))
        }
        EventKind::Caveat { text } => format!("  note: {}", clean(text)),
        EventKind::RunFailed { text, .. } => format!("the run ends early: {}", clean(text)),
        EventKind::Interrupted => "interrupted; cleaning up".to_owned(),
    })
}

/// A task's step, if what one sees of it changed: the steps between `new` and `ready` follow
/// each other too fast to be of interest, unless the task gets stuck in one of them.
fn step(seen: &TaskSeen, before: Option<&TaskLine>, slots: &SlotTable) -> Option<String> {
    let task = slots.task(&seen.task)?;
    let now = task.state();
    if before.is_some_and(|before| before.state() == now) {
        return None;
    }
    let worth = !task.is_alive()
        || task.is_leaving()
        || task.stuck().is_some()
        || matches!(seen.state, TaskState::Preparing | TaskState::Starting | TaskState::Running);
    worth.then_some(now)
}

fn recovered(name: &str, failures: &Failures, stream: &RequestStream, now: Offset) -> String {
    format!(
        "  {}: no failure since {}: {} lost, the first one due at {}; in all {}; longest gap {}",
        clean(name),
        failures.newest,
        counted(failures.number(), "request"),
        failures.first_due,
        classes_text(&stream.classes),
        length(stream.gaps(now).longest)
    )
}

/// A stream's figures in one line.
fn figures(stream: &RequestStream, now: Offset) -> String {
    let mut parts = vec![format!("{} sent", count(stream.sent))];
    parts.push(match stream.failed() {
        0 => "0 failed".to_owned(),
        failed => format!("{} failed ({})", count(failed), classes_text(&stream.classes)),
    });
    if stream.unsent > 0 {
        parts.push(format!("{} never sent", count(stream.unsent)));
    }
    let gaps = stream.gaps(now);
    if gaps.longest > Offset::ZERO {
        parts.push(format!("longest gap {}", length(gaps.longest)));
    }
    parts.extend(stream.p99(now).map(|p99| format!("p99 {}", length(p99))));
    parts.join(", ")
}
