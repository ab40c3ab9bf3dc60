//! A change that helps: settings of the stack file where some help, else a sentence.

use crate::record::StackFacts;
use crate::remedy::Remedy;
use crate::stack::Paste;

/// One change that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Set these in the stack file.
    Set(Remedy),
    /// Something that no setting does.
    Text {
        /// The setting that it is about, if it is about one.
        about: Option<&'static str>,
        /// The rule that is about it, if there is one.
        rule: Option<&'static str>,
        text: String,
    },
}

impl Fix {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text { about: None, rule: None, text: text.into() }
    }

    pub(super) fn about(setting: &'static str, text: impl Into<String>) -> Self {
        Self::Text { about: Some(setting), rule: None, text: text.into() }
    }

    /// A remedy for the setting, which is a sentence if it has no lines.
    pub(super) fn of(setting: &'static str, remedy: Remedy) -> Self {
        if remedy.settings.is_empty() {
            return Self::about(setting, remedy.because).by(remedy.rule);
        }
        Self::Set(remedy)
    }

    /// The same, with the rule that is about it.
    pub(super) fn by(mut self, number: &'static str) -> Self {
        if let Self::Text { rule, .. } = &mut self {
            *rule = Some(number);
        }
        self
    }

    /// The rule of `lint` that is about it, if there is one.
    pub(super) fn rule(&self) -> Option<&'static str> {
        match self {
            Self::Set(remedy) => Some(remedy.rule),
            Self::Text { rule, .. } => *rule,
        }
    }

    /// The setting that decides, if it is one.
    pub(super) fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Set(remedy) => remedy.settings.first().map(|setting| setting.name),
            Self::Text { .. } => None,
        }
    }

    /// As one sentence, for a check's remedy.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Set(Remedy { settings, because, .. }) => {
                let all: Vec<String> = settings
                    .iter()
                    .map(|setting| format!("`{}: {}`", setting.name, setting.value))
                    .collect();
                format!("set {}: {because}", crate::wording::list(&all))
            }
            Self::Text { text, .. } => text.clone(),
        }
    }

    /// The block of the service that the lines belong into. None if there are no lines.
    pub(super) fn block(&self) -> Option<&'static str> {
        match self {
            Self::Set(remedy) => Some(Paste::block(&remedy.settings)),
            Self::Text { .. } => None,
        }
    }

    /// The lines to paste into that block.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Set(remedy) => Paste::lines(&remedy.settings),
            Self::Text { .. } => Vec::new(),
        }
    }

    /// What to do, where there are no lines to paste.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Set(_) => None,
            Self::Text { text, .. } => Some(text.clone()),
        }
    }

    /// Where the stack file has the setting, else its block, else the service.
    pub(super) fn place(&self, stack: &StackFacts) -> Option<String> {
        let setting = match self {
            Self::Set(_) => self.setting()?,
            Self::Text { about, .. } => (*about)?,
        };
        let block = setting.split_once('.').map_or(setting, |(block, _)| block);
        let places = &stack.places;
        places.get(setting).or_else(|| places.get(block)).or_else(|| places.get("service")).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::meta;
    use crate::remedy::roll_back;

    #[test]
    fn a_place_is_the_settings_own_else_its_blocks_else_the_services() {
        let stack = meta(&[]).stack;
        let fix = Fix::Set(roll_back(&stack.update_config, &stack.rollback_config));
        let mut stack = meta(&[]).stack;
        assert_eq!(fix.place(&stack), None);
        for (key, place) in [
            ("service", "stack.yml:2"),
            ("update_config", "stack.yml:20"),
            ("update_config.failure_action", "stack.yml:23"),
        ] {
            stack.places.insert(key.to_owned(), place.to_owned());
            assert_eq!(fix.place(&stack).as_deref(), Some(place));
        }
    }
}
