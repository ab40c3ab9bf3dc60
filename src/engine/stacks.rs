//! Deployed stacks: their networks, secrets, configs and containers.

use std::collections::HashMap;

use bollard::query_parameters::{
    InspectNetworkOptions, ListConfigsOptions, ListNetworksOptions, ListSecretsOptions,
};
use serde_json::Value;

use super::raw_client::ApiError;
use super::{Engine, RUN_LABEL, STACK_LABEL};
use crate::error::Result;

/// The kinds of objects in a stack besides services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackObjectKind {
    /// An overlay network.
    Network,
    /// A secret.
    Secret,
    /// A config.
    Config,
}

impl StackObjectKind {
    /// The word used in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }

    fn collection(self) -> &'static str {
        match self {
            Self::Network => "networks",
            Self::Secret => "secrets",
            Self::Config => "configs",
        }
    }
}

/// A network, secret or config as the engine reports it.
#[derive(Debug, Clone)]
pub struct StackObject {
    /// Its kind.
    pub kind: StackObjectKind,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// `swarm` or `local`, for networks.
    pub scope: String,
    /// Version index, for secrets and configs.
    pub version: u64,
}

impl StackObject {
    /// One that was just created.
    #[must_use]
    pub fn new(kind: StackObjectKind, id: &str, name: &str) -> Self {
        let labels = HashMap::new();
        Self {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            labels,
            scope: String::new(),
            version: 0,
        }
    }
}

/// A stack that rollproof deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The stack's name.
    pub stack: String,
    /// The run that deployed it.
    pub run: String,
    /// Its services.
    pub services: Vec<String>,
}

