//! A change that helps: settings of the stack file where some help, else a sentence.

use crate::record::StackFacts;
pub(super) use crate::stack::Paste as Setting;

/// One change that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Set these in the stack file. The first one decides; the others have to go with it.
    Set {
        settings: Vec<Setting>,
        /// Why that helps, to follow a colon.
        why: &'static str,
    },
    /// Something that no setting does.
    Text {
        /// The setting that it is about, if it is about one.
        about: Option<&'static str>,
        text: String,
    },
}

impl Fix {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text { about: None, text: text.into() }
    }

    pub(super) fn about(setting: &'static str, text: impl Into<String>) -> Self {
        Self::Text { about: Some(setting), text: text.into() }
    }

    pub(super) fn set(name: &'static str, value: impl Into<String>, why: &'static str) -> Self {
        Self::Set { settings: vec![Setting::new(name, value)], why }
    }

    /// The same with more settings.
    pub(super) fn and(mut self, more: impl IntoIterator<Item = Setting>) -> Self {
        if let Self::Set { settings, .. } = &mut self {
            settings.extend(more);
        }
        self
    }

    /// The setting that decides, if it is one.
    pub(super) fn setting(&self) -> Option<&'static str> {
        match self {
            Self::Set { settings, .. } => settings.first().map(|setting| setting.name),
            Self::Text { .. } => None,
        }
    }

    /// As one sentence, for a check's remedy.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Set { settings, why } => {
                let all: Vec<String> = settings
                    .iter()
                    .map(|setting| format!("`{}: {}`", setting.name, setting.value))
                    .collect();
                format!("set {}: {why}", crate::wording::list(&all))
            }
            Self::Text { text, .. } => text.clone(),
        }
    }

    /// The block of the service that the lines belong into. None if there are no lines.
    pub(super) fn block(&self) -> Option<&'static str> {
        match self {
            Self::Set { settings, .. } => Some(Setting::block(settings)),
            Self::Text { .. } => None,
        }
    }

    /// The lines to paste into that block.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Set { settings, .. } => Setting::lines(settings),
            Self::Text { .. } => Vec::new(),
        }
    }

    /// What to do, where there are no lines to paste.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Set { .. } => None,
            Self::Text { text, .. } => Some(text.clone()),
        }
    }

    /// Where the stack file has the setting, else its block, else the service.
    pub(super) fn place(&self, stack: &StackFacts) -> Option<String> {
        let setting = match self {
            Self::Set { .. } => self.setting()?,
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

    #[test]
    fn settings_of_one_block_are_one_block() {
        let fix = Fix::set("update_config.order", "start-first", "why")
            .and([Setting::new("update_config.monitor", "9s")])
            .and([Setting::new("rollback_config.order", "start-first")]);
        assert_eq!(fix.block(), Some("deploy"));
        let expected = [
            "update_config:",
            "  order: start-first",
            "  monitor: 9s",
            "rollback_config:",
            "  order: start-first",
        ];
        assert_eq!(fix.lines(), expected);
    }

    #[test]
    fn settings_outside_of_deploy_are_lines_of_the_service() {
        let test =
            Setting { comment: Some("or another one"), ..Setting::new("healthcheck.test", "x") };
        let fix = Fix::set("update_config.order", "start-first", "why").and([test]);
        assert_eq!(fix.block(), Some("service"));
        let expected = [
            "deploy:",
            "  update_config:",
            "    order: start-first",
            "healthcheck:",
            "  # or another one",
            "  test: x",
        ];
        assert_eq!(fix.lines(), expected);
        let grace = Fix::set("stop_grace_period", "5s", "why");
        assert_eq!(
            (grace.block(), grace.lines()),
            (Some("service"), vec!["stop_grace_period: 5s".to_owned()])
        );
    }

    #[test]
    fn a_place_is_the_settings_own_else_its_blocks_else_the_services() {
        let fix = Fix::set("update_config.failure_action", "rollback", "why");
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
