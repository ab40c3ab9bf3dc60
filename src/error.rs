//! The one error type: a kind that decides the exit code, a message, a cause, hints, a place.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use crate::exit_code;
use crate::place::Place;

/// A result whose error can be shown to the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is. Each kind has one documented exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An expectation was broken, or a deployment did not converge (exit 1).
    Failed,
    /// Wrong command line (exit 2).
    Usage,
    /// A stack file that is missing or invalid (exit 2).
    Stack,
    /// The measurement cannot be trusted (exit 3).
    Inconclusive,
    /// No engine, no swarm, no rights, a failed build, a full disk (exit 4).
    Environment,
    /// Stopped by the user (exit 130).
    Interrupted,
}

impl ErrorKind {
    /// The process's exit code for this kind, as documented in the README.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Failed => exit_code::FAIL,
            Self::Usage | Self::Stack => exit_code::USAGE,
            Self::Inconclusive => exit_code::INCONCLUSIVE,
            Self::Environment => exit_code::ENVIRONMENT,
            Self::Interrupted => exit_code::INTERRUPTED,
        }
    }
}

/// An error to be shown to the user: a lowercase fragment without a full stop, which may
/// carry the cause, hints and the place in the user's file.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    hints: Vec<String>,
    place: Option<Place>,
}

impl Error {
    /// An error of `kind` with a message that fits after "failed to" or "error:".
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                cause: None,
                hints: Vec::new(),
                place: None,
            }),
        }
    }

    /// An expectation that was broken.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A stack file that cannot be used.
    pub fn stack(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Stack, message)
    }

    /// Something the machine lacks or refuses.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message)
    }

    /// The user stopped the program.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Interrupted, message)
    }

    /// The same error with the error that caused it.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.cause = Some(cause.into());
        self
    }

    /// The same error with one more hint: what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hints.push(hint.into());
        self
    }

    /// The same error with the place in the user's file that it is about.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.inner.place = Some(place);
        self
    }

    /// The message and its direct cause, for a record that keeps one line.
    #[must_use]
    pub fn with_cause(&self) -> String {
        match self.source() {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// What sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The message alone, without cause, hints and place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What the user can do about it.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }

    /// The place in the user's file, if the error is about one.
    #[must_use]
    pub fn place(&self) -> Option<&Place> {
        self.inner.place.as_ref()
    }

    /// The process's exit code for this error.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.inner.kind.exit_code())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}
