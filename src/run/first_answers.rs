//! Asking a service before anything is measured: whether it answers at all, and which streams it
//! can answer.

use std::time::{Duration, Instant as StdInstant};

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::probe::StreamPlan;

/// How long users may need to get their first good responses after the stack has converged: a
/// proxy that resolves names once a minute, as some do, gets its minute.
const FIRST_WITHIN: Duration = Duration::from_secs(75);
const ASK_EVERY: Duration = Duration::from_millis(100);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A slower response tests no update any more.
const SLOW_AT_MOST: Duration = Duration::from_secs(60);
/// A proxy may answer well once and then ask a replica that it does not know yet.
const GOOD_IN_A_ROW: u32 = 10;

/// Asks `url` until it answers well ten times in a row. Nothing of this is measured.
///
/// # Errors
/// When it does not in time, with the last response, or when the user stops the run.
pub(super) async fn first_answers(url: &str, interrupt: &CancellationToken) -> Result<()> {
    let client = client()?;
    let deadline = Instant::now() + FIRST_WITHIN;
    let mut good = 0;
    let mut last = String::from("no response yet");
    while good < GOOD_IN_A_ROW {
        if interrupt.is_cancelled() {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        if Instant::now() >= deadline {
            let within = FIRST_WITHIN.as_secs();
            return Err(Error::failed(format!(
                "no good response from {url} within {within} s: {last}"
            ))
            .hint(
                "the stack has converged; if its users ask another address, name it with --url",
            ));
        }
        match timeout(ANSWER_WITHIN, client.get(url).send()).await {
            Ok(Ok(answer)) if answer.status().is_success() => good += 1,
            Ok(Ok(answer)) => (good, last) = (0, format!("status {}", answer.status())),
            Ok(Err(error)) => (good, last) = (0, root_cause(&error)),
            Err(_) => (good, last) = (0, format!("timeout after {} s", ANSWER_WITHIN.as_secs())),
        }
        sleep(if good > 0 { Duration::from_millis(10) } else { ASK_EVERY }).await;
    }
    Ok(())
}

/// How long one good response to a stream's request took, or why there was none.
///
/// # Errors
/// When the user stops the run.
pub(super) async fn one_answer(
    plan: &StreamPlan,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<Duration, String>> {
    let (method, url) = (plan.method.to_http(), plan.url());
    let begun = StdInstant::now();
    let request = client()?.request(method.clone(), url).body(plan.body.clone()).send();
    let answer = tokio::select! {
        () = interrupt.cancelled() => {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        answer = timeout(SLOW_AT_MOST, request) => answer,
    };
    Ok(match answer {
        Ok(Ok(answer)) if Some(answer.status().as_u16()) == plan.expect.status => {
            Ok(begun.elapsed())
        }
        Ok(Ok(answer)) => Err(format!("{method} {url} answers with status {}", answer.status())),
        Ok(Err(error)) => Err(format!("{method} {url} fails: {}", root_cause(&error))),
        Err(_) => {
            Err(format!("{method} {url} does not answer within {} s", SLOW_AT_MOST.as_secs()))
        }
    })
}

/// A client that follows nothing, repeats nothing and keeps nothing.
fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Error::environment("cannot make an HTTP client").caused_by(error))
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
