//! Resources.

use serde_json::Value;

use super::body::Body;
use crate::stack::fault::Fault;
use crate::stack::golang::{self, CpuFault};
use crate::stack::model::{GenericResource, Service, Share};

/// Limits and reservations.
///
/// # Errors
/// A number of CPUs the client does not understand.
pub(super) fn resources(service: &Service) -> Result<Value, Fault> {
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
