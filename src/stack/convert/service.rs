//! Services.

use serde_json::{Value, json};

use super::body::Body;
use super::container::container;
use super::endpoint::endpoint;
use super::resources::resources;
use super::service_networks::service_networks;
use super::{IMAGE_LABEL, file_refs, labels, policies, scope};
use crate::stack::fault::Fault;
use crate::stack::model::{Config, Logging, Placement, Service, Texts};
use crate::stack::service_body::ServiceBody;

/// The services, sorted by key.
///
/// # Errors
/// What the client refuses while it converts.
pub(crate) fn services(config: &Config, namespace: &str) -> Result<Vec<ServiceBody>, Fault> {
    config.services.values().map(|service| body(service, config, namespace)).collect()
}

fn body(service: &Service, config: &Config, namespace: &str) -> Result<ServiceBody, Fault> {
    let secrets = file_refs::secrets(service, &config.secrets, namespace)?;
    let configs = file_refs::configs(service, &config.configs, namespace)?;
    let deploy = &service.deploy;
    let mode = policies::mode(service)?;
    policies::check_ratios(service)?;
    let mut service_labels = labels(namespace, &deploy.labels);
    service_labels.insert(IMAGE_LABEL.to_owned(), service.image.clone());
    let task = Body::default()
        .set("ContainerSpec", container(service, config, namespace, secrets, configs)?)
        .set("Resources", resources(service)?)
        .maybe("RestartPolicy", policies::restart(service)?)
        .set("Placement", placement(&deploy.placement))
        .list("Networks", service_networks(service, config, namespace)?)
        .maybe("LogDriver", service.logging.as_ref().map(log_driver))
        .set("ForceUpdate", 0);
    let spec = Body::default()
        .set("Name", scope(namespace, &service.name))
        .set("Labels", json!(service_labels))
        .set("TaskTemplate", task.finish())
        .set("Mode", mode)
        .maybe("UpdateConfig", deploy.update_config.as_ref().map(policies::update))
        .maybe("RollbackConfig", deploy.rollback_config.as_ref().map(policies::update))
        .set("EndpointSpec", endpoint(service));
    Ok(ServiceBody::new(spec.finish()))
}

fn placement(placement: &Placement) -> Value {
    let preferences: Vec<Value> = placement
        .preferences
        .iter()
        .map(|spread| json!({"Spread": {"SpreadDescriptor": spread}}))
        .collect();
    Body::default()
        .list("Constraints", placement.constraints.clone())
        .list("Preferences", preferences)
        .number("MaxReplicas", placement.max_replicas)
        .finish()
}

fn log_driver(logging: &Logging) -> Value {
    let none = Texts::new();
    let options = logging.options.as_ref().unwrap_or(&none);
    Body::default().text("Name", &logging.driver).texts("Options", options).finish()
}
