//! Services: mode, updates, restarts, resources and published ports.

use serde_json::{Value, json};

use super::container::container;
use super::files::{config_references, secret_references};
use super::networks::attachments;
use super::{Body, labels, scope};
use crate::stack::STACK_IMAGE_LABEL;
use crate::stack::fault::{Fault, Faults};
use crate::stack::golang::{self, CpuFault};
use crate::stack::image_name;
use crate::stack::model::{
    Config, GenericResource, Logging, Placement, Service, Share, Texts, UpdateConfig,
};
use crate::stack::service_body::ServiceBody;

/// The services, sorted by key.
///
/// # Errors
/// What the client refuses while it converts a service.
pub(crate) fn services(config: &Config, namespace: &str) -> Result<Vec<ServiceBody>, Faults> {
    let mut faults = Faults::default();
    for service in config.services.values() {
        faults.take(image_name::check_service(service));
    }
    let bodies = config.services.values().map(|service| body(service, config, namespace));
    let bodies = bodies.filter_map(|body| faults.take(body)).collect();
    faults.or(bodies)
}

fn body(service: &Service, config: &Config, namespace: &str) -> Result<ServiceBody, Faults> {
    let mut faults = Faults::default();
    let secrets = faults.take(secret_references(service, &config.secrets, namespace));
    let configs = faults.take(config_references(service, &config.configs, namespace));
    let (secrets, configs) = (secrets.unwrap_or_default(), configs.unwrap_or_default());
    let deploy = &service.deploy;
    let mode = faults.take(mode(service));
    faults.take(check_ratios(service));
    let container = faults.take(container(service, config, namespace, secrets, configs));
    let resources = faults.take(resources(service));
    let restart = faults.take(restart(service)).flatten();
    let networks = faults.take(attachments(service, config, namespace)).unwrap_or_default();
    faults.or(())?;
    let mut service_labels = labels(namespace, &deploy.labels);
    service_labels.insert(STACK_IMAGE_LABEL.to_owned(), service.image.clone());
    let task = Body::default()
        .set("ContainerSpec", container)
        .set("Resources", resources)
        .maybe("RestartPolicy", restart)
        .set("Placement", placement(&deploy.placement))
        .list("Networks", networks)
        .maybe("LogDriver", service.logging.as_ref().map(log_driver))
        .set("ForceUpdate", 0);
    let spec = Body::default()
        .set("Name", scope(namespace, &service.name))
        .set("Labels", json!(service_labels))
        .set("TaskTemplate", task.finish())
        .set("Mode", mode)
        .maybe("UpdateConfig", deploy.update_config.as_ref().map(update))
        .maybe("RollbackConfig", deploy.rollback_config.as_ref().map(update))
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

/// The service mode.
///
/// # Errors
/// An unknown mode, or a global service with replicas.
fn mode(service: &Service) -> Result<Value, Fault> {
    let deploy = &service.deploy;
    let mark = service.mark_of("deploy");
    let key = match deploy.mode.as_str() {
        "" | "replicated" => {
            let body = Body::default().maybe("Replicas", deploy.replicas);
            return Ok(json!({"Replicated": body.finish()}));
        }
        "replicated-job" => {
            let body = Body::default()
                .maybe("MaxConcurrent", deploy.replicas)
                .maybe("TotalCompletions", deploy.replicas);
            return Ok(json!({"ReplicatedJob": body.finish()}));
        }
        "global" => "Global",
        "global-job" => "GlobalJob",
        other => {
            return Err(Fault::at(
                mark,
                format!("service {}: Unknown mode: {other}", service.name),
            )
            .hint("modes are replicated, global, replicated-job and global-job"));
        }
    };
    if deploy.replicas.is_some() {
        return Err(Fault::at(
            mark,
            format!(
                "service {}: replicas can only be used with replicated or replicated-job mode",
                service.name
            ),
        ));
    }
    Ok(json!({key: {}}))
}

/// An update or rollback policy. The default of `parallelism` is 1.
fn update(config: &UpdateConfig) -> Value {
    Body::default()
        .set("Parallelism", config.parallelism.unwrap_or(1))
        .number("Delay", config.delay)
        .text("FailureAction", &config.failure_action)
        .number("Monitor", config.monitor)
        .set("MaxFailureRatio", ratio(config.max_failure_ratio))
        .set("Order", config.order.as_str())
        .finish()
}

/// Checks the failure ratios.
///
/// # Errors
/// A ratio is too large for the client's 32-bit float: JSON has no infinity.
fn check_ratios(service: &Service) -> Result<(), Fault> {
    let configs = [&service.deploy.update_config, &service.deploy.rollback_config];
    if configs.into_iter().flatten().all(|config| config.max_failure_ratio.is_finite()) {
        return Ok(());
    }
    Err(Fault::at(
        service.mark_of("deploy"),
        format!("service {}: json: unsupported value: +Inf (max_failure_ratio)", service.name),
    ))
}

/// Go writes a float without a fraction as an integer.
fn ratio(number: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only small whole numbers are cast")]
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}

/// When a task is replaced: `deploy.restart_policy`, or else the service's `restart`.
///
/// # Errors
/// A `restart` that the client does not know.
fn restart(service: &Service) -> Result<Option<Value>, Fault> {
    if let Some(policy) = &service.deploy.restart_policy {
        let body = Body::default()
            .text("Condition", &policy.condition)
            .maybe("Delay", policy.delay)
            .maybe("MaxAttempts", policy.max_attempts)
            .maybe("Window", policy.window);
        return Ok(Some(body.finish()));
    }
    let restart = service.restart.as_str();
    let refuse = |message: &str| {
        Fault::at(service.mark_of("restart"), format!("service {}: {message}", service.name))
    };
    let (name, count) = restart.split_once(':').unwrap_or((restart, ""));
    if name.is_empty() && restart.contains(':') {
        return Err(refuse("invalid restart policy format: no policy provided before colon"));
    }
    let count = match count {
        "" => 0,
        count => golang::atoi(count).ok_or_else(|| {
            refuse("invalid restart policy format: maximum retry count must be an integer")
        })?,
    };
    match name {
        "" | "no" => Ok(None),
        "always" | "unless-stopped" => Ok(Some(json!({"Condition": "any"}))),
        // The client's field is unsigned: -1 wraps to the largest number.
        #[expect(clippy::cast_sign_loss, reason = "as the client does")]
        "on-failure" => Ok(Some(json!({"Condition": "on-failure", "MaxAttempts": count as u64}))),
        _ => Err(refuse(&format!("unknown restart policy: {restart}"))),
    }
}

/// Limits and reservations.
///
/// # Errors
/// A number of CPUs that the client cannot read.
fn resources(service: &Service) -> Result<Value, Fault> {
    let resources = &service.deploy.resources;
    let mut body = Body::default();
    if let Some(limits) = &resources.limits {
        body = body.set("Limits", share(service, limits)?.number("Pids", limits.pids).finish());
    }
    if let Some(reservations) = &resources.reservations {
        let generic = reservations.generic_resources.iter().map(generic).collect();
        let share = share(service, reservations)?.list::<Value>("GenericResources", generic);
        body = body.set("Reservations", share.finish());
    }
    Ok(body.finish())
}

fn share(service: &Service, share: &Share) -> Result<Body, Fault> {
    let cpus = match share.cpus.as_str() {
        "" => 0,
        text => golang::nano_cpus(text).map_err(|fault| {
            let reason = match fault {
                CpuFault::NotRational => format!("failed to parse {text} as a rational number"),
                CpuFault::TooPrecise => "value is too precise".to_owned(),
            };
            Fault::at(share.cpus_mark, format!("service {}: {reason}", service.name))
        })?,
    };
    Ok(Body::default().number("NanoCPUs", cpus).number("MemoryBytes", share.memory))
}

fn generic(resource: &GenericResource) -> Value {
    let spec = resource
        .as_ref()
        .map(|(kind, value)| Body::default().text("Kind", kind).number("Value", *value).finish());
    Body::default().maybe("DiscreteResourceSpec", spec).finish()
}

/// The endpoint specification, with ports sorted by published port.
fn endpoint(service: &Service) -> Value {
    let mut ports: Vec<_> = service.ports.iter().flatten().collect();
    ports.sort_by_key(|port| port.published);
    let ports: Vec<Value> = ports
        .into_iter()
        .map(|port| {
            Body::default()
                .text("Protocol", &port.protocol)
                .number("TargetPort", port.target)
                .number("PublishedPort", port.published)
                .text("PublishMode", &port.mode)
                .finish()
        })
        .collect();
    Body::default()
        .text("Mode", &service.deploy.endpoint_mode.to_lowercase())
        .list("Ports", ports)
        .finish()
}
