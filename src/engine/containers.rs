//! Single containers: logs, state, failed health checks, signals.

use std::collections::HashMap;

use bollard::container::LogOutput;
use bollard::query_parameters::{
    KillContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use super::raw_client::ApiError;
use super::services::items;
use super::{CONTAINER_SERVICE_LABEL, Engine};
use crate::error::Result;
use crate::wording::clean;

/// The longest health check output that is kept, in characters.
const LONGEST_OUTPUT: usize = 200;

/// The shortest environment value that counts as a possible secret, in characters. Shorter ones
/// (`1`, `true`, `/root`) are part of ordinary output.
const SHORTEST_SECRET: usize = 8;

/// Part of a container's output, usually a line with its line end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogPiece {
    /// From standard output.
    Out(Bytes),
    /// From standard error.
    Err(Bytes),
}

/// The state of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerState {
    /// Whether its main process runs.
    pub running: bool,
    /// Its exit code; 0 while it runs.
    pub exit_code: i64,
    /// Whether it ran out of memory.
    pub oom_killed: bool,
}

/// The last check of an unhealthy container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedHealthCheck {
    /// Number of failed checks in a row.
    pub failures: u64,
    /// The last check's exit code; -1 if it timed out.
    pub exit_code: i64,
    /// The end of the last check's output: one line of at most 200 characters, in which values
    /// of the container's environment are masked.
    pub output: String,
}

impl Engine {
    /// The complete output of a container on this node, from its start to its end. The stream
    /// ends with the container, or with an error item.
    pub fn follow_log(
        &self,
        container: &str,
    ) -> impl Stream<Item = Result<LogPiece, String>> + Send + use<> {
        let options =
            LogsOptions { follow: true, stdout: true, stderr: true, ..LogsOptions::default() };
        // The stream owns its client and so does not borrow this engine.
        let docker = self.docker.clone();
        docker.logs(container, Some(options)).map(|piece| match piece {
            Ok(LogOutput::StdErr { message }) => Ok(LogPiece::Err(message)),
            Ok(
                LogOutput::StdOut { message }
                | LogOutput::StdIn { message }
                | LogOutput::Console { message },
            ) => Ok(LogPiece::Out(message)),
            Err(error) => Err(ApiError::from(error).to_string()),
        })
    }

    /// Sends a signal to a container on this node. Returns whether the container was running.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn signal_container(&self, container: &str, signal: &str) -> Result<bool> {
        let options = KillContainerOptions { signal: signal.to_owned() };
        match self.docker.kill_container(container, Some(options)).await.map_err(ApiError::from) {
            Ok(()) => Ok(true),
            // 409: the container is not running.
            Err(error) if error.is_not_found() || error.status == Some(409) => Ok(false),
            Err(error) => {
                Err(error.into_error(format!("cannot send {signal} to container {container}")))
            }
        }
    }

    /// Removes a container that has ended, with its anonymous volumes. One that runs, or that is
    /// gone, is left as it is.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn remove_ended_container(&self, container: &str) -> Result<()> {
        let options = RemoveContainerOptions { v: true, ..RemoveContainerOptions::default() };
        match self.docker.remove_container(container, Some(options)).await.map_err(ApiError::from) {
            Ok(()) => Ok(()),
            // 409: it runs, or is being removed.
            Err(error) if error.is_not_found() || error.status == Some(409) => Ok(()),
            Err(error) => Err(error.into_error(format!("cannot remove container {container}"))),
        }
    }

    /// Changes the processor share of a running container on this node; the default is 1024.
    /// Swarm has no setting for this.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn set_cpu_shares(&self, container: &str, shares: u64) -> Result<()> {
        let body = json!({ "CpuShares": shares });
        let path = format!("/containers/{container}/update");
        self.raw.post(&path, &body, &[]).await.map(drop).map_err(|error| {
            error.into_error(format!("cannot set the processor share of container {container}"))
        })
    }

    /// The state of a container on this node, or `None` if it does not exist.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn container_state(&self, container: &str) -> Result<Option<ContainerState>> {
        match self.raw.get(&format!("/containers/{container}/json")).await {
            Ok(value) => {
                let state = &value["State"];
                Ok(Some(ContainerState {
                    running: state["Running"].as_bool().unwrap_or(false),
                    exit_code: state["ExitCode"].as_i64().unwrap_or(0),
                    oom_killed: state["OOMKilled"].as_bool().unwrap_or(false),
                }))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect container {container}"))),
        }
    }

    /// Why a container on this node is unhealthy. `None` if the container no longer exists, or if
    /// its last check did not fail.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn failed_health_check(&self, container: &str) -> Result<Option<FailedHealthCheck>> {
        match self.raw.get(&format!("/containers/{container}/json")).await {
            Ok(value) => Ok(FailedHealthCheck::parse(&value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect container {container}"))),
        }
    }

    /// The ids of a service's containers on this node, including ended ones.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn service_containers(&self, service: &str) -> Result<Vec<String>> {
        self.containers_by_label(&format!("{CONTAINER_SERVICE_LABEL}={service}"))
            .await
            .map_err(|error| error.into_error(format!("cannot list the containers of {service}")))
    }

    pub(super) async fn containers_by_label(&self, label: &str) -> Result<Vec<String>, ApiError> {
        let options = ListContainersOptions {
            all: true,
            filters: Some(HashMap::from([("label".to_owned(), vec![label.to_owned()])])),
            ..ListContainersOptions::default()
        };
        let list = self.docker.list_containers(Some(options)).await?;
        Ok(list.into_iter().filter_map(|container| container.id).collect())
    }
}

