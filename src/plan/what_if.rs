//! What recorded updates would have done under other settings.

use std::fmt::Write as _;

use serde::Serialize;

use super::Tweak;
use super::course::StateAt;
use crate::Offset;
use crate::record::Run;
use crate::swarm::UpdateState;
use crate::swarm_model::{End, Input, Observed, Outcome, Spec, simulate};
use crate::wording::{clean, counted, length, setting, wrap};

/// What a recorded update would have done under other settings.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhatIf {
    /// The scenario's name.
    pub scenario: String,
    /// What it changed.
    pub change: String,
    /// What was recorded.
    pub recorded: Played,
    /// The same, played on the model with the recorded settings and behaviour.
    pub replayed: Played,
    /// Whether the replay has the recorded states, their times within a tenth or a second, and as
    /// many touched slots: if not, what it says of other settings is worth little.
    pub faithful: bool,
    /// The same with the other settings.
    pub changed: Played,
    /// What would have been different, in plain words; empty if nothing.
    pub differences: Vec<String>,
}

/// An update in a few figures. Instants count from the request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Played {
    /// The states, in order.
    pub states: Vec<StateAt>,
    /// How many slots had a task of the new version.
    pub touched: u64,
    /// The fewest replicas that can answer; absent for what was recorded, which the report tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lowest_answering: Option<u64>,
    /// Whether it waits for ever.
    pub hangs: bool,
}

/// Plays the updates of a run under other settings.
///
/// # Errors
/// A setting that the service does not have, in plain words.
pub fn what_if(run: &Run, tweaks: &[Tweak]) -> Result<Vec<WhatIf>, String> {
    Observed::all(run).iter().map(|observed| WhatIf::of(observed, tweaks)).collect()
}

impl WhatIf {
    fn of(observed: &Observed, tweaks: &[Tweak]) -> Result<Self, String> {
        let (races, before) = observed.replay();
        let mut input = Input { races, ..observed.input.clone() };
        for tweak in tweaks {
            tweak.apply(&mut input.old.spec)?;
            tweak.apply(&mut input.new.spec)?;
        }
        let after = simulate(&input);
        let recorded = Played {
            states: observed
                .states
                .iter()
                .map(|(state, at_s)| StateAt { state: *state, at_s: *at_s })
                .collect(),
            touched: observed.touched.len() as u64,
            lowest_answering: None,
            hangs: observed.states.last().is_some_and(|(state, _)| !state.is_terminal()),
        };
        let (replayed, changed) = (Played::of(&before), Played::of(&after));
        Ok(Self {
            scenario: observed.scenario.clone(),
            change: observed.change.clone(),
            faithful: observed.is_like(&before),
            differences: differences(&replayed, &changed, &after, &input.new.spec),
            recorded,
            replayed,
            changed,
        })
    }
}

impl Played {
    fn of(outcome: &Outcome) -> Self {
        let states = outcome.states.iter();
        Self {
            states: states.map(|step| StateAt { state: step.state, at_s: step.at }).collect(),
            touched: outcome.touched.len() as u64,
            lowest_answering: Some(outcome.lowest_answering()),
            hangs: outcome.end == End::Hangs,
        }
    }

    fn final_state(&self) -> UpdateState {
        self.states.last().map_or(UpdateState::None, |last| last.state)
    }

    fn ended(&self) -> Option<Offset> {
        self.states.last().filter(|last| last.state.is_terminal()).map(|last| last.at_s)
    }

    /// How it went, in a few words.
    fn words(&self) -> String {
        let mut words = match (self.final_state(), self.ended()) {
            (UpdateState::None, _) => return "nothing is replaced".to_owned(),
            (state, None) => format!("{} and waits for ever", state.as_str()),
            (state, Some(at)) => format!("{} after {}", state.as_str(), length(at)),
        };
        let rollback = self.states.iter().find(|step| step.state == UpdateState::RollbackStarted);
        if let Some(started) = rollback {
            let _ = write!(words, ", rollback from {}", length(started.at_s));
        }
        let _ = write!(words, "; {} touched", counted(self.touched, "slot"));
        if let Some(lowest) = self.lowest_answering {
            let _ = write!(words, "; at worst {} can answer", counted(lowest, "replica"));
        }
        words
    }
}

