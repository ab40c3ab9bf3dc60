//! Waiting for companions to get somewhere.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::{Engine, TaskView};
use crate::error::{Error, Result};
use crate::swarm::TaskState;

const LOOK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A wait that is given up some time.
#[derive(Debug)]
pub(super) struct Waiting {
    within: Duration,
    deadline: Instant,
}

impl Waiting {
    /// A wait that begins now.
    pub fn at_most(within: Duration) -> Self {
        Self { within, deadline: Instant::now() + within }
    }

    /// Waits until it is time to look again.
    ///
    /// # Errors
    /// When the time is over: then with what is still missing.
    pub async fn for_next_look(&self, missing: &str) -> Result<()> {
        if Instant::now() >= self.deadline {
            let secs = self.within.as_secs();
            return Err(Error::environment(format!("gave up after {secs} s: {missing}")));
        }
        sleep(LOOK_EVERY).await;
        Ok(())
    }
}

/// The newest task of a service that was made with this force counter; else what is missing.
pub(super) async fn newest_task(
    engine: &Engine,
    service: &str,
    force: u64,
) -> Result<Result<TaskView, String>> {
    let tasks = engine.tasks(service).await?;
    let made = tasks
        .into_iter()
        .filter(|task| task.spec["ForceUpdate"].as_u64().unwrap_or(0) == force)
        .max_by_key(|task| task.created_at);
    Ok(made.ok_or_else(|| format!("service {service} has no task of the newest spec")))
}

/// Whether a task runs; else what is missing.
pub(super) fn runs(service: &str, task: &TaskView) -> Result<(), String> {
    if task.state == TaskState::Running {
        return Ok(());
    }
    let error = if task.error.is_empty() { &task.message } else { &task.error };
    Err(format!("the task of service {service} is {} ({error})", task.state))
}

/// Whether a URL answers with success; else what is missing.
pub(super) async fn answers(url: &str) -> Result<Result<(), String>> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(ANSWER_WITHIN)
        .build()
        .map_err(|error| Error::environment("cannot make an HTTP client").caused_by(error))?;
    Ok(match client.get(url).send().await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("{url} answers with status {}", answer.status())),
        Err(error) => Err(format!("{url} does not answer ({error})")),
    })
}
