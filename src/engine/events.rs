//! The engine's event stream.

use std::collections::HashMap;

use bollard::query_parameters::EventsOptions;
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;

use super::Engine;
use super::raw_client::ApiError;

/// One event of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    /// `container`, `service`, `node`, …
    pub kind: String,
    /// `start`, `die`, `health_status: healthy`, `update`, …
    pub action: String,
    /// The id of the object that it is about.
    pub id: String,
    /// Its attributes.
    pub attributes: HashMap<String, String>,
    /// When it happened, by the engine's clock.
    pub time: Timestamp,
}

impl EngineEvent {
    /// An attribute.
    #[must_use]
    pub fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }
}

impl Engine {
    /// Container and service events since `since`, until the connection ends. Container events
    /// come only from the node that runs the container, service events only from managers. An
    /// unreadable item becomes an error item, after which the stream continues.
    pub fn events(
        &self,
        since: Timestamp,
    ) -> impl Stream<Item = Result<EngineEvent, String>> + Send + 'static {
        let kinds = vec!["container".to_owned(), "service".to_owned()];
        let options = EventsOptions {
            since: Some(format!("{}.{:09}", since.as_second(), since.subsec_nanosecond())),
            until: None,
            filters: Some(HashMap::from([("type".to_owned(), kinds)])),
        };
        self.docker.events(Some(options)).map(|item| {
            let message = item.map_err(|error| ApiError::from(error).to_string())?;
            let actor = message.actor.unwrap_or_default();
            Ok(EngineEvent {
                kind: message.typ.map(|kind| kind.to_string()).unwrap_or_default(),
                action: message.action.unwrap_or_default(),
                id: actor.id.unwrap_or_default(),
                attributes: actor.attributes.unwrap_or_default(),
                time: message
                    .time_nano
                    .and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok())
                    .unwrap_or(Timestamp::UNIX_EPOCH),
            })
        })
    }
}