/// Whether Swarm has acted on a failure.
fn acts(state: UpdateState) -> bool {
    state == UpdateState::Paused || state.is_rollback()
}

/// Times that differ by less are the same.
const SAME: Offset = Offset::from_millis(50);

fn differences(before: &Played, after: &Played, outcome: &Outcome, spec: &Spec) -> Vec<String> {
    let mut said = Vec::new();
    let names = |played: &Played| played.states.iter().map(|step| step.state).collect::<Vec<_>>();
    let trigger = outcome.trigger();
    if names(before) == names(after) {
        let pairs = before.states.iter().zip(&after.states);
        for (old, new) in pairs.filter(|(old, new)| (new.at_s - old.at_s).abs() > SAME) {
            let (more, word) =
                (new.at_s - old.at_s, if new.at_s > old.at_s { "later" } else { "sooner" });
            said.push(format!("{} comes {} {word}", old.state.as_str(), length(more.abs())));
        }
    } else if let Some((at, task)) = trigger
        && !before.states.iter().any(|step| acts(step.state))
    {
        let slot = outcome.tasks[task as usize].slot;
        said.push(format!(
            "Swarm sees the task of slot {slot} fail within monitor ({}) and acts after {}",
            setting(spec.update.monitor),
            length(at)
        ));
    } else {
        let shown = |played: &Played| {
            let states: Vec<&str> = played.states.iter().map(|step| step.state.as_str()).collect();
            if states.is_empty() { "nothing".to_owned() } else { states.join(", ") }
        };
        said.push(format!("its states are {} instead of {}", shown(after), shown(before)));
        if trigger.is_none() && before.states.iter().any(|step| step.state.is_rollback()) {
            said.push("Swarm no longer acts on the failure".to_owned());
        }
    }
    if before.touched != after.touched {
        said.push(format!(
            "{} touched instead of {}",
            counted(after.touched, "slot"),
            before.touched
        ));
    }
    if let (Some(old), Some(new)) = (before.lowest_answering, after.lowest_answering)
        && old != new
    {
        said.push(format!("at worst {} can answer instead of {old}", counted(new, "replica")));
    }
    said
}

/// The width of the text.
const WIDTH: usize = 80;

/// What would have been different, for people.
#[must_use]
pub fn what_if_text(all: &[WhatIf], tweaks: &[Tweak]) -> String {
    let settings: Vec<String> =
        tweaks.iter().map(|tweak| format!("{}={}", tweak.short_name(), tweak.value())).collect();
    let settings = settings.join(" ");
    let mut text = String::new();
    let mut paragraph = |indent: &str, words: &str| {
        for line in wrap(&clean(words), WIDTH - indent.len(), usize::MAX) {
            let _ = writeln!(text, "{indent}{line}");
        }
    };
    for (index, one) in all.iter().enumerate() {
        if index > 0 {
            paragraph("", " ");
        }
        paragraph("", &format!("{}: {}", one.scenario, one.change));
        paragraph("  ", &format!("recorded: {}", one.recorded.words()));
        paragraph("  ", &format!("replayed: {}", one.replayed.words()));
        if !one.faithful {
            paragraph(
                "  ",
                "The replay does not do what was recorded, so the rest is worth little: something \
                 decided that the record does not show",
            );
        }
        paragraph("  ", &format!("with {settings}: {}", one.changed.words()));
        if one.differences.is_empty() {
            paragraph("    ", "nothing would have been different");
        }
        for difference in &one.differences {
            paragraph("    ", difference);
        }
    }
    text
}
