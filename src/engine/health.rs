//! The results of a container's health checks, of which the engine keeps the last five.

use jiff::Timestamp;
use serde_json::Value;

use super::Engine;
use super::masking::Mask;
use super::services::{items, parse_time};
use crate::error::Result;
use crate::stack::ServiceBody;
use crate::swarm::HealthCheck;
use crate::wording::clean;

/// The longest output that is kept, in characters.
const LONGEST_OUTPUT: usize = 200;

/// What the engine knows of a container's health checks.
#[derive(Debug, Clone, PartialEq)]
pub struct HealthLog {
    /// When the container started.
    pub started_at: Timestamp,
    /// What the engine goes by, with its defaults filled in.
    pub rules: HealthCheck,
    /// Failed checks in a row.
    pub streak: u64,
    /// The last results, at most five, oldest first.
    pub results: Vec<CheckResult>,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// When it started.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Its exit code; -1 if it ran into its time limit or could not be started.
    pub exit_code: i64,
    /// The end of its output: one line of at most 200 characters, in which values of the
    /// container's environment are masked.
    pub output: String,
}

impl Engine {
    /// The results of a container's health checks on this node. `None` if the container no longer
    /// exists, has no health check or has not started.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn health_log(&self, container: &str) -> Result<Option<HealthLog>> {
        match self.raw.get(&format!("/containers/{container}/json")).await {
            Ok(value) => Ok(HealthLog::parse(&value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect container {container}"))),
        }
    }
}

impl HealthLog {
    /// Reads the engine's description of a container.
    fn parse(container: &Value) -> Option<Self> {
        let state = &container["State"];
        let health = &state["Health"];
        let mask = Mask::of_container(container);
        let result = |result: &Value| {
            let start = parse_time(result["Start"].as_str()?)?;
            Some(CheckResult {
                start,
                end: result["End"].as_str().and_then(parse_time).unwrap_or(start).max(start),
                exit_code: result["ExitCode"].as_i64()?,
                output: last_line(
                    &mask.apply_to_beginning(result["Output"].as_str().unwrap_or_default()),
                ),
            })
        };
        // The engine has merged the image's check into the container's.
        let body = ServiceBody::new(Value::Null);
        Some(Self {
            started_at: parse_time(state["StartedAt"].as_str()?)?,
            rules: body.effective_healthcheck(Some(&container["Config"]["Healthcheck"]))?,
            streak: health["FailingStreak"].as_u64().unwrap_or(0),
            results: items(&health["Log"]).filter_map(result).collect(),
        })
    }
}

/// The last line of an output that is not empty, without control characters, or the end of that
/// line if it is long.
fn last_line(output: &str) -> String {
    let mut lines = output.lines().rev().map(|line| clean(line).trim().to_owned());
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let length = line.chars().count();
    if length <= LONGEST_OUTPUT {
        return line;
    }
    let end = line.chars().skip(length - (LONGEST_OUTPUT - 1));
    std::iter::once('…').chain(end).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(output: &str) -> Value {
        json!({
            "Config": {
                "Env": ["PATH=/usr/bin", "TOKEN=s3cr3t-t0ken="],
                "Healthcheck": { "Test": ["CMD", "x"], "Interval": 2_000_000_000_u64 },
            },
            "State": {
                "StartedAt": "2026-01-01T00:00:00.5Z",
                "Health": {
                    "Status": "unhealthy",
                    "FailingStreak": 3,
                    "Log": [
                        { "Start": "2026-01-01T00:00:02.5Z", "End": "2026-01-01T01:00:02.6+01:00", "ExitCode": 0, "Output": "fine" },
                        { "Start": "2026-01-01T00:00:04.6Z", "End": "2026-01-01T00:00:05Z", "ExitCode": 1, "Output": output },
                    ],
                },
            },
        })
    }

    fn output(output: &str) -> String {
        HealthLog::parse(&container(output)).unwrap().results[1].output.clone()
    }

    #[test]
    fn every_result_is_read_with_what_the_engine_goes_by() {
        let log = HealthLog::parse(&container("one\ntwo \r\n\n")).unwrap();
        assert_eq!((log.streak, log.rules.interval, log.rules.retries), (3, 2.0, 3));
        let codes: Vec<i64> = log.results.iter().map(|result| result.exit_code).collect();
        assert_eq!((codes, log.results[1].output.as_str()), (vec![0, 1], "two"));
        let took = log.results[0].end.duration_since(log.results[0].start);
        assert_eq!(took.as_millis(), 100, "times in two zones");
    }

    #[test]
    fn a_container_without_a_check_has_no_log() {
        assert_eq!(HealthLog::parse(&json!({ "State": {} })), None);
        let mut off = container("");
        off["Config"]["Healthcheck"]["Test"] = json!(["NONE"]);
        assert_eq!(HealthLog::parse(&off), None);
        let mut created = container("");
        created["State"]["StartedAt"] = json!("0001-01-01T00:00:00Z");
        created["State"]["Health"]["Log"] = Value::Null;
        assert_eq!(HealthLog::parse(&created).map(|log| log.results), None);
    }

    #[test]
    fn only_the_end_of_a_long_line_is_kept() {
        let long = format!("{}ü{}", "a".repeat(100), "b".repeat(198));
        assert_eq!(output(&long), format!("…ü{}", "b".repeat(198)));
        assert_eq!(output(&"b".repeat(200)), "b".repeat(200));
        assert_eq!(output(" \x1b[31mred\x07\t"), "[31mred");
        assert_eq!(output(" \n\t\n"), "");
        let across = format!("s3cr3t-t0ken={}", "b".repeat(195));
        assert_eq!(output(&across), format!("…{}", "b".repeat(195)), "masked before it is cut");
    }
}
