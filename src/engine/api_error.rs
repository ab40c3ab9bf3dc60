//! What an engine answers when it refuses, and how that is told.

use std::fmt;

use crate::error::Error;

/// A refusal by the engine, or a failure on the way to it.
#[derive(Debug)]
pub(super) struct ApiError {
    /// HTTP status; absent when no answer came.
    pub(super) status: Option<u16>,
    /// The engine's message, or what went wrong on the way.
    pub(super) message: String,
}

impl ApiError {
    /// A failure on the way.
    pub(super) fn unanswered(cause: impl fmt::Display) -> Self {
        Self { status: None, message: cause.to_string() }
    }

    /// Whether the thing asked for does not exist.
    pub(super) fn is_not_found(&self) -> bool {
        self.status == Some(404)
    }

    /// Whether somebody else changed the service since it was read. Engines say so with a 500
    /// or a 409 (see `UpdateService` in swarmkit), so the text decides.
    pub(super) fn is_out_of_sequence(&self) -> bool {
        self.message.contains("update out of sequence")
    }

    /// The error for the user: what was tried, what the engine said, what to do.
    pub(super) fn into_error(self, tried: impl Into<String>) -> Error {
        let text = self.message.clone();
        let error = Error::environment(tried).caused_by(self);
        if text.contains("not a swarm manager") {
            error.hint("`docker swarm init` makes this engine a manager; --init-swarm does it for the time of the run; --engine lab uses a private one")
        } else if text.contains("is already in use by service") {
            error.hint("another service publishes that port: choose another port in the stack file, or remove that service")
        } else if text.contains("permission denied") {
            error.hint("run as root or as a member of the docker group")
        } else {
            error
        }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => write!(f, "the engine answered {status}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for ApiError {}

impl From<bollard::errors::Error> for ApiError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error as Bollard;
        match error {
            Bollard::DockerResponseServerError { status_code, message } => {
                Self { status: Some(status_code), message: message.trim().to_owned() }
            }
            Bollard::DockerStreamError { error } => Self { status: None, message: error },
            Bollard::IOError { err } => Self::unanswered(err),
            Bollard::RequestTimeoutError => Self::unanswered("no answer in time"),
            other => Self::unanswered(other),
        }
    }
}
