//! The log in few lines: phases, changes of the update's state, replaced batches, problems.

use std::collections::BTreeSet;

use super::nodes::Nodes;
use super::problems::Problems;
use super::requests::{Failures, Requests};
use super::rollout::Rollout;
use super::screen::{Line, RunLog, Scene, phase_name};
use super::task_line::{TaskLine, short_image, trigger};
use super::wait::settings_left;
use crate::Offset;
use crate::record::{EndReason, Event, EventKind, Purpose, Shot, SpecMatch};
use crate::swarm::UpdateState;
use crate::wording::{clean, counted, length};

/// How long a change or a problem is held, so that what belongs to it can come.
const HOLD: Offset = Offset::from_millis(1_000);
/// How long a phase is held: a scenario that begins with it says more.
const MEET: Offset = Offset::from_millis(100);
/// How long no request may fail before failures count as ended.
const CALM: Offset = Offset::from_millis(3_000);
/// How often requests are counted while nothing else is said of them.
const COUNTS: Offset = Offset::from_millis(60_000);
/// How many lines the replacement of all slots may take.
const STEPS: usize = 6;

/// The log in few lines.
#[derive(Debug, Default)]
pub(super) struct ShortLog {
    lines: Vec<Line>,
    /// The phase that is under way and when it began.
    phase: Option<(String, Offset)>,
    heading: Option<Heading>,
    /// The scenario's name and what it changes.
    change: (String, String),
    /// Whether Swarm has done nothing since the change was submitted.
    untouched: bool,
    /// How many slots were reported last, of the change that is under way.
    reported: usize,
    /// Whether the last report was of a rollback.
    back: bool,
    problems: Problems,
    nodes: Nodes,
    users: Option<Failures>,
    control: Option<Failures>,
    /// When requests were counted last.
    counted: Option<Offset>,
}

/// A line that is held until what it is about is known.
#[derive(Debug)]
struct Heading {
    at: Offset,
    seen: Offset,
    name: String,
    text: String,
    /// Whether it announces a change, whose images are known with the first new task.
    change: bool,
}

impl RunLog for ShortLog {
    fn stamp(&self, at: Offset) -> String {
        format!("[{:>3.0}s] ", at.as_secs_f64().max(0.0).floor())
    }

    fn event(&mut self, event: &Event, before: Option<&TaskLine>, scene: &Scene) -> Vec<Line> {
        match &event.kind {
            EventKind::Phase { name, text } => self.begin(event, name, clean(text).into(), scene),
            EventKind::ScenarioStarted { name, change, replicas, .. } => {
                let text = format!("{}, {}", clean(change), counted(*replicas, "replica"));
                if let Some(heading) = self.heading.as_mut().filter(|heading| heading.name == *name)
                {
                    (heading.text, heading.change) = (text.clone(), true);
                }
                self.change = (clean(name).into_owned(), text);
            }
            EventKind::Submitted { service, .. } => {
                if scene.narrator.scenario().is_some_and(|s| s.service == *service) {
                    self.submitted(event, scene);
                }
            }
            EventKind::Service { service, state, .. } => {
                let of_scenario = scene.narrator.scenario().filter(|s| s.service == *service);
                if of_scenario.is_some_and(|scenario| scenario.submitted.is_some()) {
                    self.state(event.at, *state, scene);
                }
            }
            EventKind::Task(seen) => {
                self.problems.task(event, seen, before, scene);
                self.replaced(event.at, scene);
            }
            EventKind::Container { task, .. } | EventKind::HealthCheckFailed { task, .. } => {
                self.problems.look(event, task, scene);
            }
            EventKind::ScenarioEnded { spec, reason, .. } => {
                self.ended(event.at, *spec, reason, scene);
            }
            EventKind::ObserverLost { text } => {
                self.say(event.at, format!("  the engine does not answer: {}", clean(text)), scene);
            }
            EventKind::ObserverResumed => {
                self.say(event.at, "  the engine answers again".into(), scene);
            }
            EventKind::NegativeControlEnded { gave_up } => {
                self.self_tested(event.at, gave_up.as_deref(), scene);
            }
            EventKind::Caveat { text } => {
                self.say(event.at, format!("  note: {}", clean(text)), scene);
            }
            EventKind::Node(node) => {
                let news = self.nodes.news(node).into_iter();
                news.for_each(|text| self.say(event.at, format!("  {text}"), scene));
            }
            EventKind::RunFailed { text, .. } => {
                self.say(event.at, format!("the run ends early: {}", clean(text)), scene);
            }
            EventKind::Interrupted => self.say(event.at, "interrupted; cleaning up".into(), scene),
            EventKind::TaskGone { .. }
            | EventKind::HealthCheck(_)
            | EventKind::Log(_)
            | EventKind::Declared(_)
            | EventKind::AlsoChanged(_)
            | EventKind::PortWithdrawn(_)
            | EventKind::OtherEnded { .. }
            | EventKind::NegativeControlStarted { .. }
            | EventKind::Machine(_) => {}
        }
        self.take()
    }

