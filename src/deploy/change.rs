//! A change to a service.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stack::ServiceBody;

/// A change to a service, as an option of `docker service update`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// Replace every task although the settings stay the same.
    Force,
    /// Another image.
    Image {
        /// The reference.
        image: String,
    },
    /// One environment variable.
    Env {
        /// Its name.
        key: String,
        /// Its value, which is never shown.
        value: String,
    },
    /// Another health check command, with the same timings.
    HealthCmd {
        /// The shell command.
        command: String,
    },
}

impl Change {
    /// Applies the change to a body.
    pub fn apply(&self, body: &mut ServiceBody) {
        match self {
            Self::Force => body.set_force_update(body.force_update() + 1),
            Self::Image { image } => body.set_image(image),
            Self::Env { key, value } => body.set_env(key, value),
            Self::HealthCmd { command } => body.set_health_cmd(command),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Force => f.write_str("--force (restart all tasks with the same settings)"),
            Self::Image { image } => write!(f, "--image {image}"),
            Self::Env { key, .. } => write!(f, "--env {key}=…"),
            Self::HealthCmd { command } => write!(f, "--health-cmd \"{command}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_environment_value_is_never_shown() {
        let change = Change::Env { key: "TOKEN".into(), value: "hunter2".into() };
        assert_eq!(change.to_string(), "--env TOKEN=…");
    }

    #[test]
    fn force_raises_the_counter_and_changes_nothing_else() {
        let mut body = ServiceBody::new(json!({"Name": "a", "TaskTemplate": {"ForceUpdate": 3}}));
        Change::Force.apply(&mut body);
        assert_eq!(
            body,
            ServiceBody::new(json!({"Name": "a", "TaskTemplate": {"ForceUpdate": 4}}))
        );
    }
}
