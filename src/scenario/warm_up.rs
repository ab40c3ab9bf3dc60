//! Waiting until users could come in at all.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Asks `url` until it answers well ten times in a row: a proxy may run before it knows its
/// replicas. Nothing of this is measured.
///
/// # Errors
/// When it does not within `patience`; the last answer is told.
pub async fn warm_up(url: &str, patience: Duration, interrupt: &CancellationToken) -> Result<()> {
    let client = client()?;
    let deadline = Instant::now() + patience;
    let mut good = 0;
    let mut last = String::from("no answer yet");
    while good < 10 {
        if interrupt.is_cancelled() {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        if Instant::now() >= deadline {
            return Err(Error::failed(format!(
                "{url} does not answer with success although the stack has converged: {last}"
            ))
            .hint("is this where the stack's users come in? --url names another address"));
        }
        match timeout(ANSWER_WITHIN, client.get(url).send()).await {
            Ok(Ok(answer)) if answer.status().is_success() => good += 1,
            Ok(Ok(answer)) => (good, last) = (0, format!("status {}", answer.status())),
            Ok(Err(error)) => (good, last) = (0, root_cause(&error)),
            Err(_) => (good, last) = (0, format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
        }
        sleep(if good > 0 { Duration::from_millis(10) } else { ASK_EVERY }).await;
    }
    Ok(())
}

/// A client that follows nothing, repeats nothing and keeps nothing.
pub(super) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Error::environment("cannot make an HTTP client").caused_by(error))
}

pub(super) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