    fn shot(&mut self, name: &str, shot: &Shot, scene: &Scene) -> Vec<Line> {
        if !shot.outcome.is_failure() {
            return Vec::new();
        }
        let (ongoing, what) = match scene.requests.purpose(name) {
            Purpose::Users => (&mut self.users, "requests"),
            Purpose::Control => (&mut self.control, "requests to the control target"),
            Purpose::EachReplica | Purpose::NegativeControl => return Vec::new(),
        };
        if Failures::add(ongoing, shot) {
            let at = shot.done.unwrap_or(shot.intended);
            self.counted = Some(at);
            self.say(at, format!("  {what} fail: {} ({})", shot.outcome, clean(name)), scene);
        }
        self.take()
    }

    fn advance(&mut self, now: Offset, scene: &Scene) -> Vec<Line> {
        let hold = |heading: &Heading| heading.seen + if heading.change { HOLD } else { MEET };
        let until = self.heading.as_ref().map(hold);
        let until = until.or(self.problems.held_since().map(|seen| seen + HOLD));
        if until.is_some_and(|until| now >= until) {
            self.flush(now, scene);
        }
        for (ongoing, what) in
            [(&mut self.users, ""), (&mut self.control, " to the control target")]
        {
            if let Some(ended) = Failures::ended(ongoing, now, CALM) {
                let text = ended.recovered(what);
                self.counted = Some(now);
                self.lines.push(Line { at: now, text, lasting: true });
            }
        }
        self.count(now, scene.requests);
        self.take()
    }

    fn finish(&mut self, scene: &Scene) -> Vec<Line> {
        self.flush(Offset::from_nanos(i64::MAX), scene);
        self.take()
    }

    fn line(&mut self, now: Offset, text: &str, scene: &Scene) -> Vec<Line> {
        self.say(now, format!("  {text}"), scene);
        self.take()
    }
}

