//! What Swarm is doing, in one plain sentence.

use super::progress::Progress;
use super::sentences::{Coming, Sentences};
use super::slot_table::SlotTable;
use super::words::{clean, short_id};
use crate::record::{Event, EventKind, StackFacts, TaskState, UpdateState};

/// What Swarm is doing, and what the run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Narration {
    /// One plain sentence. It holds no running time: it changes only when the facts do.
    pub doing: String,
    /// What is being waited for, to fit after "waiting for".
    pub waiting: Option<String>,
}

/// Follows a run's events and says what Swarm is doing, as Swarm's updater, restart
/// supervisor and health monitor do it.
#[derive(Debug, Default)]
pub(super) struct Narrator {
    facts: Option<StackFacts>,
    /// The name and the sentence of the part of the run that is under way.
    phase: Option<(String, String)>,
    scenario: Option<Scenario>,
    lost: Option<String>,
    interrupted: bool,
}

#[derive(Debug)]
struct Scenario {
    service: String,
    replicas: u64,
    /// The version from before the change.
    previous: u32,
    /// The version of the change, once the engine took it.
    submitted: Option<u32>,
    state: UpdateState,
    message: String,
    rolled_back: bool,
}

impl Narrator {
    /// Lets sentences name the stack's settings.
    pub fn facts(&mut self, facts: &StackFacts) {
        self.facts = Some(facts.clone());
    }

    /// The part of the run that is under way: its short name and its sentence.
    pub fn phase(&self) -> Option<(&str, &str)> {
        self.phase.as_ref().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The service under test, once known.
    pub fn service(&self) -> Option<&str> {
        let facts = self.facts.as_ref().map(|facts| facts.service.as_str());
        self.scenario.as_ref().map(|scenario| scenario.service.as_str()).or(facts)
    }

    /// Whether replicas have a health check; unknown counts as yes, because most have.
    pub fn health_checked(&self) -> bool {
        self.facts.as_ref().is_none_or(|facts| facts.healthcheck.is_some())
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Phase { name, text } => {
                self.phase = Some((clean(name).into_owned(), clean(text).into_owned()));
                self.interrupted = false;
            }
            EventKind::ScenarioStarted { service, replicas, generation, .. } => {
                self.scenario = Some(Scenario {
                    service: service.clone(),
                    replicas: *replicas,
                    previous: *generation,
                    submitted: None,
                    state: UpdateState::None,
                    message: String::new(),
                    rolled_back: false,
                });
            }
            EventKind::Submitted { service, generation } => {
                if let Some(scenario) = self.scenario.as_mut().filter(|s| s.service == *service) {
                    scenario.submitted = Some(*generation);
                    // The engine clears what an earlier update left; it may already have
                    // begun this one.
                    if scenario.state.is_terminal() {
                        scenario.state = UpdateState::None;
                    }
                }
            }
            EventKind::Service { service, state, message } => {
                if let Some(scenario) = self.scenario.as_mut().filter(|s| s.service == *service) {
                    scenario.state = *state;
                    scenario.message = clean(message).into_owned();
                    // Once seen, a rollback stays a fact: Swarm may write `completed` over it.
                    scenario.rolled_back |= scenario.submitted.is_some() && state.is_rollback();
                }
            }
            EventKind::ScenarioEnded { .. } => self.scenario = None,
            EventKind::ObserverLost { text } => self.lost = Some(clean(text).into_owned()),
            EventKind::ObserverResumed => self.lost = None,
            EventKind::Interrupted => self.interrupted = true,
            EventKind::Task(_)
            | EventKind::TaskGone { .. }
            | EventKind::Container { .. }
            | EventKind::Caveat { .. } => {}
        }
    }

    /// What is going on, as far as events tell.
    pub fn narrate(&self, slots: &SlotTable) -> Narration {
        if let Some(lost) = &self.lost {
            return Narration {
                doing: format!(
                    "The engine does not answer ({lost}); what Swarm does meanwhile is unknown"
                ),
                waiting: Some("the engine to answer".to_owned()),
            };
        }
        if self.interrupted {
            return Narration { doing: "Stopping, because you asked for it".into(), waiting: None };
        }
        match &self.scenario {
            Some(scenario) => self.in_scenario(scenario, slots),
            None => self.at_rest(slots),
        }
    }

