//! Health checks.

use serde_json::{Value, json};

use super::body::Body;
use crate::stack::fault::Fault;
use crate::stack::model::Service;

/// The health check, if the service has one.
///
/// # Errors
/// A check that is disabled and has a test.
pub(super) fn healthcheck(service: &Service) -> Result<Option<Value>, Fault> {
    let Some(check) = &service.healthcheck else { return Ok(None) };
    if check.disable {
        if !check.test.is_empty() {
            return Err(Fault::at(
                service.mark_of("healthcheck"),
                format!("service {}: test and disable can't be set at the same time", service.name),
            ));
        }
        return Ok(Some(json!({"Test": ["NONE"]})));
    }
    // The client's field is signed: a huge number wraps.
    #[expect(clippy::cast_possible_wrap, reason = "as the client does")]
    let retries = check.retries.unwrap_or_default() as i64;
    let body = Body::default()
        .list("Test", check.test.clone())
        .number("Interval", check.interval.unwrap_or_default())
        .number("Timeout", check.timeout.unwrap_or_default())
        .number("StartPeriod", check.start_period.unwrap_or_default())
        .number("StartInterval", check.start_interval.unwrap_or_default())
        .number("Retries", retries);
    Ok(Some(body.finish()))
}
