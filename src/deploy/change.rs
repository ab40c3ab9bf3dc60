//! A change to a service.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stack::{ContentKind, Memory, ServiceBody, ServiceOption, image_fault};

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
    /// Another health check as the engine takes it, with the same timings.
    HealthTest {
        /// `CMD` or `CMD-SHELL`, and the words of the command.
        test: Vec<String>,
    },
    /// Other arguments of the image's entrypoint.
    Args {
        /// The arguments.
        args: Vec<String>,
    },
    /// One label of the service.
    Label {
        /// Its name.
        key: String,
        /// Its value.
        value: String,
    },
    /// Another number of replicas.
    Replicas {
        /// How many.
        replicas: u64,
    },
    /// One more placement constraint.
    Constraint {
        /// Such as `node.role==worker`.
        constraint: String,
    },
    /// Another amount of memory that a node must have free for a task.
    ReserveMemory {
        /// In bytes.
        bytes: u64,
    },
    /// Another amount of memory that a task may use.
    LimitMemory {
        /// In bytes.
        bytes: u64,
    },
    /// One more config, which must exist.
    Config {
        /// Its id, once it is known.
        id: String,
        /// Its name.
        name: String,
    },
    /// Any other option.
    Option(ServiceOption),
    /// One more secret, which must exist.
    Secret {
        /// Its id, once it is known.
        id: String,
        /// Its name.
        name: String,
    },
}

impl Change {
    /// Reads `NAME=VALUE`, the name being that of an option of `docker service update`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
        let value = value.to_owned();
        if value.is_empty() {
            return Err(format!("`{name}` needs a value"));
        }
        match name {
            "image" => match image_fault(&value) {
                Some(why) => Err(format!("image: `{value}`: {why}")),
                None => Ok(Self::Image { image: value }),
            },
            "health-cmd" => Ok(Self::HealthCmd { command: value }),
            "env-add" => match value.split_once('=') {
                Some((key, value)) if !key.is_empty() => {
                    Ok(Self::Env { key: key.to_owned(), value: value.to_owned() })
                }
                _ => Err("write env-add=KEY=VALUE".to_owned()),
            },
            name => ServiceOption::parse(name, &value).map(Self::Option).map_err(|why| {
                // What is wrong with a name says so itself.
                if why.starts_with("there is no setting") || why.contains(&format!("`{name}`")) {
                    why
                } else {
                    format!("{name}: {why}")
                }
            }),
        }
    }

    /// What it sets, if a second change to that would undo it: `replicas`, `env KEY`. What adds to a list
    /// or takes from it does not.
    #[must_use]
    pub fn sets(&self) -> Option<String> {
        match self {
            Self::Image { .. } => Some("image".to_owned()),
            Self::Env { key, .. } => Some(format!("env {key}")),
            Self::HealthCmd { .. } | Self::HealthTest { .. } => Some("health-cmd".to_owned()),
            Self::Option(option) => option.sets(),
            _ => None,
        }
    }

    /// The config or secret that it adds, which must exist.
    #[must_use]
    pub fn adds(&self) -> Option<(ContentKind, &str)> {
        match self {
            Self::Option(option) => option.adds(),
            _ => None,
        }
    }

    /// Why the change cannot be made to this service, if so.
    #[must_use]
    pub fn misfit(&self, body: &ServiceBody) -> Option<&'static str> {
        let number = match self {
            Self::Replicas { .. } => true,
            Self::Option(option) => option.name == "replicas",
            _ => false,
        };
        (number && body.replicas().is_none())
            .then_some("runs one task on each node: it has no number of replicas to set")
    }

    /// Applies the change to a body.
    pub fn apply(&self, body: &mut ServiceBody) {
        match self {
            Self::Force => body.set_force_update(body.force_update() + 1),
            Self::Image { image } => body.set_image(image),
            Self::Env { key, value } => body.set_env(key, value),
            Self::HealthCmd { command } => body.set_health_cmd(command),
            Self::HealthTest { test } => body.set_health_test(test),
            Self::Args { args } => body.set_args(args),
            Self::Label { key, value } => body.set_label(key, value),
            Self::Replicas { replicas } => body.set_replicas(*replicas),
            Self::Constraint { constraint } => body.add_constraint(constraint),
            Self::ReserveMemory { bytes } => body.set_memory(Memory::Reservation, *bytes),
            Self::LimitMemory { bytes } => body.set_memory(Memory::Limit, *bytes),
            Self::Config { id, name } => body.add_content(ContentKind::Config, id, name),
            Self::Option(option) => option.apply(body),
            Self::Secret { id, name } => body.add_content(ContentKind::Secret, id, name),
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
            Self::HealthTest { test } => write!(f, "healthcheck.test {test:?}"),
            Self::Args { args } => write!(f, "--args \"{}\"", args.join(" ")),
            Self::Label { key, value } => write!(f, "--label-add {key}={value}"),
            Self::Replicas { replicas } => write!(f, "--replicas {replicas}"),
            Self::Constraint { constraint } => write!(f, "--constraint-add {constraint}"),
            Self::ReserveMemory { bytes } => write!(f, "--reserve-memory {bytes}"),
            Self::LimitMemory { bytes } => write!(f, "--limit-memory {bytes}"),
            Self::Config { name, .. } => write!(f, "--config-add {name}"),
            Self::Option(option) => write!(f, "{option}"),
            Self::Secret { name, .. } => write!(f, "--secret-add {name}"),
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
