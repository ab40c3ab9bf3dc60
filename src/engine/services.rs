//! Services and tasks.

use serde_json::{Value, json};

use super::api_error::ApiError;
use super::raw_client::query;
use super::{Engine, STACK_LABEL, ServiceView, TaskView};
use crate::error::Result;
use crate::stack::ServiceBody;

/// How often an update is tried again after somebody else, or Swarm itself, changed the service
/// in between: Swarm bumps the version with every change of the update status.
const SEQUENCE_TRIES: usize = 10;

impl Engine {
    /// A service by name or id.
    ///
    /// # Errors
    /// When the engine does not answer. A service that does not exist is no error.
    pub async fn service(&self, name: &str) -> Result<Option<ServiceView>> {
        match self.raw.get(&format!("/services/{name}")).await {
            Ok(value) => Ok(ServiceView::parse(&value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect service {name}"))),
        }
    }

    /// The services of a stack, by whomever it was deployed.
    ///
    /// # Errors
    /// When the engine does not answer or is no manager.
    pub async fn stack_services(&self, stack: &str) -> Result<Vec<ServiceView>> {
        self.services_by_label(&format!("{STACK_LABEL}={stack}")).await
    }

    /// The services that carry a label, given as `key` or `key=value`.
    ///
    /// # Errors
    /// When the engine does not answer or is no manager.
    pub async fn services_by_label(&self, label: &str) -> Result<Vec<ServiceView>> {
        let filters = query("filters", &json!({ "label": [label] }).to_string());
        let found = self.list_services(&format!("?{filters}")).await?;
        // The engine's filter matches a prefix of the value too on some versions.
        let exact = |service: &ServiceView| match label.split_once('=') {
            Some((key, value)) => service.label(key) == Some(value),
            None => service.label(label).is_some(),
        };
        Ok(found.into_iter().filter(exact).collect())
    }

    /// All services of the swarm.
    ///
    /// # Errors
    /// When the engine does not answer or is no manager.
    pub async fn services(&self) -> Result<Vec<ServiceView>> {
        self.list_services("").await
    }

    async fn list_services(&self, query: &str) -> Result<Vec<ServiceView>> {
        let list = self
            .raw
            .get(&format!("/services{query}"))
            .await
            .map_err(|error| error.into_error("cannot list the services"))?;
        Ok(items(&list).filter_map(ServiceView::parse).collect())
    }

    /// All tasks of a service, ended ones included as long as the engine remembers them.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn tasks(&self, service: &str) -> Result<Vec<TaskView>> {
        let filters = query("filters", &json!({ "service": [service] }).to_string());
        let list = self
            .raw
            .get(&format!("/tasks?{filters}"))
            .await
            .map_err(|error| error.into_error(format!("cannot list the tasks of {service}")))?;
        Ok(items(&list).filter_map(TaskView::parse).collect())
    }

    /// Creates a service and returns its id. `auth` is the registry login to pass on.
    ///
    /// # Errors
    /// When the engine refuses the spec.
    pub async fn create_service(&self, body: &ServiceBody, auth: Option<&str>) -> Result<String> {
        let headers: Vec<_> = auth.map(|auth| ("X-Registry-Auth", auth)).into_iter().collect();
        let answer =
            self.raw.post("/services/create", body.as_value(), &headers).await.map_err(
                |error| error.into_error(format!("cannot create service {}", body.name())),
            )?;
        Ok(answer["ID"].as_str().unwrap_or_default().to_owned())
    }

    /// Submits a new spec for a service and returns the engine's warnings. The force counter is
    /// kept, as `docker stack deploy` does, unless the body raises it.
    ///
    /// # Errors
    /// When the service is gone or the engine refuses the spec.
    pub async fn update_service(
        &self,
        body: &ServiceBody,
        auth: Option<&str>,
    ) -> Result<Vec<String>> {
        let headers: Vec<_> = auth.map(|auth| ("X-Registry-Auth", auth)).into_iter().collect();
        let name = body.name();
        let failed = |error: ApiError| error.into_error(format!("cannot update service {name}"));
        let mut tries = 0;
        loop {
            let current = self.raw.get(&format!("/services/{name}")).await.map_err(failed)?;
            let Some(current) = ServiceView::parse(&current) else {
                return Err(failed(ApiError::unanswered(
                    "the engine's answer has no id and version",
                )));
            };
            let path = format!("/services/{}/update?version={}", current.id, current.version);
            match self.raw.post(&path, body.as_value(), &headers).await {
                Ok(answer) => return Ok(warnings(&answer)),
                Err(error) if error.is_out_of_sequence() && tries < SEQUENCE_TRIES => tries += 1,
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Removes a service; one that is gone already is no error.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn remove_service(&self, id: &str) -> Result<()> {
        match self.docker.delete_service(id).await.map_err(ApiError::from) {
            Err(error) if !error.is_not_found() => {
                Err(error.into_error(format!("cannot remove service {id}")))
            }
            _ => Ok(()),
        }
    }
}

pub(super) fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn warnings(answer: &Value) -> Vec<String> {
    items(&answer["Warnings"]).filter_map(|text| text.as_str().map(str::to_owned)).collect()
}
