//! The short log, with the engine's rule and the setting behind each step while it happens.

use std::collections::BTreeSet;

use super::screen::{Line, RunLog, Scene};
use super::short_log::ShortLog;
use super::task_line::TaskLine;
use crate::Offset;
use crate::plan::{Explainer, Step};
use crate::record::{Event, Shot};
use crate::wording::clean;

/// The short log with explanations: what `explain` says of the finished run.
#[derive(Default)]
pub(super) struct ExplainedLog {
    short: ShortLog,
    /// Absent until the stack's settings are known.
    explainer: Option<Explainer>,
    /// The rules that have been said: each is said once.
    said: BTreeSet<String>,
}

impl ExplainedLog {
    fn lines(&mut self, at: Offset, step: &Step) -> Vec<Line> {
        let line = |text: String| Line { at, text, lasting: true };
        let whom = step.slot.map_or_else(|| "service".to_owned(), |slot| format!("slot {slot}"));
        let mut lines = vec![line(format!("    {whom}: {}", clean(&step.what)))];
        if !step.rule.is_empty() && self.said.insert(step.rule.clone()) {
            let setting = step.setting.map(|name| format!(" [{name}]")).unwrap_or_default();
            lines.push(line(format!("      why: {}{setting}", clean(&step.rule))));
        }
        lines
    }
}

impl RunLog for ExplainedLog {
    fn stamp(&self, at: Offset) -> String {
        self.short.stamp(at)
    }

    fn event(&mut self, event: &Event, before: Option<&TaskLine>, scene: &Scene) -> Vec<Line> {
        let mut lines = self.short.event(event, before, scene);
        if self.explainer.is_none() {
            self.explainer = scene.narrator.stack().map(Explainer::new);
        }
        if let Some(step) = self.explainer.as_mut().and_then(|explainer| explainer.tell(event)) {
            lines.extend(self.lines(event.at, &step));
        }
        lines
    }

    fn shot(&mut self, name: &str, shot: &Shot, scene: &Scene) -> Vec<Line> {
        self.short.shot(name, shot, scene)
    }

    fn advance(&mut self, now: Offset, scene: &Scene) -> Vec<Line> {
        self.short.advance(now, scene)
    }

    fn finish(&mut self, scene: &Scene) -> Vec<Line> {
        self.short.finish(scene)
    }

    fn line(&mut self, now: Offset, text: &str, scene: &Scene) -> Vec<Line> {
        self.short.line(now, text, scene)
    }
}
