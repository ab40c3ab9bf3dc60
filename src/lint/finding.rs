//! What a rule finds.

use serde::Serialize;

use super::rule::{Rule, Severity};
use crate::remedy::Remedy;
use crate::stack::Paste;
use crate::{Offset, Place};

/// What a rule says of a service, before its place is known.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) message: String,
    pub(super) severity: Option<Severity>,
    /// The settings that it is about; the first one that the files set is its place.
    pub(super) about: Vec<&'static str>,
    pub(super) figures: Vec<Figure>,
    pub(super) settings: Vec<Paste>,
    /// Why the settings help.
    pub(super) because: Option<&'static str>,
    pub(super) text: Option<String>,
}

impl Draft {
    /// Something about a setting.
    pub(super) fn new(about: &'static str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            severity: None,
            about: vec![about],
            figures: Vec::new(),
            settings: Vec::new(),
            because: None,
            text: None,
        }
    }

    /// Another setting that it is about, if the files do not set those before.
    pub(super) fn or_about(mut self, about: &'static str) -> Self {
        self.about.push(about);
        self
    }

    /// Less serious than the rule can be.
    pub(super) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// A derived figure; times in seconds.
    pub(super) fn figure(mut self, name: &'static str, value: f64) -> Self {
        self.figures.push(Figure { name, value });
        self
    }

    /// A derived time, if there is one.
    pub(super) fn time(self, name: &'static str, value: impl Into<Option<Offset>>) -> Self {
        match value.into() {
            Some(value) => self.figure(name, value.as_secs_f64()),
            None => self,
        }
    }

    /// A derived count, if there is one.
    #[expect(clippy::cast_precision_loss, reason = "a number of replicas")]
    pub(super) fn count(self, name: &'static str, value: impl Into<Option<u64>>) -> Self {
        match value.into() {
            Some(value) => self.figure(name, value as f64),
            None => self,
        }
    }

    /// A setting that helps.
    pub(super) fn set(self, name: &'static str, value: impl Into<String>) -> Self {
        self.set_all([Paste::new(name, value)])
    }

    /// Settings that help together.
    pub(super) fn set_all(mut self, settings: impl IntoIterator<Item = Paste>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// What helps, as the judge says it too.
    pub(super) fn remedy(mut self, remedy: Remedy) -> Self {
        if remedy.settings.is_empty() {
            return self.help(remedy.because);
        }
        self.because.get_or_insert(remedy.because);
        self.set_all(remedy.settings)
    }

    /// What helps, where lines alone do not.
    pub(super) fn help(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }
}

/// A figure that was computed for a finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// What it is; times end in `_s` and are in seconds.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
}

/// A change that helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The block of the service that the lines belong into: `deploy` or `service`; absent if there
    /// are none.
    pub block: Option<&'static str>,
    /// The lines, in YAML.
    pub lines: Vec<String>,
    /// Why they help, to follow a colon; absent where the message says so already.
    pub because: Option<&'static str>,
    /// What to do instead, or besides.
    pub text: Option<String>,
}

/// What a rule found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How serious it is here.
    pub severity: Severity,
    /// The service, without a stack's prefix; absent for what is about the file.
    pub service: Option<String>,
    /// What was found: one sentence without a full stop.
    pub message: String,
    /// What was computed.
    pub figures: Vec<Figure>,
    /// What helps.
    pub fix: Fix,
    /// Where it is.
    pub place: Place,
}

impl Finding {
    pub(super) fn new(
        rule: &'static Rule,
        service: Option<String>,
        draft: Draft,
        place: Place,
    ) -> Self {
        let Draft { message, severity, figures, settings, because, text, .. } = draft;
        let some = !settings.is_empty();
        Self {
            rule,
            severity: severity.unwrap_or(rule.severity),
            service,
            message,
            figures,
            fix: Fix {
                block: some.then(|| Paste::block(&settings)),
                lines: Paste::lines(&settings),
                because,
                text,
            },
            place,
        }
    }
}

impl Finding {
    /// The service and what was found in it.
    #[must_use]
    pub fn sentence(&self) -> String {
        match &self.service {
            Some(service) => format!("{service}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

/// A finding that the file tells the linter to ignore.
#[derive(Debug, Clone)]
pub struct Ignored {
    /// What was found.
    pub finding: Finding,
    /// Why it is ignored, in the file's words.
    pub reason: String,
}

/// Everything that was found in a stack, in the order of the files.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// What was found.
    pub list: Vec<Finding>,
    /// What was found and is ignored.
    pub ignored: Vec<Ignored>,
    /// The services that were looked at.
    pub services: usize,
}

impl Findings {
    /// How many there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.severity == severity).count()
    }
}
