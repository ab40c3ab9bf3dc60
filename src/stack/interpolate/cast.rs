//! The places where an interpolated string becomes a number or a boolean.

use crate::stack::golang;
use crate::stack::node::Value;

/// What an interpolated string becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cast {
    Int,
    Float,
    Bool,
}

/// The casts by path. `*` is any key, `[]` any item of a list.
const CASTS: &[(&str, Cast)] = &[
    ("services.*.configs.[].mode", Cast::Int),
    ("services.*.secrets.[].mode", Cast::Int),
    ("services.*.healthcheck.retries", Cast::Int),
    ("services.*.healthcheck.disable", Cast::Bool),
    ("services.*.deploy.replicas", Cast::Int),
    ("services.*.deploy.update_config.parallelism", Cast::Int),
    ("services.*.deploy.update_config.max_failure_ratio", Cast::Float),
    ("services.*.deploy.rollback_config.parallelism", Cast::Int),
    ("services.*.deploy.rollback_config.max_failure_ratio", Cast::Float),
    ("services.*.deploy.restart_policy.max_attempts", Cast::Int),
    ("services.*.deploy.placement.max_replicas_per_node", Cast::Int),
    ("services.*.ports.[].target", Cast::Int),
    ("services.*.ports.[].published", Cast::Int),
    ("services.*.ulimits.*", Cast::Int),
    ("services.*.ulimits.*.hard", Cast::Int),
    ("services.*.ulimits.*.soft", Cast::Int),
    ("services.*.privileged", Cast::Bool),
    ("services.*.oom_score_adj", Cast::Int),
    ("services.*.read_only", Cast::Bool),
    ("services.*.stdin_open", Cast::Bool),
    ("services.*.tty", Cast::Bool),
    ("services.*.volumes.[].read_only", Cast::Bool),
    ("services.*.volumes.[].volume.nocopy", Cast::Bool),
    ("networks.*.external", Cast::Bool),
    ("networks.*.internal", Cast::Bool),
    ("networks.*.attachable", Cast::Bool),
    ("volumes.*.external", Cast::Bool),
    ("secrets.*.external", Cast::Bool),
    ("configs.*.external", Cast::Bool),
];

/// The cast for a path. The client splits the joined path at its dots, so nothing is cast below a
/// service whose name has a dot.
pub(super) fn for_path(path: &str) -> Option<Cast> {
    CASTS.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, cast)| *cast)
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('.'), path.split('.'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(part), Some(key)) if part == "*" || part == key => {}
            _ => return false,
        }
    }
}

impl Cast {
    /// The value of a string.
    ///
    /// # Errors
    /// The client's message for a string that cannot be cast.
    pub(super) fn apply(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Int => golang::atoi(text)
                .map(Value::Int)
                .ok_or_else(|| format!("strconv.Atoi: parsing {text:?}: invalid syntax")),
            Self::Float => golang::parse_float(text)
                .map(Value::Float)
                .ok_or_else(|| format!("strconv.ParseFloat: parsing {text:?}: invalid syntax")),
            Self::Bool => match text.to_lowercase().as_str() {
                "y" | "yes" | "true" | "on" => Ok(Value::Bool(true)),
                "n" | "no" | "false" | "off" => Ok(Value::Bool(false)),
                _ => Err(format!("invalid boolean: {text}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(for_path("services.a.deploy.replicas"), Some(Cast::Int));
        assert_eq!(for_path("services.a.ulimits.nofile.soft"), Some(Cast::Int));
        assert_eq!(for_path("services.a.b.deploy.replicas"), None);
        assert_eq!(for_path("services.a.init"), None);
        assert_eq!(for_path("networks.n.external"), Some(Cast::Bool));
    }

    #[test]
    fn values() {
        assert!(matches!(Cast::Bool.apply("YES"), Ok(Value::Bool(true))));
        assert!(Cast::Bool.apply("1").is_err());
        assert!(matches!(Cast::Int.apply("0440"), Ok(Value::Int(440))));
        assert!(Cast::Int.apply("").is_err());
        assert!(Cast::Float.apply("x").is_err());
    }
}