impl ShortLog {
    fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.lines)
    }

    /// Adds a line behind those that are held.
    fn say(&mut self, at: Offset, text: String, scene: &Scene) {
        self.flush(at, scene);
        self.lines.push(Line { at, text, lasting: true });
    }

    fn flush(&mut self, now: Offset, scene: &Scene) {
        if let Some(heading) = self.heading.take() {
            let images = if heading.change { images(scene) } else { None };
            let text = images.unwrap_or(heading.text);
            let text = format!("{}: {text}", phase_name(&heading.name));
            self.lines.push(Line { at: heading.at, text, lasting: true });
        }
        for (at, text) in self.problems.take(now, scene) {
            self.lines.push(Line { at, text: format!("  {text}"), lasting: true });
        }
    }

    fn begin(&mut self, event: &Event, name: &str, text: String, scene: &Scene) {
        self.flush(event.at, scene);
        if let Some((_, since)) = self.phase.take().filter(|(name, _)| name == "deploy")
            && let Some(text) = converged(event.at - since, scene)
        {
            self.say(event.at, format!("  {text}"), scene);
        }
        self.problems.begin_phase();
        self.phase = Some((name.to_owned(), event.at));
        let (at, seen, name) = (event.at, event.seen, clean(name).into_owned());
        self.heading = Some(Heading { at, seen, name, text, change: false });
    }

    /// The engine took the change; `watch` had no phase of its own for it.
    fn submitted(&mut self, event: &Event, scene: &Scene) {
        (self.reported, self.back, self.untouched) = (0, false, true);
        if self.heading.as_ref().is_none_or(|heading| !heading.change) {
            self.flush(event.at, scene);
            let (at, seen) = (event.at, event.seen);
            let (name, text) = self.change.clone();
            self.heading = Some(Heading { at, seen, name, text, change: true });
        }
    }

    /// A change of the update's state.
    fn state(&mut self, at: Offset, state: UpdateState, scene: &Scene) {
        let Some(scenario) = scene.narrator.scenario() else { return };
        let Some((_, submitted)) = scenario.submitted else { return };
        self.untouched &= state == UpdateState::None;
        let after = length(at - submitted);
        let rollout = scenario.rollout(scene.slots);
        let cause = || trigger(&scenario.message, scene.slots);
        let share = format!("{} of {} replaced", rollout.done, rollout.wanted);
        let text = match state {
            UpdateState::None | UpdateState::Unknown => return,
            UpdateState::Updating => return self.replaced(at, scene),
            UpdateState::Paused => format!("paused after {after} with {share}: {}", cause()),
            UpdateState::RollbackStarted => format!("rolling back after {after}: {}", cause()),
            UpdateState::RollbackPaused => format!("rollback paused after {after}: {}", cause()),
            UpdateState::Completed | UpdateState::RollbackCompleted => {
                let what = match (state, scenario.rolled_back) {
                    (UpdateState::RollbackCompleted, _) => "rollback completed",
                    (_, true) => "reported as completed after a rollback",
                    (_, false) => "completed",
                };
                let but = match (rollout.is_whole(), scenario.rolled_back) {
                    (true, _) => String::new(),
                    (false, true) => {
                        format!(", but only {}", share.replace("replaced", "back"))
                    }
                    (false, false) => format!(", but only {share}"),
                };
                self.counted = Some(at);
                format!("{what} after {after}{but}{}", lost(scene.requests))
            }
        };
        self.say(at, format!("  {text}"), scene);
        if state == UpdateState::RollbackStarted {
            (self.reported, self.back) = (0, true);
            self.replaced(at, scene);
        }
    }

    /// The slots that were replaced, or are back, batch by batch.
    fn replaced(&mut self, at: Offset, scene: &Scene) {
        let Some(scenario) = scene.narrator.scenario() else { return };
        let Some((submitted, _)) = scenario.submitted else { return };
        if submitted == scenario.previous {
            return;
        }
        let rollout = scenario.rollout(scene.slots);
        let Rollout { done, wanted, .. } = rollout;
        let policy = scene
            .narrator
            .stack()
            .map(|stack| if self.back { &stack.rollback_config } else { &stack.update_config });
        let at_once = policy.map_or(1, |policy| policy.at_once(scenario.replicas));
        let batch = usize::try_from(at_once).unwrap_or(wanted).max(wanted.div_ceil(STEPS)).max(1);
        if done <= self.reported || !(rollout.is_whole() || done - self.reported >= batch) {
            return;
        }
        (self.reported, self.untouched) = (done, false);
        let mut text = match (self.back, wanted) {
            (false, 1) => "  replaced".to_owned(),
            (false, _) => format!("  {done} of {wanted} replaced"),
            (true, 1) => "  the replica runs the previous version".to_owned(),
            (true, _) => format!("  {done} of {wanted} run the previous version"),
        };
        if let Some(policy) = policy.filter(|_| rollout.is_whole() && !scenario.state.is_terminal())
        {
            text = format!("{text}; waiting for {}", settings_left(policy));
        }
        self.say(at, text, scene);
    }

    fn ended(&mut self, at: Offset, spec: SpecMatch, reason: &EndReason, scene: &Scene) {
        self.flush(at, scene);
        match reason {
            EndReason::Settled if self.untouched => {
                self.say(at, format!("  nothing was replaced{}", lost(scene.requests)), scene);
            }
            // The result says what failed.
            EndReason::Settled | EndReason::Interrupted | EndReason::Failed { .. } => {}
            EndReason::Deadline { text } => {
                self.say(at, format!("  timed out: {}", clean(text)), scene);
            }
            EndReason::EngineLost { text } => {
                self.say(at, format!("  lost the engine: {}", clean(text)), scene);
            }
        }
        match spec {
            SpecMatch::Other => {
                self.say(at, "  the service was changed again meanwhile".into(), scene);
            }
            SpecMatch::Unknown => {
                self.say(at, "  the service's settings could not be read".into(), scene);
            }
            SpecMatch::Submitted | SpecMatch::Previous => {}
        }
    }

    fn self_tested(&mut self, at: Offset, gave_up: Option<&str>, scene: &Scene) {
        let count = scene.requests.self_test;
        let text = match gave_up {
            Some(text) => format!("timed out: {}", clean(text)),
            None if count.failed > 0 => format!("{}, as intended", count.lost()),
            None if count.sent > 0 => format!("{}: losses are not detected", count.lost()),
            None => "finished".to_owned(),
        };
        self.say(at, format!("  {text}"), scene);
    }

    /// Counts requests if nothing was said of them for a while.
    fn count(&mut self, now: Offset, requests: &Requests) {
        let users = requests.users();
        if users.sent == 0 {
            self.counted = None;
        } else if now - *self.counted.get_or_insert(now) >= COUNTS {
            self.counted = Some(now);
            let still = if self.users.is_some() { "still failing: " } else { "" };
            let text = format!("  {still}{}", users.lost());
            self.lines.push(Line { at: now, text, lasting: false });
        }
    }
}

