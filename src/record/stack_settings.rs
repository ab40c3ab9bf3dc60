//! The settings that decide an update, by name and in plain words.

use super::StackFacts;
use crate::swarm::UpdatePolicy;
use crate::wording::{percent, setting};

impl StackFacts {
    /// The settings that decide an update, with the engine's defaults filled in. The names are the
    /// keys of [`StackFacts::places`].
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut rows = vec![("replicas".to_owned(), self.replicas.to_string())];
        let policies =
            [("update_config", &self.update_config), ("rollback_config", &self.rollback_config)];
        for (block, policy) in policies {
            rows.extend(values(policy).map(|(key, value)| (format!("{block}.{key}"), value)));
        }
        let Some(check) = &self.healthcheck else {
            rows.push(("healthcheck".to_owned(), "none".to_owned()));
            return rows;
        };
        let test =
            if check.test.is_empty() { "the image's".to_owned() } else { check.test.join(" ") };
        let values = [
            ("test", test),
            ("interval", setting(check.interval)),
            ("timeout", setting(check.timeout)),
            ("retries", check.retries.to_string()),
            ("start_period", setting(check.start_period)),
        ];
        rows.extend(values.map(|(key, value)| (format!("healthcheck.{key}"), value)));
        rows
    }
}

fn values(policy: &UpdatePolicy) -> [(&'static str, String); 6] {
    let parallelism = match policy.parallelism {
        0 => "0 (all at once)".to_owned(),
        number => number.to_string(),
    };
    [
        ("parallelism", parallelism),
        ("order", policy.order.to_string()),
        ("delay", setting(policy.delay)),
        ("monitor", setting(policy.monitor)),
        ("failure_action", policy.failure_action.to_string()),
        ("max_failure_ratio", percent(policy.max_failure_ratio)),
    ]
}
