//! Waiting for companions to start and respond.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::{Engine, TaskView};
use crate::error::{Error, Result};
use crate::swarm::TaskState;
use crate::wording::span;

/// The time between two checks.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// How long a target may take to respond to one request.
const RESPONSE_WITHIN: Duration = Duration::from_secs(2);

/// A wait with a time limit.
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

    /// Waits until it is time to check again.
    ///
    /// # Errors
    /// When the time is up, with what is still missing.
    pub async fn next_check(&self, missing: &str) -> Result<()> {
        if Instant::now() >= self.deadline {
            let within = span(self.within.into());
            return Err(Error::environment(format!("timed out after {within}: {missing}")));
        }
        sleep(CHECK_EVERY).await;
        Ok(())
    }
}

/// The newest task of a service with this force counter; else what is missing.
pub(super) async fn newest_task(
    engine: &Engine,
    service: &str,
    force: u64,
) -> Result<Result<TaskView, String>> {
    let tasks = engine.tasks(service).await?;
    let newest = tasks
        .into_iter()
        .filter(|task| task.spec["ForceUpdate"].as_u64().unwrap_or(0) == force)
        .max_by_key(|task| task.created_at);
    Ok(newest.ok_or_else(|| format!("service {service} has no task of the newest spec")))
}

/// Whether a task is running; else what is missing.
pub(super) fn is_running(service: &str, task: &TaskView) -> Result<(), String> {
    if task.state == TaskState::Running {
        return Ok(());
    }
    let error = if task.error.is_empty() { &task.message } else { &task.error };
    Err(format!("the task of service {service} is {} ({error})", task.state))
}

/// The HTTP client for [`responds`].
///
/// # Errors
/// When it cannot be created.
pub(super) fn http_client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(RESPONSE_WITHIN)
        // Each check must reach the target that is there now.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Error::environment("cannot create an HTTP client").caused_by(error))
}

/// Whether a URL responds with success; else what is missing.
pub(super) async fn responds(client: &reqwest::Client, url: &str) -> Result<(), String> {
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(format!("{url} responds with status {}", response.status())),
        Err(error) => Err(format!("{url} does not respond ({error})")),
    }
}
