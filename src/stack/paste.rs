//! Settings as lines to paste into a service of a stack file.

/// A setting of a service and the value that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paste {
    /// Its name, as in [`Stack::setting_places`](super::Stack::setting_places):
    /// `update_config.order`, `healthcheck.test`.
    pub name: &'static str,
    /// As YAML.
    pub value: String,
    /// A line above it.
    pub comment: Option<&'static str>,
}

/// What stands in a service's `deploy` block.
const IN_DEPLOY: [&str; 7] = [
    "update_config",
    "rollback_config",
    "restart_policy",
    "placement",
    "resources",
    "replicas",
    "endpoint_mode",
];

impl Paste {
    /// A setting without a comment.
    #[must_use]
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), comment: None }
    }

    /// Its own key, the last part of its name.
    pub(super) fn key(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }

    /// Where it stands in the service.
    fn path(&self) -> Vec<&'static str> {
        let deploy = self.is_in_deploy().then_some("deploy");
        deploy.into_iter().chain(self.name.split('.')).collect()
    }

    /// Whether it stands in the `deploy` block.
    #[must_use]
    pub fn is_in_deploy(&self) -> bool {
        let block = self.name.split('.').next().unwrap_or_default();
        IN_DEPLOY.contains(&block)
    }

    /// The block of the service that the lines of these settings belong into: its `deploy` block,
    /// else the `service` itself.
    #[must_use]
    pub fn block(settings: &[Self]) -> &'static str {
        let deploy = settings.iter().all(|setting| setting.path()[0] == "deploy");
        if deploy { "deploy" } else { "service" }
    }

    /// The lines of these settings, to paste into [`Paste::block`].
    #[must_use]
    pub fn lines(settings: &[Self]) -> Vec<String> {
        let skip = usize::from(Self::block(settings) == "deploy");
        Self::lines_below(settings, skip)
    }

    /// The same, to paste into the service itself.
    pub(super) fn lines_of_service(settings: &[Self]) -> Vec<String> {
        Self::lines_below(settings, 0)
    }

    fn lines_below(settings: &[Self], skip: usize) -> Vec<String> {
        let mut lines = Vec::new();
        let mut open: Vec<&str> = Vec::new();
        for setting in settings {
            let path = &setting.path()[skip..];
            let (key, parents) = path.split_last().unwrap_or((&"", &[]));
            let common = parents.iter().zip(&open).take_while(|(one, other)| one == other).count();
            for (depth, parent) in parents.iter().enumerate().skip(common) {
                lines.push(format!("{:1$}{parent}:", "", 2 * depth));
            }
            open = parents.to_vec();
            let indent = 2 * parents.len();
            if let Some(comment) = setting.comment {
                lines.push(format!("{:indent$}# {comment}", ""));
            }
            lines.push(format!("{:indent$}{key}: {}", "", setting.value));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_one_block_are_one_block() {
        let settings = [
            Paste::new("update_config.order", "start-first"),
            Paste::new("update_config.monitor", "9s"),
            Paste::new("rollback_config.order", "start-first"),
        ];
        assert_eq!(Paste::block(&settings), "deploy");
        let expected = [
            "update_config:",
            "  order: start-first",
            "  monitor: 9s",
            "rollback_config:",
            "  order: start-first",
        ];
        assert_eq!(Paste::lines(&settings), expected);
    }

    #[test]
    fn settings_outside_of_deploy_are_lines_of_the_service() {
        let test = Paste { comment: Some("or another one"), ..Paste::new("healthcheck.test", "x") };
        let settings = [Paste::new("update_config.order", "start-first"), test];
        assert_eq!(Paste::block(&settings), "service");
        let expected = [
            "deploy:",
            "  update_config:",
            "    order: start-first",
            "healthcheck:",
            "  # or another one",
            "  test: x",
        ];
        assert_eq!(Paste::lines(&settings), expected);
        let grace = [Paste::new("stop_grace_period", "5s")];
        assert_eq!(Paste::block(&grace), "service");
        assert_eq!(Paste::lines(&grace), ["stop_grace_period: 5s"]);
    }
}
