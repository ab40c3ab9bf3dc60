//! `worker`: the options of the process that does the tasks of a queue.

use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::{Long, Short};

use crate::backends::redis::RedisUrl;
use crate::faults::Faults;
use crate::services::host_name;

use super::values::{Lookup, duration, pick, text, value, words_of};
use super::{Command, HELP, Refused};

/// The file that a worker touches while its event loop runs.
pub const LIVENESS_FILE: &str = "/tmp/celery_worker_event_loop_live";
/// The file that a worker has while it takes tasks.
pub const READINESS_FILE: &str = "/tmp/celery_worker_ready";
/// Where the queue is.
pub const BROKER: &str = "redis://localhost:6379/0";

/// How to work.
#[derive(Debug)]
pub struct Work {
    /// Touched at the start and every `beat`, removed at the end.
    pub liveness_file: PathBuf,
    /// There while tasks are taken.
    pub readiness_file: PathBuf,
    /// The Redis with the queue.
    pub broker: RedisUrl,
    /// The name that a ping asks for.
    pub name: String,
    /// The time between two touches of the liveness file.
    pub beat: Duration,
    /// The longest wait for an open task after the signal to stop.
    pub stop_timeout: Duration,
    /// The faults.
    pub faults: Faults,
}

/// The name of the worker on this machine.
pub fn worker_name(variable: Lookup) -> String {
    text(variable, "CELERY_WORKER_NAME").unwrap_or_else(|| format!("celery@{}", host_name()))
}

pub fn read(parser: &mut lexopt::Parser, variable: Lookup) -> Result<Command, Refused> {
    let (mut broker, mut beat, mut stop) = (None, None, None);
    let mut work = Work {
        liveness_file: LIVENESS_FILE.into(),
        readiness_file: READINESS_FILE.into(),
        broker: BROKER.parse()?,
        name: worker_name(variable),
        beat: Duration::from_secs(60),
        stop_timeout: Duration::from_secs(8),
        faults: Faults::read(variable)?,
    };
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Long("liveness-file") => work.liveness_file = value(parser)?.into(),
            Long("readiness-file") => work.readiness_file = value(parser)?.into(),
            Long("broker") => broker = Some(value(parser)?),
            Long("name") => work.name = value(parser)?,
            Long("beat") => beat = Some(value(parser)?),
            Long("stop-timeout") => stop = Some(value(parser)?),
            Short('h') | Long("help") => return Ok(Command::Print(HELP)),
            other => return Err(format!("invalid option '{}'", words_of(&other)).into()),
        }
    }
    if let Some(text) = broker.or_else(|| text(variable, "ROLLPROOF_CACHE_URL")) {
        // The text may contain a password.
        work.broker = text.parse().map_err(|error| format!("--broker: {error}"))?;
    }
    if let Some(beat) = beat {
        work.beat = duration(&beat).map_err(|error| format!("--beat {beat}: {error}"))?;
    }
    if let Some(limit) = pick("--stop-timeout", stop, "ROLLPROOF_STOP_TIMEOUT", variable, duration)?
    {
        work.stop_timeout = limit;
    }
    Ok(Command::Work(Box::new(work)))
}
