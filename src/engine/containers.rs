//! Single containers: logs, state, signals.

use std::collections::HashMap;

use bollard::container::LogOutput;
use bollard::query_parameters::{
    KillContainerOptions, ListContainersOptions, LogsOptions, RemoveContainerOptions,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::json;

use super::raw_client::ApiError;
use super::{CONTAINER_SERVICE_LABEL, Engine};
use crate::error::Result;

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