    /// Outside a scenario: a deployment that converges, or nothing at all.
    fn at_rest(&self, slots: &SlotTable) -> Narration {
        let Some(facts) = &self.facts else { return Narration::default() };
        let newest = slots.of(&facts.service).flat_map(|(_, slot)| slot.tasks());
        let Some(newest) = newest.map(|task| task.seen.generation).max() else {
            return Narration::default();
        };
        let progress = Progress::towards(newest, &facts.service, facts.replicas, slots);
        let service = slots.service_name(&facts.service);
        if progress.is_whole() {
            let doing = format!("All {} replicas of {service} run", progress.wanted);
            return Narration { doing, waiting: None };
        }
        self.sentences(&progress, Coming::First).moving()
    }

    fn in_scenario(&self, scenario: &Scenario, slots: &SlotTable) -> Narration {
        let service = slots.service_name(&scenario.service);
        let Scenario { replicas, previous, .. } = scenario;
        let towards =
            |generation| Progress::towards(generation, &scenario.service, *replicas, slots);
        let Some(submitted) = scenario.submitted else {
            let running = towards(*previous);
            return Narration {
                doing: format!(
                    "{} of {} replicas of {service} run version #{previous}; nothing is changed yet",
                    running.done, running.wanted
                ),
                waiting: None,
            };
        };
        let new = towards(submitted);
        let old = towards(*previous);
        let message = &scenario.message;
        match scenario.state {
            UpdateState::None if submitted == *previous => Narration {
                doing: "The change does not touch the task template, so Swarm replaces nothing"
                    .to_owned(),
                waiting: Some("the service to stay at rest".to_owned()),
            },
            UpdateState::None | UpdateState::Unknown => {
                let mut narration = self.sentences(&new, Coming::Update).moving();
                if !new.in_flight() {
                    narration.doing = "Swarm has the change and has replaced nothing yet".into();
                    narration.waiting = Some("the update to begin".to_owned());
                }
                narration
            }
            UpdateState::Updating => self.sentences(&new, Coming::Update).updating(),
            UpdateState::Paused => Narration {
                doing: format!(
                    "Swarm paused the update, with {} of {} replicas new, and waits for an \
                     operator: {}",
                    new.done,
                    new.wanted,
                    trigger(message, slots)
                ),
                waiting: None,
            },
            UpdateState::Completed if scenario.rolled_back => Narration {
                doing: format!(
                    "Swarm writes completed over its rollback: {} of {} replicas run version \
                     #{previous}",
                    old.done, old.wanted
                ),
                waiting: Some("the service to stay at rest".to_owned()),
            },
            UpdateState::Completed => {
                self.sentences(&new, Coming::Update).after("Swarm calls the update completed")
            }
            UpdateState::RollbackStarted => {
                let cause = format!("Swarm rolls back: {}", trigger(message, slots));
                self.sentences(&old, Coming::Back(*previous)).rolling_back(&cause)
            }
            UpdateState::RollbackPaused => Narration {
                doing: format!(
                    "Swarm paused the rollback, with {} of {} replicas back, and waits for an \
                     operator: {}",
                    old.done,
                    old.wanted,
                    trigger(message, slots)
                ),
                waiting: None,
            },
            UpdateState::RollbackCompleted => self
                .sentences(&old, Coming::Back(*previous))
                .after("Swarm calls the rollback completed"),
        }
    }

    fn sentences<'a>(&'a self, progress: &'a Progress, coming: Coming) -> Sentences<'a> {
        Sentences { progress, coming, facts: self.facts.as_ref() }
    }
}

/// What made Swarm pause or roll back, from its message, which ends with a task's id.
fn trigger(message: &str, slots: &SlotTable) -> String {
    if message.contains("manually requested") {
        return "it was asked to".to_owned();
    }
    let id = message.rsplit(' ').next().unwrap_or_default();
    let Some(task) = slots.task(id) else {
        return if message.is_empty() {
            "a task failed".into()
        } else {
            format!("“{message}”")
        };
    };
    let place = match task.seen.slot {
        0 => String::new(),
        slot => format!(" of slot {slot}"),
    };
    let what = match task.reason() {
        _ if task.healthy == Some(false) => "became unhealthy".to_owned(),
        reason if reason == "became unhealthy" => reason,
        reason if task.seen.state == TaskState::Rejected => format!("was rejected ({reason})"),
        reason if reason.is_empty() => "ended".to_owned(),
        reason => format!("ended ({reason})"),
    };
    format!("task {}{place} {what}", short_id(id))
}
