//! The spec of a service as the engine takes it: checked, and with what the engine adds.

use serde_json::{Value, json};

use super::Reply;
use crate::simulated::swarm::Swarm;
use crate::stack::ServiceBody;

/// Checks a spec and fills in what the engine does.
pub(super) fn accepted(swarm: &Swarm, mut spec: Value) -> Result<Value, Reply> {
    let invalid = |message: String| {
        Reply::error(400, format!("rpc error: code = InvalidArgument desc = {message}"))
    };
    let body = ServiceBody::new(spec.clone());
    let name = body.name();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() > 63
        || !name.chars().all(fits)
        || !edge(name.chars().next())
        || !edge(name.chars().next_back())
    {
        return Err(invalid("name must be valid as a DNS name component".to_owned()));
    }
    if body.image().is_empty() {
        return Err(invalid("ContainerSpec: image reference must be provided".to_owned()));
    }
    if body.is_job() {
        return Err(Reply::error(501, "jobs are not part of the simulated engine"));
    }
    for key in ["UpdateConfig", "RollbackConfig"] {
        if let Some(action) = spec[key]["FailureAction"].as_str()
            && !["", "pause", "continue", "rollback"].contains(&action)
        {
            return Err(Reply::error(400, format!("unrecognized update failure action {action}")));
        }
        let ratio = spec[key]["MaxFailureRatio"].as_f64().unwrap_or(0.0);
        if !(0.0..=1.0).contains(&ratio) {
            return Err(invalid(
                "TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1"
                    .to_owned(),
            ));
        }
    }
    // Go reads keys in any case; the others go by this spelling.
    rename(&mut spec["TaskTemplate"]["ContainerSpec"], "HealthCheck", "Healthcheck");
    let networks = spec["TaskTemplate"]["Networks"].as_array().cloned();
    let networks = networks.or_else(|| spec["Networks"].as_array().cloned());
    if let Some(mut networks) = networks {
        for network in &mut networks {
            let target = network["Target"].as_str().unwrap_or_default().to_owned();
            let found = swarm.networks.iter().find(|one| one.id == target || one.name == target);
            let Some(found) = found else {
                return Err(Reply::not_found("network", &target));
            };
            network["Target"] = json!(found.id);
        }
        spec["TaskTemplate"]["Networks"] = json!(networks);
        if let Some(map) = spec.as_object_mut() {
            map.remove("Networks");
        }
    }
    for (kind, id, list) in [("config", "ConfigID", "Configs"), ("secret", "SecretID", "Secrets")] {
        let used = spec["TaskTemplate"]["ContainerSpec"][list].as_array().into_iter().flatten();
        for used in used {
            let wanted = used[id].as_str().unwrap_or_default();
            if swarm.object(list.to_lowercase().as_str(), wanted).is_none() {
                return Err(invalid(format!("{kind} {wanted} not found")));
            }
        }
    }
    default(&mut spec["TaskTemplate"], "Runtime", json!("container"));
    default(&mut spec["TaskTemplate"], "ForceUpdate", json!(0));
    default(&mut spec["TaskTemplate"]["ContainerSpec"], "Isolation", json!("default"));
    if spec["Mode"].get("Global").is_none() {
        default(&mut spec["Mode"], "Replicated", json!({ "Replicas": 1 }));
        default(&mut spec["Mode"]["Replicated"], "Replicas", json!(1));
    }
    default(&mut spec["EndpointSpec"], "Mode", json!("vip"));
    default(&mut spec, "Labels", json!({}));
    for port in spec["EndpointSpec"]["Ports"].as_array_mut().into_iter().flatten() {
        default(port, "Protocol", json!("tcp"));
        default(port, "PublishMode", json!("ingress"));
    }
    Ok(spec)
}

fn default(place: &mut Value, key: &str, value: Value) {
    if !place.is_object() {
        *place = json!({});
    }
    if place.get(key).is_none_or(|there| there.is_null() || there == "") {
        place[key] = value;
    }
}

fn rename(place: &mut Value, from: &str, to: &str) {
    if let Some(map) = place.as_object_mut()
        && let Some(value) = map.remove(from)
    {
        map.insert(to.to_owned(), value);
    }
}
