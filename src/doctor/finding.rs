//! One thing that was looked for.

use std::fmt;

use serde::Serialize;

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is there.
    Ok,
    /// It is not as it should be, and something costs more or works less.
    Warning,
    /// It is not there.
    Missing,
}

/// One thing that was looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked for.
    pub name: &'static str,
    /// How it stands with it.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What its lack costs; empty if nothing is lacking.
    pub costs: String,
    /// What to do about it; empty if nothing is lacking.
    pub remedy: String,
}

impl Finding {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        let (costs, remedy) = (String::new(), String::new());
        Self { name, status: Status::Ok, found: found.into(), costs, remedy }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Warning, ..Self::ok(name, found) }
    }

    pub(super) fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Missing, ..Self::ok(name, found) }
    }

    pub(super) fn costs(self, costs: impl Into<String>) -> Self {
        Self { costs: costs.into(), ..self }
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: remedy.into(), ..self }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
        })
    }
}
