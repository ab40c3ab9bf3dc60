//! Modes, updates and restarts.

use serde_json::{Value, json};

use super::body::Body;
use crate::stack::fault::Fault;
use crate::stack::golang;
use crate::stack::model::{Service, UpdateConfig};

/// The service mode.
///
/// # Errors
/// An unknown mode, replicas of a global service.
pub(super) fn mode(service: &Service) -> Result<Value, Fault> {
    let deploy = &service.deploy;
    let mark = service.mark_of("deploy");
    let key = match deploy.mode.as_str() {
        "" | "replicated" => {
            let body = Body::default().maybe("Replicas", deploy.replicas);
            return Ok(json!({"Replicated": body.finish()}));
        }
        "replicated-job" => {
            let body = Body::default()
                .maybe("MaxConcurrent", deploy.replicas)
                .maybe("TotalCompletions", deploy.replicas);
            return Ok(json!({"ReplicatedJob": body.finish()}));
        }
        "global" => "Global",
        "global-job" => "GlobalJob",
        other => {
            return Err(Fault::at(
                mark,
                format!("service {}: Unknown mode: {other}", service.name),
            )
            .hint("modes are replicated, global, replicated-job and global-job"));
        }
    };
    if deploy.replicas.is_some() {
        return Err(Fault::at(
            mark,
            format!(
                "service {}: replicas can only be used with replicated or replicated-job mode",
                service.name
            ),
        ));
    }
    Ok(json!({key: {}}))
}

/// An update or rollback policy; without `parallelism` it is one at a time.
pub(super) fn update(config: &UpdateConfig) -> Value {
    Body::default()
        .set("Parallelism", config.parallelism.unwrap_or(1))
        .number("Delay", config.delay)
        .text("FailureAction", &config.failure_action)
        .number("Monitor", config.monitor)
        .set("MaxFailureRatio", ratio(config.max_failure_ratio))
        .set("Order", config.order.as_str())
        .finish()
}

/// Refuses a failure ratio that is too large for the client's 32-bit float: JSON has no infinity.
///
/// # Errors
/// Such a ratio.
pub(super) fn check_ratios(service: &Service) -> Result<(), Fault> {
    let configs = [&service.deploy.update_config, &service.deploy.rollback_config];
    if configs.into_iter().flatten().all(|config| config.max_failure_ratio.is_finite()) {
        return Ok(());
    }
    Err(Fault::at(
        service.mark_of("deploy"),
        format!("service {}: json: unsupported value: +Inf (max_failure_ratio)", service.name),
    ))
}

/// Go writes a float without fraction as a whole number.
fn ratio(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only small whole numbers are cast")]
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// When a task is replaced: `deploy.restart_policy`, or else the service's `restart`.
///
/// # Errors
/// A `restart` the client does not understand.
pub(super) fn restart(service: &Service) -> Result<Option<Value>, Fault> {
    if let Some(policy) = &service.deploy.restart_policy {
        let body = Body::default()
            .text("Condition", &policy.condition)
            .maybe("Delay", policy.delay)
            .maybe("MaxAttempts", policy.max_attempts)
            .maybe("Window", policy.window);
        return Ok(Some(body.finish()));
    }
    let restart = service.restart.as_str();
    let refuse = |message: &str| {
        Fault::at(service.mark_of("restart"), format!("service {}: {message}", service.name))
    };
    let (name, count) = restart.split_once(':').unwrap_or((restart, ""));
    if name.is_empty() && restart.contains(':') {
        return Err(refuse("invalid restart policy format: no policy provided before colon"));
    }
    let count = match count {
        "" => 0,
        count => golang::atoi(count).ok_or_else(|| {
            refuse("invalid restart policy format: maximum retry count must be an integer")
        })?,
    };
    match name {
        "" | "no" => Ok(None),
        "always" | "unless-stopped" => Ok(Some(json!({"Condition": "any"}))),
        // The client's field is unsigned: -1 wraps to the largest number.
        #[expect(clippy::cast_sign_loss, reason = "as the client does")]
        "on-failure" => Ok(Some(json!({"Condition": "on-failure", "MaxAttempts": count as u64}))),
        _ => Err(refuse(&format!("unknown restart policy: {restart}"))),
    }
}
