//! What Swarm is doing, in one plain sentence.

use super::rollout::Rollout;
use super::sentences::{Coming, Narration, Sentences};
use super::slots::SlotTable;
use super::task_line::trigger;
use super::wait::Wait;
use crate::Offset;
use crate::record::{Event, EventKind, StackFacts};
use crate::swarm::UpdateState;
use crate::wording::clean;

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

/// The scenario that is under way.
#[derive(Debug)]
pub(super) struct Scenario {
    /// The service under test.
    pub service: String,
    /// How many replicas the submitted spec wants; before it, how many there were.
    pub replicas: u64,
    /// How many replicas there were.
    before: u64,
    /// The version from before the change.
    pub previous: u32,
    /// The version of the change, and when the engine took it.
    pub submitted: Option<(u32, Offset)>,
    /// What Swarm says of the update.
    pub state: UpdateState,
    /// The engine's message to that.
    pub message: String,
    /// Whether a rollback was seen: a fact, though Swarm may write `completed` over it.
    pub rolled_back: bool,
}

impl Scenario {
    /// How far the slots are on their way to where Swarm is taking them: the new version, or the
    /// previous one during a rollback.
    pub fn rollout(&self, slots: &SlotTable) -> Rollout {
        let (target, wanted) = match self.submitted {
            Some((submitted, _)) if !self.rolled_back => (submitted, self.replicas),
            _ => (self.previous, self.before),
        };
        Rollout::towards(Some(target), &self.service, wanted, slots)
    }
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

    /// The scenario that is under way.
    pub fn scenario(&self) -> Option<&Scenario> {
        self.scenario.as_ref()
    }

    /// The stack's settings, if known.
    pub fn stack(&self) -> Option<&StackFacts> {
        self.facts.as_ref()
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
                    before: *replicas,
                    previous: *generation,
                    submitted: None,
                    state: UpdateState::None,
                    message: String::new(),
                    rolled_back: false,
                });
            }
            EventKind::Submitted { service, generation, specs, replicas } => {
                let facts = self.facts.as_ref().filter(|facts| facts.service == *service);
                if let (Some(facts), Some(_)) = (facts, specs) {
                    self.facts = Some(facts.in_update(specs.as_deref()));
                }
                if let Some(scenario) = self.scenario.as_mut().filter(|s| s.service == *service) {
                    scenario.submitted = Some((*generation, event.at));
                    scenario.replicas = replicas.unwrap_or(scenario.replicas);
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
            | EventKind::HealthCheckFailed { .. }
            | EventKind::HealthCheck(_)
            | EventKind::Log(_)
            | EventKind::RunFailed { .. }
            | EventKind::Node(_)
            | EventKind::Machine(_)
            | EventKind::NegativeControlStarted { .. }
            | EventKind::Declared(_)
            | EventKind::AlsoChanged(_)
            | EventKind::PortWithdrawn(_)
            | EventKind::OtherEnded { .. }
            | EventKind::NegativeControlEnded { .. }
            | EventKind::Caveat { .. } => {}
        }
    }

    /// What is going on, as far as the events show.
    pub fn narrate(&self, slots: &SlotTable) -> Narration {
        if let Some(lost) = &self.lost {
            return Narration {
                doing: format!(
                    "The engine does not answer ({lost}); what Swarm does meanwhile is unknown"
                ),
                waiting: Some(Wait::for_event("the engine to answer")),
            };
        }
        if self.interrupted {
            let doing = "Cleaning up; press Ctrl-C again to quit without cleaning up".to_owned();
            return Narration { doing, waiting: None };
        }
        match &self.scenario {
            Some(scenario) => self.in_scenario(scenario, slots),
            None => self.at_rest(slots),
        }
    }

    /// Outside a scenario: a deployment that converges, or nothing at all.
    fn at_rest(&self, slots: &SlotTable) -> Narration {
        let Some(facts) = &self.facts else { return Narration::default() };
        if slots.of(&facts.service).next().is_none() {
            return Narration::default();
        }
        let rollout = Rollout::towards(None, &facts.service, facts.replicas, slots);
        if !rollout.is_whole() {
            return self.sentences(&rollout, Coming::First).moving();
        }
        let service = slots.service_name(&facts.service);
        let doing = match rollout.wanted {
            1 => format!("The replica of {service} is running"),
            wanted => format!("All {wanted} replicas of {service} are running"),
        };
        Narration { doing, waiting: None }
    }

    fn in_scenario(&self, scenario: &Scenario, slots: &SlotTable) -> Narration {
        let rollout = scenario.rollout(slots);
        let Some((submitted, _)) = scenario.submitted else {
            let state = self.sentences(&rollout, Coming::First).state();
            return Narration { doing: format!("Before the change, {state}"), waiting: None };
        };
        let update = self.sentences(&rollout, Coming::Update);
        let back = self.sentences(&rollout, Coming::Back);
        let paused = |what: &str, state: String| Narration {
            doing: format!(
                "Swarm paused the {what}, because {}; {state}; it does nothing more without an \
                 operator",
                trigger(&scenario.message, slots)
            ),
            waiting: None,
        };
        match scenario.state {
            UpdateState::None if submitted == scenario.previous => Narration {
                doing: "The change does not touch the task template, so Swarm replaces nothing"
                    .to_owned(),
                waiting: None,
            },
            UpdateState::None | UpdateState::Unknown if rollout.in_flight() => update.moving(),
            UpdateState::None | UpdateState::Unknown => Narration {
                doing: "Swarm accepted the change and has replaced nothing yet".to_owned(),
                waiting: Some(Wait::for_event("the update to begin")),
            },
            UpdateState::Updating if scenario.rolled_back => {
                back.rolling_back("Swarm is rolling back")
            }
            UpdateState::Updating => update.updating(),
            UpdateState::Paused => paused("update", update.state()),
            UpdateState::Completed if scenario.rolled_back => {
                back.after("Swarm reports `completed` after a rollback")
            }
            UpdateState::Completed => update.after("Swarm calls the update completed"),
            UpdateState::RollbackStarted => {
                let cause = trigger(&scenario.message, slots);
                back.rolling_back(&format!("Swarm is rolling back, because {cause}"))
            }
            UpdateState::RollbackPaused => paused("rollback", back.state()),
            UpdateState::RollbackCompleted => back.after("Swarm calls the rollback completed"),
        }
    }

    fn sentences<'a>(&'a self, rollout: &'a Rollout, coming: Coming) -> Sentences<'a> {
        Sentences { rollout, coming, facts: self.facts.as_ref() }
    }
}

#[cfg(test)]
mod tests;
