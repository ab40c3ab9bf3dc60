//! Tasks, and services together with their tasks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::raw_client::{ApiError, query};
use super::services::{items, parse_time};
use super::{Engine, ServiceView};
use crate::error::Result;
use crate::swarm::TaskState;

/// How many times to try to list services and tasks if a service is removed between the two
/// requests.
const LIST_ATTEMPTS: usize = 3;

/// A task as the engine reports it.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task's id.
    pub id: String,
    /// The service's id.
    pub service_id: String,
    /// Replica number, from 1; 0 for a global service.
    pub slot: u64,
    /// The node's id, empty while it has none.
    pub node: String,
    /// The task spec it was made from.
    pub spec: Value,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Observed state.
    pub state: TaskState,
    /// Desired state.
    pub desired: TaskState,
    /// When the observed state was reported.
    pub state_at: Option<Timestamp>,
    /// The engine's message about the state.
    pub message: String,
    /// The engine's error text, empty if none.
    pub error: String,
    /// The container's exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The container's id, empty while it has none.
    pub container: String,
    /// Its addresses in overlay networks other than ingress, without prefix lengths.
    pub addresses: Vec<String>,
}

impl TaskView {
    /// Reads the engine's JSON; `None` if it has no id.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let status = &value["Status"];
        let container = &status["ContainerStatus"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let state = TaskState::parse(status["State"].as_str().unwrap_or_default());
        Some(Self {
            id: value["ID"].as_str()?.to_owned(),
            service_id: text(&value["ServiceID"]),
            slot: value["Slot"].as_u64().unwrap_or(0),
            node: text(&value["NodeID"]),
            spec: value["Spec"].clone(),
            created_at: value["CreatedAt"].as_str().and_then(parse_time),
            state,
            desired: TaskState::parse(value["DesiredState"].as_str().unwrap_or_default()),
            state_at: status["Timestamp"].as_str().and_then(parse_time),
            message: text(&status["Message"]),
            error: text(&status["Err"]),
            // The engine reports 0 for a container that has not ended yet.
            exit_code: container["ExitCode"].as_i64().filter(|_| state.is_terminal()),
            container: text(&container["ContainerID"]),
            addresses: addresses(value),
        })
    }

    /// The image it was made from.
    #[must_use]
    pub fn image(&self) -> &str {
        self.spec["ContainerSpec"]["Image"].as_str().unwrap_or_default()
    }
}

impl Engine {
    /// All tasks of a service, including ended ones that the engine still remembers.
    ///
    /// # Errors
    /// When the engine does not answer or there is no such service.
    pub async fn tasks(&self, service: &str) -> Result<Vec<TaskView>> {
        self.list_tasks(&[service])
            .await
            .map_err(|error| error.into_error(format!("cannot list the tasks of {service}")))
    }

    /// The services with these names, each with its tasks, in two requests for any number of
    /// services. Unknown names are left out of the result.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn services_with_tasks(
        &self,
        names: &[String],
    ) -> Result<Vec<(ServiceView, Vec<TaskView>)>> {
        let mut attempts = 1;
        loop {
            let services = self.services_by_name(names).await?;
            let ids: Vec<&str> = services.iter().map(|service| service.id.as_str()).collect();
            // An empty filter would list the tasks of all services.
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            match self.list_tasks(&ids).await {
                Ok(tasks) => return Ok(group(services, tasks)),
                // The filter refuses an unknown service: one was removed since it was listed.
                Err(error) if error.is_not_found() && attempts < LIST_ATTEMPTS => attempts += 1,
                Err(error) => return Err(error.into_error("cannot list the tasks")),
            }
        }
    }

    async fn list_tasks(&self, services: &[&str]) -> Result<Vec<TaskView>, ApiError> {
        let filters = query("filters", &json!({ "service": services }).to_string());
        let list = self.raw.get(&format!("/tasks?{filters}")).await?;
        Ok(items(&list).filter_map(TaskView::parse).collect())
    }
}

/// Gives each service its tasks.
fn group(services: Vec<ServiceView>, tasks: Vec<TaskView>) -> Vec<(ServiceView, Vec<TaskView>)> {
    let mut grouped: Vec<(ServiceView, Vec<TaskView>)> =
        services.into_iter().map(|service| (service, Vec::new())).collect();
    for task in tasks {
        if let Some((_, own)) =
            grouped.iter_mut().find(|(service, _)| service.id == task.service_id)
        {
            own.push(task);
        }
    }
    grouped
}

/// A task's addresses, except those in the ingress network, where nobody connects to a task.
fn addresses(task: &Value) -> Vec<String> {
    items(&task["NetworksAttachments"])
        .filter(|attachment| attachment["Network"]["Spec"]["Ingress"].as_bool() != Some(true))
        .flat_map(|attachment| items(&attachment["Addresses"]))
        .filter_map(|address| Some(address.as_str()?.split('/').next()?.to_owned()))
        .collect()
}
