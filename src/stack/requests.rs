//! The requests that deploy a stack.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::STACK_LABEL;
use super::service_body::ServiceBody;
use crate::{Error, Place, Result};

/// The bodies of the requests that deploy a stack, in the order of sending, and by name within each
/// kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Requests {
    /// Networks to create if they do not exist.
    pub networks: Vec<NetworkBody>,
    /// Secrets to create or update (`SecretSpec`).
    pub secrets: Vec<Value>,
    /// Configs to create or update (`ConfigSpec`).
    pub configs: Vec<Value>,
    /// Services to create or update.
    pub services: Vec<ServiceBody>,
    /// Where each service is written, by its name with the stack's prefix.
    pub service_places: BTreeMap<String, Place>,
    /// Names of swarm-wide networks that must already exist.
    pub external_networks: Vec<String>,
}

impl Requests {
    /// All bodies in one object. Ids of secrets and configs are empty until
    /// [`resolve_ids`](Self::resolve_ids) has filled them in.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let networks: Vec<&Value> = self.networks.iter().map(|network| &network.body).collect();
        let services: Vec<&Value> = self.services.iter().map(ServiceBody::as_value).collect();
        json!({
            "networks": networks,
            "secrets": self.secrets,
            "configs": self.configs,
            "services": services,
        })
    }

    /// Names of the secrets and of the configs that services refer to.
    #[must_use]
    pub fn referenced(&self) -> (Vec<String>, Vec<String>) {
        let names = |list: &str, key: &str| {
            let mut names: Vec<String> = self
                .services
                .iter()
                .filter_map(|service| container(service.as_value())[list].as_array())
                .flatten()
                .filter_map(|reference| reference[key].as_str().map(str::to_owned))
                .collect();
            names.sort();
            names.dedup();
            names
        };
        (names("Secrets", "SecretName"), names("Configs", "ConfigName"))
    }

    /// Fills in the ids of secrets and configs, given by name.
    ///
    /// # Errors
    /// A secret or config has no id: `secret not found: NAME`.
    pub fn resolve_ids(
        &mut self,
        secrets: &BTreeMap<String, String>,
        configs: &BTreeMap<String, String>,
    ) -> Result<()> {
        for service in &mut self.services {
            let mut spec = service.as_value().clone();
            let container = &mut spec["TaskTemplate"]["ContainerSpec"];
            fill(&mut container["Secrets"], "secret", "SecretName", "SecretID", secrets)?;
            fill(&mut container["Configs"], "config", "ConfigName", "ConfigID", configs)?;
            resolve_credential_spec(container);
            for list in ["Secrets", "Configs"] {
                if let Some(container) = container.as_object_mut()
                    && container.get(list).is_some_and(Value::is_null)
                {
                    container.remove(list);
                }
            }
            *service = ServiceBody::new(spec);
        }
        Ok(())
    }
}

fn container(spec: &Value) -> &Value {
    &spec["TaskTemplate"]["ContainerSpec"]
}

fn fill(
    references: &mut Value,
    kind: &str,
    name_key: &str,
    id_key: &str,
    ids: &BTreeMap<String, String>,
) -> Result<()> {
    for reference in references.as_array_mut().into_iter().flatten() {
        let name = reference[name_key].as_str().unwrap_or_default();
        let id = ids.get(name).ok_or_else(|| {
            Error::environment(format!("{kind} not found: {name}"))
                .hint(format!("an external {kind} must exist before the stack is deployed"))
        })?;
        reference[id_key] = json!(id);
    }
    Ok(())
}

/// A credential specification refers to a config by id, too. The client uses the config of exactly
/// that name, or else the one with the stack's prefix.
fn resolve_credential_spec(container: &mut Value) {
    let spec = container["Privileges"]["CredentialSpec"]["Config"].as_str().unwrap_or_default();
    if spec.is_empty() {
        return;
    }
    let namespace = container["Labels"][STACK_LABEL].as_str().unwrap_or_default();
    let scoped = format!("{namespace}_{spec}");
    let id_of = |name: &str| {
        container["Configs"]
            .as_array()?
            .iter()
            .find(|reference| reference["ConfigName"] == name)
            .map(|reference| reference["ConfigID"].clone())
    };
    if let Some(id) = id_of(spec).or_else(|| id_of(&scoped)) {
        container["Privileges"]["CredentialSpec"]["Config"] = id;
    }
}

/// A network to create: its name and the body of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkBody {
    /// The name, with the stack's prefix unless the file gives one.
    pub name: String,
    /// The body, with the API's own key names.
    pub body: Value,
}
