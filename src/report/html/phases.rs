//! The rows above the tasks: what the run did, the states of the update, and what went wrong around
//! it.

use super::row::{Mark, Row, Shape, Text, rect};
use super::window::Window;
use crate::Offset;
use crate::judge::Judgement;
use crate::record::{EventKind, Run};
use crate::swarm::UpdateState;
use crate::wording::length;

const HEIGHT: i64 = 20;

/// What the run did.
pub(super) fn phases(window: Window, run: &Run) -> Row {
    let phases: Vec<(Offset, &str, &str)> = run
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Phase { name, text } => Some((event.at, name.as_str(), text.as_str())),
            _ => None,
        })
        .collect();
    let mut row =
        Row { label: "run".to_owned(), class: "states", height: HEIGHT, ..Row::default() };
    let mut described = Vec::new();
    for (place, (from, name, text)) in phases.iter().enumerate() {
        let to = phases.get(place + 1).map_or(window.to, |next| next.0);
        if to <= window.from || *from >= window.to {
            continue;
        }
        let class = if place % 2 == 0 { "phase" } else { "phase other" };
        add(&mut row, window, (*from, to), class, &name.replace('-', " "), text);
        described.push(format!("{} from {}", name, length(*from)));
    }
    row.described = format!("Phases of the run: {}", described.join(", "));
    row
}

/// The states of the update, as Swarm reported them.
pub(super) fn updates(window: Window, judgement: &Judgement) -> Row {
    let mut row =
        Row { label: "update".to_owned(), class: "states", height: HEIGHT, ..Row::default() };
    let mut described = Vec::new();
    for scenario in &judgement.scenarios {
        let states = &scenario.update.states;
        if let Some(at) = scenario.update.submitted_at {
            described.push(format!("change submitted at {}", length(at)));
        }
        for (place, seen) in states.iter().enumerate() {
            let to = states.get(place + 1).map_or(scenario.ended_at, |next| next.at);
            let class = match seen.state {
                UpdateState::Updating => "updating",
                UpdateState::Completed => "completed",
                UpdateState::Paused | UpdateState::RollbackPaused => "paused",
                UpdateState::RollbackStarted => "rollback",
                UpdateState::RollbackCompleted => "rolled-back",
                UpdateState::None | UpdateState::Unknown => "phase",
            };
            let name = seen.state.as_str().replace('_', " ");
            add(&mut row, window, (seen.at, to), class, &name, &seen.message);
            described.push(format!("{name} from {}", length(seen.at)));
        }
    }
    let described =
        if described.is_empty() { "none was seen".to_owned() } else { described.join(", ") };
    row.described = format!("States of the update: {described}");
    row
}

fn add(
    row: &mut Row,
    window: Window,
    (from, to): (Offset, Offset),
    class: &'static str,
    name: &str,
    more: &str,
) {
    let title = format!("{name}, from {} to {}: {more}", length(from), length(to));
    let path = rect(window, from, to, 1, HEIGHT - 2);
    row.shapes.push(Shape::new(class, path, title));
    if window.has_room(from.max(window.from), to.min(window.to)) {
        row.texts.push(Text {
            at: window.x(from),
            until: window.x(to),
            top: 1,
            words: name.to_owned(),
            class: "state",
        });
    }
}

/// Nodes that went away and times in which the engine did not respond; absent if there was nothing of
/// the kind.
pub(super) fn trouble(window: Window, run: &Run, judgement: &Judgement) -> Option<Row> {
    let mut marks = Vec::new();
    for loss in judgement.scenarios.iter().flat_map(|scenario| &scenario.nodes) {
        marks.push((loss.noticed_at, loss.what()));
    }
    for event in &run.events {
        match &event.kind {
            EventKind::ObserverLost { text } => {
                marks.push((event.at, format!("the engine does not respond: {text}")));
            }
            EventKind::ObserverResumed => {
                marks.push((event.at, "the engine responds again".to_owned()));
            }
            EventKind::Interrupted => marks.push((event.at, "interrupted".to_owned())),
            EventKind::RunFailed { text, .. } => marks.push((event.at, text.clone())),
            _ => {}
        }
    }
    if marks.is_empty() {
        return None;
    }
    let texts: Vec<String> =
        marks.iter().map(|(at, text)| format!("{text}, at {}", length(*at))).collect();
    let described = format!("Around it: {}", texts.join("; "));
    let marks = marks.iter().zip(texts).map(|((at, _), text)| Mark {
        at: window.x(*at),
        top: 0,
        class: "failed",
        symbol: "!",
        text: text.clone(),
    });
    Some(Row {
        label: "around it".to_owned(),
        class: "states",
        height: HEIGHT,
        described,
        marks: marks.collect(),
        ..Row::default()
    })
}
