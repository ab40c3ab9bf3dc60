//! Which streams a service can answer, found out before anything is measured.

use tokio_util::sync::CancellationToken;

use super::first_answers::one_answer;
use crate::error::{Error, Result};
use crate::probe::StreamPlan;
use crate::streams::{StreamKind, Trial};
use crate::wording::length;

/// Asks once what each stream with a trial will ask. One that gets no good response is left out,
/// and the reason is among the texts; if `insist`, it is an error.
///
/// # Errors
/// When a stream that was asked for gets no good response, or the user stops the run.
pub(super) async fn admit(
    plans: Vec<(&'static StreamKind, StreamPlan)>,
    insist: bool,
    speed: f64,
    interrupt: &CancellationToken,
) -> Result<(Vec<StreamPlan>, Vec<String>)> {
    let mut admitted = Vec::with_capacity(plans.len());
    let mut left_out = Vec::new();
    for (kind, mut plan) in plans {
        let Some(trial) = kind.trial.map(|trial| trial.at_speed(speed)) else {
            admitted.push(plan);
            continue;
        };
        let Err(why) = attempt(&mut plan, trial, interrupt).await? else {
            admitted.push(plan);
            continue;
        };
        let Trial { option, needs, .. } = trial;
        if insist {
            return Err(Error::usage(format!("stream {} cannot be measured: {why}", plan.name))
                .hint(format!("name {needs} with {option}, or remove it from --streams")));
        }
        left_out.push(format!("stream {} is left out: {why} ({option} names {needs})", plan.name));
    }
    Ok((admitted, left_out))
}

/// A slow response's own time is added to its deadline.
async fn attempt(
    plan: &mut StreamPlan,
    trial: Trial,
    interrupt: &CancellationToken,
) -> Result<std::result::Result<(), String>> {
    Ok(one_answer(plan, interrupt).await?.and_then(|took| {
        if took < trial.at_least {
            return Err(format!("{} answers after only {}", plan.url(), length(took.into())));
        }
        if !trial.at_least.is_zero() {
            plan.takes = took;
            plan.deadline += took;
            plan.timeout += took;
        }
        Ok(())
    }))
}
