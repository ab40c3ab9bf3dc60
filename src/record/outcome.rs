//! How a request ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a request ended. Everything but [`Outcome::Ok`] and [`Outcome::Unsent`] is a failure
/// a user would have noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The expected answer, whole and within the deadline.
    Ok,
    /// The expected answer, but after the deadline.
    Late,
    /// The name could not be resolved.
    NameLookup,
    /// Connection refused.
    Refused,
    /// No route to the host or network.
    NoRoute,
    /// No connection before the time limit.
    ConnectTimeout,
    /// Connected, then closed or reset before the first byte of the answer.
    Reset,
    /// The answer broke off in its headers or body.
    Cut,
    /// Connected, but the answer was not complete before the time limit.
    Timeout,
    /// 502 made by the proxy.
    Proxy502,
    /// 503 made by the proxy.
    Proxy503,
    /// 504 made by the proxy.
    Proxy504,
    /// A 5xx status made by the application.
    AppError,
    /// Another status than the expected one.
    WrongStatus,
    /// Another body than the expected one.
    WrongBody,
    /// An answer of a version that should not answer.
    WrongVersion,
    /// Never sent: too many requests were in flight, or this machine had no socket or no time
    /// for it. Not a failure of the service, but the measurement has a hole there.
    Unsent,
}

impl Outcome {
    /// Every outcome, in order.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Late,
        Self::NameLookup,
        Self::Refused,
        Self::NoRoute,
        Self::ConnectTimeout,
        Self::Reset,
        Self::Cut,
        Self::Timeout,
        Self::Proxy502,
        Self::Proxy503,
        Self::Proxy504,
        Self::AppError,
        Self::WrongStatus,
        Self::WrongBody,
        Self::WrongVersion,
        Self::Unsent,
    ];

    /// Whether a user would have noticed.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::Unsent)
    }

    /// The word used in records and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::NameLookup => "name-lookup",
            Self::Refused => "refused",
            Self::NoRoute => "no-route",
            Self::ConnectTimeout => "connect-timeout",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Timeout => "timeout",
            Self::Proxy502 => "proxy502",
            Self::Proxy503 => "proxy503",
            Self::Proxy504 => "proxy504",
            Self::AppError => "app-error",
            Self::WrongStatus => "wrong-status",
            Self::WrongBody => "wrong-body",
            Self::WrongVersion => "wrong-version",
            Self::Unsent => "unsent",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