/// `app:v1 → app:v2, 6 replicas`, if the image changes.
fn images(scene: &Scene) -> Option<String> {
    let scenario = scene.narrator.scenario()?;
    let image = |generation: u32| {
        let mut slots = scene.slots.of(&scenario.service).map(|(_, slot)| slot);
        let task = slots.find_map(|slot| slot.newest_of(generation))?;
        Some(clean(short_image(&task.seen.image)).into_owned())
    };
    let (old, new) = (image(scenario.previous)?, image(scenario.submitted?.0)?);
    let replicas = counted(scenario.replicas, "replica");
    (old != new).then(|| format!("{old} → {new}, {replicas}"))
}

/// `converged after 34 s: 2 services, 4 replicas`.
fn converged(after: Offset, scene: &Scene) -> Option<String> {
    let mut services = BTreeSet::new();
    let mut replicas = 0;
    for (key, slot) in scene.slots.all().filter(|(key, _)| !scene.slots.is_companion(&key.service))
    {
        if !slot.standing().is_some_and(TaskLine::is_serving) {
            return None;
        }
        services.insert(&key.service);
        replicas += 1;
    }
    let number = u64::try_from(services.len()).unwrap_or(u64::MAX);
    (replicas > 0).then(|| {
        let (services, replicas) = (counted(number, "service"), counted(replicas, "replica"));
        format!("converged after {}: {services}, {replicas}", length(after))
    })
}

/// `; 0 of 5,103 requests lost`, if any were sent since the change.
fn lost(requests: &Requests) -> String {
    match requests.since_change.sent {
        0 => String::new(),
        _ => format!("; {}", requests.since_change.lost()),
    }
}
