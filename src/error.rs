//! The error type: a kind that decides the exit code, a message, a cause, hints and a place.

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitCode;

use crate::exit_code;
use crate::place::Place;

/// A result whose error can be shown to the user.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure. Each kind has a documented exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// An expectation was not met, or a deployment did not converge (exit 1).
    Failed,
    /// An invalid command line (exit 2).
    Usage,
    /// A stack file that is missing or invalid (exit 2).
    Stack,
    /// A missing engine, swarm or permission, a port in use, a failed build, a full disk (exit 4).
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
            Self::Environment => exit_code::ENVIRONMENT,
            Self::Interrupted => exit_code::INTERRUPTED,
        }
    }
}

/// An error to show to the user: a lowercase fragment without a full stop, optionally with a
/// cause, hints and the place in the user's file.
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
    others: Vec<Error>,
}

impl Error {
    /// An error of `kind` with a message that fits after "error:".
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                cause: None,
                hints: Vec::new(),
                place: None,
                others: Vec::new(),
            }),
        }
    }

    /// An expectation that was not met.
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// An invalid command line.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// A stack file that cannot be used.
    pub fn stack(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Stack, message)
    }

    /// Something that the machine lacks or refuses.
    pub fn environment(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Environment, message)
    }

    /// The user stopped the command.
    pub fn interrupted(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Interrupted, message)
    }

    /// Adds the error that caused this one.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.cause = Some(cause.into());
        self
    }

    /// Adds a hint: what the user can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hints.push(hint.into());
        self
    }

    /// Adds the place in the user's file that the error is about.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.inner.place = Some(place);
        self
    }

    /// Adds another error that was found at the same time.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.inner.others.push(other);
        self
    }

    /// This error and those that were found at the same time.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.inner.others)
    }

    /// The message and its direct cause on one line.
    #[must_use]
    pub fn with_cause(&self) -> String {
        match self.source() {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }

    /// The kind of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The message, without cause, hints and place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The hints: what the user can do about it.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }

    /// The place in the user's file that the error is about, if there is one.
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
