//! Services.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::raw_client::{ApiError, query};
use super::{Engine, STACK_LABEL};
use crate::error::Result;
use crate::stack::ServiceBody;
use crate::swarm::UpdateState;

/// How many times to try an update if the service changes after it was read. Swarm itself raises
/// the version with every change of the update status.
const UPDATE_ATTEMPTS: usize = 10;

/// A service as the engine reports it. Its specs are for reading only: an update is always built
/// from the stack file.
#[derive(Debug, Clone)]
pub struct ServiceView {
    /// The service's id.
    pub id: String,
    /// Version index; an update must name the newest one.
    pub version: u64,
    /// The current spec.
    pub spec: ServiceBody,
    /// The spec that a rollback would restore, if there is one.
    pub previous_spec: Option<ServiceBody>,
    /// The update status; its state is [`UpdateState::None`] when the engine reports none.
    pub update: UpdateStatusView,
}

/// A service's update status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateStatusView {
    /// The state.
    pub state: UpdateState,
    /// When the update began. A rollback keeps the start of its update.
    pub started_at: Option<Timestamp>,
    /// When it completed.
    pub completed_at: Option<Timestamp>,
    /// The engine's message.
    pub message: String,
}

impl ServiceView {
    /// Reads the engine's JSON; `None` if it has no id or version.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let status = &value["UpdateStatus"];
        let time = |key: &str| status[key].as_str().and_then(parse_time);
        Some(Self {
            id: value["ID"].as_str()?.to_owned(),
            version: value["Version"]["Index"].as_u64()?,
            spec: ServiceBody::new(value["Spec"].clone()),
            previous_spec: value
                .get("PreviousSpec")
                .filter(|spec| spec.is_object())
                .cloned()
                .map(ServiceBody::new),
            update: UpdateStatusView {
                state: UpdateState::parse(status["State"].as_str().unwrap_or_default()),
                started_at: time("StartedAt"),
                completed_at: time("CompletedAt"),
                message: status["Message"].as_str().unwrap_or_default().to_owned(),
            },
        })
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.spec.name()
    }

    /// A label of the service.
    #[must_use]
    pub fn label(&self, key: &str) -> Option<&str> {
        self.spec.as_value()["Labels"][key].as_str()
    }
}

/// Reads an engine timestamp. Go's zero time means that there is none.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    if text.starts_with("0001-") { None } else { text.parse().ok() }
}

impl Engine {
    /// A service by name or id.
    ///
    /// # Errors
    /// When the engine does not answer. A service that does not exist is not an error.
    pub async fn service(&self, name: &str) -> Result<Option<ServiceView>> {
        match self.raw.get(&format!("/services/{name}")).await {
            Ok(value) => Ok(ServiceView::parse(&value)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect service {name}"))),
        }
    }

    /// All services of a stack, including those that rollproof did not deploy.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn stack_services(&self, stack: &str) -> Result<Vec<ServiceView>> {
        self.services_by_label(&format!("{STACK_LABEL}={stack}")).await
    }

    /// The services that carry a label, given as `key` or `key=value`.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn services_by_label(&self, label: &str) -> Result<Vec<ServiceView>> {
        let filters = query("filters", &json!({ "label": [label] }).to_string());
        let found = self.list_services(&format!("?{filters}")).await?;
        // Some engine versions also match a prefix of the value.
        let exact = |service: &ServiceView| match label.split_once('=') {
            Some((key, value)) => service.label(key) == Some(value),
            None => service.label(label).is_some(),
        };
        Ok(found.into_iter().filter(exact).collect())
    }

    /// All services of the swarm.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn services(&self) -> Result<Vec<ServiceView>> {
        self.list_services("").await
    }

    /// The services with exactly these names. Unknown names are left out of the result.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn services_by_name(&self, names: &[String]) -> Result<Vec<ServiceView>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let filters = query("filters", &json!({ "name": names }).to_string());
        let mut found = self.list_services(&format!("?{filters}")).await?;
        // The engine matches prefixes.
        found.retain(|service| names.iter().any(|name| name == service.name()));
        Ok(found)
    }

    async fn list_services(&self, query: &str) -> Result<Vec<ServiceView>> {
        let list = self
            .raw
            .get(&format!("/services{query}"))
            .await
            .map_err(|error| error.into_error("cannot list the services"))?;
        Ok(items(&list).filter_map(ServiceView::parse).collect())
    }

    /// Creates a service and returns its id. `auth` is the registry login for the nodes.
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
        let mut attempts = 1;
        loop {
            let current = self.raw.get(&format!("/services/{name}")).await.map_err(failed)?;
            let Some(current) = ServiceView::parse(&current) else {
                return Err(failed(ApiError::unanswered(
                    "the engine's answer has no id or no version",
                )));
            };
            let path = format!("/services/{}/update?version={}", current.id, current.version);
            match self.raw.post(&path, body.as_value(), &headers).await {
                Ok(answer) => return Ok(warnings(&answer)),
                Err(error) if error.is_out_of_sequence() && attempts < UPDATE_ATTEMPTS => {
                    attempts += 1;
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Removes a service. Succeeds if it is already gone.
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