impl FailedHealthCheck {
    /// Reads the engine's description of a container.
    fn parse(container: &Value) -> Option<Self> {
        let health = &container["State"]["Health"];
        let last = health["Log"].as_array()?.last()?;
        let exit_code = last["ExitCode"].as_i64().filter(|code| *code != 0)?;
        let environment = items(&container["Config"]["Env"]).filter_map(Value::as_str);
        let values: Vec<&str> =
            environment.filter_map(|entry| Some(entry.split_once('=')?.1)).collect();
        let output = last["Output"].as_str().unwrap_or_default();
        Some(Self {
            failures: health["FailingStreak"].as_u64().unwrap_or(0),
            exit_code,
            output: last_line(&mask(output, &values)),
        })
    }
}

/// Replaces environment values in a health check's output: they may be secrets.
fn mask(output: &str, values: &[&str]) -> String {
    let mut secrets: Vec<&str> =
        values.iter().copied().filter(|value| value.chars().count() >= SHORTEST_SECRET).collect();
    // A value may contain another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let masked = secrets.iter().fold(output.to_owned(), |text, secret| text.replace(secret, "…"));
    // The engine keeps the first 4096 bytes of an output, so a value may be cut off at the end.
    let Some(kept) = masked.strip_suffix("...") else { return masked };
    let cut_off = |secret: &&str| {
        let starts = secret.char_indices().map(|(end, _)| &secret[..end]).rev();
        starts
            .take_while(|start| start.chars().count() >= SHORTEST_SECRET)
            .find(|start| kept.ends_with(start))
            .map(str::len)
    };
    match secrets.iter().filter_map(cut_off).max() {
        Some(length) => format!("{}…", &kept[..kept.len() - length]),
        None => masked,
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
    use super::*;

    fn unhealthy(output: &str) -> Value {
        json!({
            "Config": { "Env": ["PATH=/usr/bin", "TOKEN=s3cr3t-t0ken=", "URL=http://s3cr3t-t0ken=@db", "N=true"] },
            "State": { "Health": {
                "Status": "unhealthy",
                "FailingStreak": 3,
                "Log": [{ "ExitCode": 0, "Output": "fine" }, { "ExitCode": 1, "Output": output }],
            } },
        })
    }

    fn output(output: &str) -> String {
        FailedHealthCheck::parse(&unhealthy(output)).unwrap().output
    }

    #[test]
    fn the_last_check_of_an_unhealthy_container_is_read() {
        let check = FailedHealthCheck::parse(&unhealthy("one\ntwo \r\n\n")).unwrap();
        let expected = FailedHealthCheck { failures: 3, exit_code: 1, output: "two".into() };
        assert_eq!(check, expected);
        let mut healthy = unhealthy("");
        healthy["State"]["Health"]["Log"][1]["ExitCode"] = json!(0);
        assert_eq!(FailedHealthCheck::parse(&healthy), None);
        assert_eq!(FailedHealthCheck::parse(&json!({ "State": {} })), None);
    }

    #[test]
    fn only_the_end_of_a_long_line_is_kept() {
        let long = format!("{}ü{}", "a".repeat(100), "b".repeat(198));
        assert_eq!(output(&long), format!("…ü{}", "b".repeat(198)));
        assert_eq!(output(&"b".repeat(200)), "b".repeat(200));
        assert_eq!(output(" \x1b[31mred\x07\t"), "[31mred");
        assert_eq!(output(" \n\t\n"), "");
    }

    #[test]
    fn values_of_the_environment_are_masked() {
        assert_eq!(
            output("no answer from http://s3cr3t-t0ken=@db: refused"),
            "no answer from …: refused"
        );
        assert_eq!(output("bad token s3cr3t-t0ken=, true"), "bad token …, true");
        assert_eq!(output("x s3cr3t-t0k..."), "x …", "cut off by the engine");
        assert_eq!(output("x s3cr3..."), "x s3cr3...");
        let across = format!("s3cr3t-t0ken={}", "b".repeat(195));
        assert_eq!(output(&across), format!("…{}", "b".repeat(195)), "masked before it is cut");
    }
}
