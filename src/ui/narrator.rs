//! What Swarm is doing, in one plain sentence.

use super::narration::Narration;
use super::progress::Progress;
use super::sentences::{Coming, Sentences};
use super::slot_table::SlotTable;
use super::trigger::trigger;
use super::words::clean;
use crate::record::{Event, EventKind, StackFacts};
use crate::swarm::UpdateState;

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
            | EventKind::HealthCheckFailed { .. }
            | EventKind::Machine(_)
            | EventKind::NegativeControlStarted { .. }
            | EventKind::NegativeControlEnded { .. }
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
        if slots.of(&facts.service).next().is_none() {
            return Narration::default();
        }
        let progress = Progress::towards(None, &facts.service, facts.replicas, slots);
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
            |version| Progress::towards(Some(version), &scenario.service, *replicas, slots);
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

#[cfg(test)]
mod tests {
    use super::super::replay::{event, seen, service, task};
    use super::*;
    use crate::record::{EndReason, Expects, SpecMatch};
    use crate::swarm::TaskState;
    use TaskState::{Failed, Pending, Ready, Running, Shutdown, Starting};

    /// A scenario on two replicas that was submitted, unless `submitted` is absent.
    struct Told {
        narrator: Narrator,
        slots: SlotTable,
    }

    impl Told {
        fn scenario(submitted: Option<u32>) -> Self {
            let mut told = Self { narrator: Narrator::default(), slots: SlotTable::default() };
            told.slots.stack("demo");
            told.tell(EventKind::ScenarioStarted {
                name: "update".into(),
                expects: Expects::Update,
                service: "demo_app".into(),
                replicas: 2,
                generation: 1,
                change: "a new image".into(),
            });
            for slot in 1..=2 {
                told.task(&format!("o{slot}"), slot, 1, Running, Running);
            }
            if let Some(generation) = submitted {
                told.tell(EventKind::Submitted { service: "demo_app".into(), generation });
            }
            told
        }

        fn tell(&mut self, kind: EventKind) {
            let event = event(0, kind);
            self.slots.event(&event);
            self.narrator.event(&event);
        }

        fn task(&mut self, id: &str, slot: u64, version: u32, at: TaskState, desired: TaskState) {
            self.tell(EventKind::Task(task(id, slot, version, at, desired)));
        }

        fn state(&mut self, state: UpdateState, message: &str) {
            self.tell(service(0, state, message).kind);
        }

        fn doing(&self) -> String {
            self.narrator.narrate(&self.slots).doing
        }

        fn waiting(&self) -> String {
            self.narrator.narrate(&self.slots).waiting.unwrap_or_default()
        }
    }

    const ROLLED: &str = "update rolled back due to failure or early termination of task n1";

    #[test]
    fn before_and_after_the_change_is_submitted() {
        let told = Told::scenario(None);
        assert_eq!(told.doing(), "2 of 2 replicas of app run version #1; nothing is changed yet");
        let mut told = Told::scenario(Some(2));
        assert_eq!(told.doing(), "Swarm has the change and has replaced nothing yet");
        assert_eq!(told.waiting(), "the update to begin");
        told.state(UpdateState::Updating, "update in progress");
        assert_eq!(told.doing(), "0 of 2 replicas are new; Swarm turns to the next");
        let same = Told::scenario(Some(1));
        assert!(same.doing().contains("replaces nothing"));
    }

    #[test]
    fn what_an_earlier_update_left_is_not_taken_for_this_one() {
        let mut told = Told::scenario(None);
        told.state(UpdateState::RollbackCompleted, "rollback completed");
        told.tell(EventKind::Submitted { service: "demo_app".into(), generation: 2 });
        assert_eq!(told.doing(), "Swarm has the change and has replaced nothing yet");
        told.task("n1", 1, 2, Running, Running);
        told.task("n2", 2, 2, Running, Running);
        told.state(UpdateState::Completed, "update completed");
        assert_eq!(told.doing(), "Swarm calls the update completed: all 2 replicas are new");
    }

    #[test]
    fn slots_in_different_steps_share_a_sentence() {
        let mut told = Told::scenario(Some(2));
        told.state(UpdateState::Updating, "");
        told.task("o1", 1, 1, Shutdown, Shutdown);
        told.task("n1", 1, 2, Starting, Running);
        told.task("o2", 2, 1, Running, Shutdown);
        told.task("n2", 2, 2, Ready, Ready);
        assert_eq!(
            told.doing(),
            "Swarm stops the old replica of slot 2, to start the new one there once it has \
             stopped; it starts the new replica of slot 1 and waits for its health check"
        );
        assert_eq!(told.waiting(), "the health of slot 1");
    }

    #[test]
    fn completed_is_not_believed() {
        let mut told = Told::scenario(Some(2));
        told.state(UpdateState::Completed, "update completed");
        assert_eq!(
            told.doing(),
            "Swarm calls the update completed, but only 0 of 2 replicas are new"
        );
        told.state(UpdateState::RollbackStarted, "manually requested rollback");
        assert!(told.doing().starts_with("Swarm rolls back: it was asked to; all 2 replicas are"));
        told.state(UpdateState::Completed, "update completed");
        assert!(told.doing().starts_with("Swarm writes completed over its rollback: 2 of 2"));
    }

    #[test]
    fn a_rollback_that_is_completed_before_all_are_back() {
        let mut told = Told::scenario(Some(2));
        told.task("o1", 1, 1, Shutdown, Shutdown);
        told.task("n1", 1, 2, Failed, Shutdown);
        told.task("r1", 1, 1, Ready, Ready);
        told.state(UpdateState::RollbackStarted, ROLLED);
        told.state(UpdateState::RollbackCompleted, "rollback completed");
        assert_eq!(
            told.doing(),
            "Swarm calls the rollback completed, but only 1 of 2 replicas run version #1 again; \
             it holds slot 1 back for the delay of the restart policy"
        );
    }

    #[test]
    fn an_update_that_finds_no_node_waits_for_ever_and_says_so() {
        let mut told = Told::scenario(Some(2));
        told.state(UpdateState::Updating, "");
        let mut pending = task("n1", 1, 2, Pending, Running);
        pending.error = "no suitable node (insufficient resources on 1 node)".into();
        told.tell(seen(0, pending).kind);
        assert!(told.doing().contains("finds no node for slot 1: no suitable node"));
        assert_eq!(told.waiting(), "a node for slot 1; Swarm sets no limit to this");
    }

    #[test]
    fn a_lost_engine_and_an_interruption_outrank_the_rest() {
        let mut told = Told::scenario(Some(2));
        told.tell(EventKind::ObserverLost { text: "connection refused".into() });
        assert!(told.doing().starts_with("The engine does not answer (connection refused)"));
        told.tell(EventKind::ObserverResumed);
        told.tell(EventKind::Interrupted);
        assert_eq!(told.doing(), "Stopping, because you asked for it");
        told.tell(EventKind::ScenarioEnded {
            name: "update".into(),
            spec: SpecMatch::Unknown,
            reason: EndReason::Interrupted,
        });
        told.tell(EventKind::Phase { name: "clean-up".into(), text: "removes the stack".into() });
        assert_eq!(told.doing(), "");
        assert_eq!(told.narrator.phase(), Some(("clean-up", "removes the stack")));
    }
}
