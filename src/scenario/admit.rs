//! Which streams a service can answer at all, found out before anything is measured.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::StreamKind;
use super::warm_up::{client, root_cause};
use crate::error::{Error, Result};
use crate::probe::StreamPlan;

/// A slow request is to be in flight for longer than a task takes to stop, and Swarm alone
/// takes two seconds before it sends the stop signal.
const SLOW_LEAST: Duration = Duration::from_secs(3);
/// A slow answer that takes longer than this is no test of an update any more.
const SLOW_MOST: Duration = Duration::from_secs(60);

/// Asks once what the POST and the slow stream will ask. One that cannot be answered is left
/// out, and the reason is among the texts; if `insist`, it is an error.
///
/// # Errors
/// When a stream that was asked for cannot be answered, or the user stops the run.
pub async fn admit(
    plans: Vec<(StreamKind, StreamPlan)>,
    insist: bool,
    interrupt: &CancellationToken,
) -> Result<(Vec<StreamPlan>, Vec<String>)> {
    let mut admitted = Vec::with_capacity(plans.len());
    let mut left_out = Vec::new();
    for (kind, mut plan) in plans {
        let tried = match kind {
            StreamKind::ProxyPost => try_once(&plan, interrupt).await?.map(drop),
            StreamKind::ProxySlow => slow(&mut plan, interrupt).await?,
            _ => Ok(()),
        };
        let Err(why) = tried else {
            admitted.push(plan);
            continue;
        };
        let (flag, what) = if kind == StreamKind::ProxyPost {
            ("--post-path", "something that answers a POST with 200")
        } else {
            ("--slow-path", "something that takes some seconds to answer")
        };
        if insist {
            return Err(Error::usage(format!("stream {} cannot be measured: {why}", plan.name))
                .hint(format!("name {what} with {flag}, or leave the stream out of --streams")));
        }
        left_out
            .push(format!("stream {} is left out, because {why}; {flag} names {what}", plan.name));
    }
    Ok((admitted, left_out))
}

/// A slow answer's own time comes on top of its deadline.
async fn slow(
    plan: &mut StreamPlan,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<(), String>> {
    Ok(try_once(plan, interrupt).await?.and_then(|took| {
        if took < SLOW_LEAST {
            return Err(format!("{} answers after only {:.1} s", plan.url(), took.as_secs_f64()));
        }
        plan.takes = took;
        plan.deadline += took;
        plan.timeout += took;
        Ok(())
    }))
}

/// How long a good answer took, or why there was none.
async fn try_once(
    plan: &StreamPlan,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<Duration, String>> {
    let (method, url) = (plan.method.to_http(), plan.url());
    let begun = Instant::now();
    let request = client()?.request(method.clone(), url).body(plan.body.clone()).send();
    let answer = tokio::select! {
        () = interrupt.cancelled() => {
            return Err(Error::interrupted(format!("interrupted while waiting for {url}")));
        }
        answer = tokio::time::timeout(SLOW_MOST, request) => answer,
    };
    Ok(match answer {
        Ok(Ok(answer)) if Some(answer.status().as_u16()) == plan.expect.status => {
            Ok(begun.elapsed())
        }
        Ok(Ok(answer)) => Err(format!("{method} {url} is answered with {}", answer.status())),
        Ok(Err(error)) => Err(format!("{method} {url}: {}", root_cause(&error))),
        Err(_) => Err(format!("{method} {url} has no answer after {} s", SLOW_MOST.as_secs())),
    })
}
