//! Every step of a recorded update in plain words, with the engine's rule and the setting behind it.

mod tasks;
mod text;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

pub use text::explain_text;

use crate::Offset;
use crate::record::{Event, EventKind, Run, StackFacts, TaskSeen};
use crate::swarm::{HealthCheck, RestartCondition, UpdatePolicy, UpdateState};
use crate::wording::{counted, length, setting};

/// One step of an update.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// When, counted from the request for the change.
    pub at_s: Offset,
    /// The slot that it is about; absent if it is about the service.
    pub slot: Option<u64>,
    /// What happened, in plain words.
    pub what: String,
    /// The engine's rule behind it; empty if it speaks for itself.
    pub rule: String,
    /// The setting of the stack file behind it, such as `update_config.delay`.
    pub setting: Option<&'static str>,
}

/// The explained steps of one scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// The scenario's name.
    pub scenario: String,
    /// What it changed.
    pub change: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// Explains every scenario of a recorded run.
#[must_use]
pub fn explain(run: &Run) -> Vec<Explained> {
    let mut events: Vec<&Event> = run.events.iter().collect();
    events.sort_by_key(|event| event.at);
    let mut all: Vec<Explained> = Vec::new();
    let mut teller = Explainer::new(&run.meta.stack);
    for event in events {
        if let EventKind::ScenarioStarted { name, change, .. } = &event.kind {
            let (scenario, change) = (name.clone(), change.clone());
            all.push(Explained { scenario, change, steps: Vec::new() });
        }
        let steps = teller.tell(event);
        if let Some(explained) = all.last_mut() {
            explained.steps.extend(steps);
        }
    }
    all
}

/// What is known of a task so far.
#[derive(Debug, Clone)]
struct Known {
    last: TaskSeen,
    started: Option<Offset>,
    running: Option<Offset>,
    unhealthy: Option<Offset>,
    told: Option<Offset>,
    signal: Option<Offset>,
}

/// Follows the events of a run and tells its steps, as they come or afterwards.
pub struct Explainer {
    /// With the settings that are at work.
    stack: StackFacts,
    tasks: BTreeMap<String, Known>,
    submitted: Option<(Offset, u32)>,
    /// The health check of the version that was submitted.
    new_check: Option<HealthCheck>,
    /// Which of its tasks are replaced; absent if the record does not say.
    new_restart: Option<RestartCondition>,
    state: UpdateState,
    /// When a slot was last done: its new task ran or had failed.
    slot_done: Option<Offset>,
    /// When the update or the rollback began.
    began: Option<Offset>,
    failure: Option<Offset>,
}

impl Explainer {
    /// One that knows the settings of the stack.
    #[must_use]
    pub fn new(stack: &StackFacts) -> Self {
        Self {
            stack: stack.clone(),
            tasks: BTreeMap::new(),
            submitted: None,
            new_check: None,
            new_restart: None,
            state: UpdateState::None,
            slot_done: None,
            began: None,
            failure: None,
        }
    }

    fn begin(&mut self) {
        self.state = UpdateState::None;
        self.slot_done = None;
        self.began = None;
        self.failure = None;
    }

    /// The policy that is at work, and the name of its block.
    fn policy(&self) -> (&UpdatePolicy, bool) {
        let rollback = self.state.is_rollback();
        let policy = if rollback { &self.stack.rollback_config } else { &self.stack.update_config };
        (policy, rollback)
    }

    /// Takes an event; the step that it shows, if it shows one.
    pub fn tell(&mut self, event: &Event) -> Option<Step> {
        match &event.kind {
            EventKind::ScenarioStarted { .. } => {
                self.begin();
                None
            }
            EventKind::ScenarioEnded { .. } => {
                self.submitted = None;
                None
            }
            EventKind::Submitted { service, generation, specs, .. }
                if *service == self.stack.service =>
            {
                self.submitted = Some((event.at, *generation));
                self.stack = self.stack.in_update(specs.as_deref());
                self.new_check = match specs {
                    Some(specs) => specs.after.health.clone(),
                    None => self.stack.healthcheck.clone(),
                };
                self.new_restart = specs.as_ref().map(|specs| specs.after.restart.condition);
                self.step(event.at, None, "the engine accepted the change", String::new(), None)
            }
            EventKind::Service { service, state, message } if *service == self.stack.service => {
                self.service(event.at, *state, message)
            }
            EventKind::Task(task) if task.service == self.stack.service => {
                self.task(event.at, event.seen, task)
            }
            EventKind::Container { task, action, exit_code, signal, .. } => {
                self.container(event.at, task, *action, *exit_code, *signal)
            }
            _ => None,
        }
    }