impl Engine {
    /// The stacks on this engine that rollproof deployed.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>> {
        let mut found: Vec<Leftover> = Vec::new();
        for service in self.services_by_label(RUN_LABEL).await? {
            let run = service.label(RUN_LABEL).unwrap_or_default().to_owned();
            let Some(stack) = service.label(STACK_LABEL) else { continue };
            match found.iter_mut().find(|leftover| leftover.stack == stack) {
                Some(leftover) => leftover.services.push(service.name().to_owned()),
                None => found.push(Leftover {
                    stack: stack.to_owned(),
                    run,
                    services: vec![service.name().to_owned()],
                }),
            }
        }
        Ok(found)
    }

    /// The ids of a stack's containers on this node, including ended ones.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stack_containers(&self, stack: &str) -> Result<Vec<String>> {
        let label = format!("{STACK_LABEL}={stack}");
        self.containers_by_label(&label).await.map_err(|error| {
            error.into_error(format!("cannot list the containers of stack {stack}"))
        })
    }

    /// All objects of one kind in a stack.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn stack_objects(
        &self,
        kind: StackObjectKind,
        stack: &str,
    ) -> Result<Vec<StackObject>> {
        let mut objects = self.objects(kind, Some(&format!("{STACK_LABEL}={stack}"))).await?;
        objects.retain(|object| object.labels.get(STACK_LABEL).is_some_and(|name| name == stack));
        Ok(objects)
    }

    /// All objects of one kind, or only those with a label.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn objects(
        &self,
        kind: StackObjectKind,
        label: Option<&str>,
    ) -> Result<Vec<StackObject>> {
        let filters =
            label.map(|label| HashMap::from([("label".to_owned(), vec![label.to_owned()])]));
        let found = match kind {
            StackObjectKind::Network => {
                self.docker.list_networks(Some(ListNetworksOptions { filters })).await.map(|list| {
                    let network = |network: bollard::models::Network| StackObject {
                        kind,
                        id: network.id.unwrap_or_default(),
                        name: network.name.unwrap_or_default(),
                        labels: network.labels.unwrap_or_default(),
                        scope: network.scope.unwrap_or_default(),
                        version: 0,
                    };
                    list.into_iter().map(network).collect()
                })
            }
            StackObjectKind::Secret => {
                self.docker.list_secrets(Some(ListSecretsOptions { filters })).await.map(|list| {
                    let secret = |secret: bollard::models::Secret| {
                        let spec = secret.spec.unwrap_or_default();
                        named(kind, secret.id, spec.name, spec.labels, secret.version)
                    };
                    list.into_iter().map(secret).collect()
                })
            }
            StackObjectKind::Config => {
                self.docker.list_configs(Some(ListConfigsOptions { filters })).await.map(|list| {
                    let config = |config: bollard::models::Config| {
                        let spec = config.spec.unwrap_or_default();
                        named(kind, config.id, spec.name, spec.labels, config.version)
                    };
                    list.into_iter().map(config).collect()
                })
            }
        };
        found.map_err(|error| {
            ApiError::from(error).into_error(format!("cannot list the {}", kind.collection()))
        })
    }

    /// What stands in each config, in base64, by name. Secrets cannot be read.
    ///
    /// # Errors
    /// When the engine does not answer or is not a manager.
    pub async fn config_contents(&self) -> Result<HashMap<String, String>> {
        let list = self.raw.get("/configs").await;
        let list = list.map_err(|error| error.into_error("cannot list the configs"))?;
        let content = |config: &Value| {
            let text = |key: &str| config["Spec"][key].as_str().map(str::to_owned);
            Some((text("Name")?, text("Data").unwrap_or_default()))
        };
        Ok(list.as_array().into_iter().flatten().filter_map(content).collect())
    }

    /// A network by name or id. Its scope decides whether a stack can use it.
    ///
    /// # Errors
    /// When the engine does not answer. A network that does not exist is not an error.
    pub async fn network(&self, name: &str) -> Result<Option<StackObject>> {
        match self.docker.inspect_network(name, None::<InspectNetworkOptions>).await {
            Ok(network) => Ok(Some(StackObject {
                kind: StackObjectKind::Network,
                id: network.id.unwrap_or_default(),
                name: network.name.unwrap_or_default(),
                labels: network.labels.unwrap_or_default(),
                scope: network.scope.unwrap_or_default(),
                version: 0,
            })),
            Err(error) => match ApiError::from(error) {
                error if error.is_not_found() => Ok(None),
                error => Err(error.into_error(format!("cannot inspect network {name}"))),
            },
        }
    }

    /// Creates a network, secret or config from its request body and returns its id.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn create_object(&self, kind: StackObjectKind, body: &Value) -> Result<String> {
        let name = body["Name"].as_str().unwrap_or_default();
        let path = format!("/{}/create", kind.collection());
        let answer =
            self.raw.post(&path, body, &[]).await.map_err(|error| {
                error.into_error(format!("cannot create {} {name}", kind.as_str()))
            })?;
        let id = answer["ID"].as_str().or_else(|| answer["Id"].as_str());
        Ok(id.unwrap_or_default().to_owned())
    }

    /// Updates a secret or config. Swarm accepts only changed labels.
    ///
    /// # Errors
    /// When the engine refuses, as it does when the content changed.
    pub async fn update_object(&self, object: &StackObject, body: &Value) -> Result<()> {
        let kind = object.kind;
        let path =
            format!("/{}/{}/update?version={}", kind.collection(), object.id, object.version);
        self.raw.post(&path, body, &[]).await.map(drop).map_err(|error| {
            let changed = error.message.contains("only updates to Labels are allowed");
            let error =
                error.into_error(format!("cannot update {} {}", kind.as_str(), object.name));
            if changed {
                error.hint(format!(
                    "the content of a {} cannot be changed: use a new name in the stack file",
                    kind.as_str()
                ))
            } else {
                error
            }
        })
    }

    /// Removes a network, secret or config, and returns whether it is gone: a network stays as long
    /// as a stopping task uses it.
    ///
    /// # Errors
    /// When the engine refuses for another reason.
    pub async fn remove_object(&self, object: &StackObject) -> Result<bool> {
        let removed = match object.kind {
            StackObjectKind::Network => self.docker.remove_network(&object.id).await,
            StackObjectKind::Secret => self.docker.delete_secret(&object.id).await,
            StackObjectKind::Config => self.docker.delete_config(&object.id).await,
        };
        match removed.map_err(ApiError::from) {
            Ok(()) => Ok(true),
            Err(error) if error.is_not_found() => Ok(true),
            Err(error) if is_still_used(&error) => Ok(false),
            Err(error) => Err(error.into_error(format!(
                "cannot remove {} {}",
                object.kind.as_str(),
                object.name
            ))),
        }
    }
}

fn is_still_used(error: &ApiError) -> bool {
    ["active endpoints", "is in use by", "in use by task"]
        .iter()
        .any(|text| error.message.contains(text))
}

fn named(
    kind: StackObjectKind,
    id: Option<String>,
    name: Option<String>,
    labels: Option<HashMap<String, String>>,
    version: Option<bollard::models::ObjectVersion>,
) -> StackObject {
    StackObject {
        kind,
        id: id.unwrap_or_default(),
        name: name.unwrap_or_default(),
        labels: labels.unwrap_or_default(),
        scope: String::new(),
        version: version.and_then(|version| version.index).unwrap_or(0),
    }
}
