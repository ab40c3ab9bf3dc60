//! A service as the engine has it.

use jiff::Timestamp;
use serde_json::Value;

use crate::stack::ServiceBody;
use crate::swarm::UpdateState;

/// A service as the engine has it. Its specs are for looking at only: an update is always built
/// from the stack file.
#[derive(Debug, Clone)]
pub struct ServiceView {
    /// The service's id.
    pub id: String,
    /// Version index; an update must name the newest one.
    pub version: u64,
    /// The current spec.
    pub spec: ServiceBody,
    /// The spec a rollback would return to, if there is one.
    pub previous_spec: Option<ServiceBody>,
    /// The update status; its state is [`UpdateState::None`] when the engine reports none.
    pub update: UpdateStatusView,
}

/// A service's update status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateStatusView {
    /// The state.
    pub state: UpdateState,
    /// When the update began. A rollback keeps its update's start.
    pub started_at: Option<Timestamp>,
    /// When it completed.
    pub completed_at: Option<Timestamp>,
    /// The engine's message.
    pub message: String,
}

impl ServiceView {
    /// Reads the engine's JSON; absent if it has no id.
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

/// Reads an engine timestamp; Go's zero time means absent.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    if text.starts_with("0001-") { None } else { text.parse().ok() }
}