    /// A step, unless no change is being made.
    pub(super) fn step(
        &self,
        at: Offset,
        slot: Option<u64>,
        what: impl Into<String>,
        rule: impl Into<String>,
        setting: Option<&'static str>,
    ) -> Option<Step> {
        let (from, _) = self.submitted?;
        Some(Step { at_s: at - from, slot, what: what.into(), rule: rule.into(), setting })
    }

    fn service(&mut self, at: Offset, state: UpdateState, message: &str) -> Option<Step> {
        self.submitted?;
        let (policy, rollback) = self.policy();
        let policy = policy.clone();
        let before = std::mem::replace(&mut self.state, state);
        if before == state {
            return None;
        }
        let waited = self.slot_done.or(self.began).map(|done| at - done);
        let named = self.tasks.iter().find(|(id, _)| message.contains(id.as_str()));
        let culprit = named.map_or_else(String::new, |(_, known)| {
            format!(": the task of slot {} failed", known.last.slot)
        });
        match state {
            UpdateState::Updating => {
                self.began = Some(at);
                let rule = match policy.parallelism {
                    0 => "all slots at once".to_owned(),
                    number => format!("{} at a time", counted(number, "slot")),
                };
                let key = Some("update_config.parallelism");
                self.step(at, None, "Swarm begins to replace tasks", rule, key)
            }
            UpdateState::Completed | UpdateState::RollbackCompleted => {
                let (rule, key) = watched(&policy, rollback, waited);
                let what = match state {
                    UpdateState::Completed => "Swarm calls the update completed",
                    _ => "Swarm calls the rollback completed",
                };
                self.step(at, None, what, rule, key)
            }
            UpdateState::RollbackStarted | UpdateState::Paused | UpdateState::RollbackPaused => {
                let does = match state {
                    UpdateState::RollbackStarted => "Swarm rolls back",
                    UpdateState::Paused => "Swarm pauses the update",
                    _ => "Swarm pauses the rollback",
                };
                self.slot_done = None;
                self.began = Some(at);
                self.step(
                    at,
                    None,
                    format!("{does}{culprit}"),
                    self.threshold(&policy, at),
                    Some(if rollback {
                        "rollback_config.failure_action"
                    } else {
                        "update_config.failure_action"
                    }),
                )
            }
            _ => None,
        }
    }

    /// Why the failures were too many, and why the update acts only now.
    fn threshold(&self, policy: &UpdatePolicy, at: Offset) -> String {
        let mut rule = format!(
            "the share of failed slots is above max_failure_ratio {}",
            policy.max_failure_ratio
        );
        let late = self.failure.map(|failure| at - failure);
        if let Some(late) = late.filter(|late| *late > Offset::from_millis(1_000)) {
            let _ = write!(
                rule,
                "; it looks at the failure {} later, because it first waits for the workers that \
                 hold the last slots, with their delay",
                length(late)
            );
        }
        rule
    }
}

/// How long Swarm watched before it called the work done.
fn watched(
    policy: &UpdatePolicy,
    rollback: bool,
    waited: Option<Offset>,
) -> (String, Option<&'static str>) {
    let Some(waited) = waited.filter(|waited| *waited > Offset::from_millis(500)) else {
        return ("nothing was left to replace, so Swarm watches nothing".to_owned(), None);
    };
    let block = |update, back| Some(if rollback { back } else { update });
    if policy.delay >= policy.monitor {
        let rule = format!(
            "after the last slot it waits its delay, and then watches for one second more than \
             the delay, because monitor is not longer: {} in all",
            length(waited)
        );
        return (rule, block("update_config.delay", "rollback_config.delay"));
    }
    let rule = format!(
        "after the last slot it waits its delay ({}) and watches for monitor ({}): {} in all",
        setting(policy.delay),
        setting(policy.monitor),
        length(waited)
    );
    (rule, block("update_config.monitor", "rollback_config.monitor"))
}
