//! The container specification of a service.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::mounts::mounts;
use super::{Body, labels, scope};
use crate::stack::fault::Fault;
use crate::stack::image_name;
use crate::stack::model::{Config, MaybeTexts, Service, Ulimit};

/// The container specification; `secrets` and `configs` are the finished references.
///
/// # Errors
/// A fault in the health check, the mounts or the credential specification.
pub(super) fn container(
    service: &Service,
    config: &Config,
    namespace: &str,
    secrets: Vec<Value>,
    configs: Vec<Value>,
) -> Result<Value, Fault> {
    let (cap_add, cap_drop) = capabilities(&service.cap_add, &service.cap_drop);
    let body = Body::default()
        .text("Image", &image_name::with_tag(&service.image))
        .texts("Labels", &labels(namespace, &service.labels))
        .list("Command", service.entrypoint.clone())
        .list("Args", service.command.clone())
        .text("Hostname", &service.hostname)
        .list("Env", environment(&service.environment))
        .text("Dir", &service.working_dir)
        .text("User", &service.user)
        .set("Privileges", privileges(service, namespace, &configs)?)
        .maybe("Init", service.init)
        .text("StopSignal", &service.stop_signal)
        .flag("TTY", service.tty)
        .flag("OpenStdin", service.stdin_open)
        .flag("ReadOnly", service.read_only)
        .list("Mounts", mounts(service, &config.volumes, namespace)?)
        .maybe("StopGracePeriod", service.stop_grace_period)
        .maybe("Healthcheck", healthcheck(service)?)
        .list("Hosts", hosts(&service.extra_hosts))
        .maybe("DNSConfig", dns(service))
        .list("Secrets", secrets)
        .list("Configs", configs)
        .text("Isolation", &service.isolation)
        .texts("Sysctls", &service.sysctls)
        .list("CapabilityAdd", cap_add)
        .list("CapabilityDrop", cap_drop)
        .list("Ulimits", service.ulimits.iter().map(ulimit).collect::<Vec<Value>>());
    Ok(body.finish())
}

/// `KEY=value`, or the key alone, sorted by bytes.
fn environment(variables: &MaybeTexts) -> Vec<String> {
    let mut list: Vec<String> = variables
        .iter()
        .map(|(key, value)| match value {
            Some(value) => format!("{key}={value}"),
            None => key.clone(),
        })
        .collect();
    list.sort();
    list
}

/// Converts `host:ip` to the engine's `ip host`.
fn hosts(extra_hosts: &[String]) -> Vec<String> {
    let pairs = extra_hosts.iter().filter_map(|line| line.split_once(':'));
    pairs.map(|(host, ip)| format!("{ip} {host}")).collect()
}

/// The DNS settings. Empty lists make an empty specification, absent ones make none.
fn dns(service: &Service) -> Option<Value> {
    if service.dns.is_none() && service.dns_search.is_none() {
        return None;
    }
    let body = Body::default()
        .list("Nameservers", service.dns.clone().unwrap_or_default())
        .list("Search", service.dns_search.clone().unwrap_or_default());
    Some(body.finish())
}

fn ulimit((name, limit): (&String, &Ulimit)) -> Value {
    let (soft, hard) =
        if limit.single == 0 { (limit.soft, limit.hard) } else { (limit.single, limit.single) };
    json!({"Name": name, "Hard": hard, "Soft": soft})
}

/// Capabilities to add and to drop, in their full form, sorted. `ALL` replaces all others; adding
/// wins over dropping.
fn capabilities(add: &[String], drop: &[String]) -> (Vec<String>, Vec<String>) {
    let add = capability_set(add);
    let drop = capability_set(drop);
    let keep = |name: &&String| name.as_str() != "RESET";
    let dropped = drop.iter().filter(|name| !add.contains(*name)).filter(keep).cloned().collect();
    (add.iter().filter(keep).cloned().collect(), dropped)
}

fn capability_set(names: &[String]) -> BTreeSet<String> {
    let names: BTreeSet<String> = names
        .iter()
        .map(|name| {
            let name = name.trim().to_uppercase();
            if name == "ALL" || name == "RESET" || name.starts_with("CAP_") {
                name
            } else {
                format!("CAP_{name}")
            }
        })
        .collect();
    if names.contains("ALL") { BTreeSet::from(["ALL".to_owned()]) } else { names }
}

/// Privileges, which are always sent. At most one source of a credential specification may be
/// given.
fn privileges(service: &Service, namespace: &str, configs: &[Value]) -> Result<Value, Fault> {
    let spec = &service.credential_spec;
    let refuse = |message: String| {
        Fault::at(
            service.mark_of("credential_spec"),
            format!("service {}: {message}", service.name),
        )
    };
    let given: Vec<&str> =
        [("\"Config\"", &spec.config), ("\"File\"", &spec.file), ("\"Registry\"", &spec.registry)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, _)| name)
            .collect();
    let sent = match given.as_slice() {
        [] => Value::Null,
        [_] => {
            let mut config = String::new();
            if !spec.config.is_empty() {
                // When the stack is deployed, an id replaces this name; the reference
                // has the name to look up.
                let scoped = scope(namespace, &spec.config);
                let known = configs.iter().any(|reference| {
                    reference["ConfigName"] == spec.config.as_str()
                        || reference["ConfigName"] == scoped.as_str()
                });
                if !known {
                    return Err(refuse(format!(
                        "invalid credential spec: spec specifies config {}, but no such config can be found",
                        spec.config
                    )));
                }
                config.clone_from(&spec.config);
            }
            json!({"Config": config, "File": spec.file, "Registry": spec.registry})
        }
        [one, other] => {
            return Err(refuse(format!(
                "invalid credential spec: cannot specify both {one} and {other}"
            )));
        }
        [others @ .., last] => {
            let others = others.join(", ");
            return Err(refuse(format!(
                "invalid credential spec: cannot specify both {others}, and {last}"
            )));
        }
    };
    Ok(json!({"CredentialSpec": sent, "SELinuxContext": null, "NoNewPrivileges": false}))
}

/// The health check, if the service has one.
///
/// # Errors
/// The check is disabled and has a test.
fn healthcheck(service: &Service) -> Result<Option<Value>, Fault> {
    let Some(check) = &service.healthcheck else { return Ok(None) };
    if check.disable {
        if !check.test.is_empty() {
            return Err(Fault::at(
                service.mark_of("healthcheck"),
                format!("service {}: test and disable can't be set at the same time", service.name),
            ));
        }
        return Ok(Some(json!({"Test": ["NONE"]})));
    }
    // The client's field is signed: a huge number wraps.
    #[expect(clippy::cast_possible_wrap, reason = "as the client does")]
    let retries = check.retries.unwrap_or_default() as i64;
    let body = Body::default()
        .list("Test", check.test.clone())
        .number("Interval", check.interval.unwrap_or_default())
        .number("Timeout", check.timeout.unwrap_or_default())
        .number("StartPeriod", check.start_period.unwrap_or_default())
        .number("StartInterval", check.start_interval.unwrap_or_default())
        .number("Retries", retries);
    Ok(Some(body.finish()))
}

#[cfg(test)]
mod tests {
    use super::capabilities;

    #[test]
    fn adding_wins_and_all_absorbs() {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let (add, drop) =
            capabilities(&list(&["net_admin", " CAP_sys_time"]), &list(&["NET_ADMIN", "chown"]));
        assert_eq!(add, ["CAP_NET_ADMIN", "CAP_SYS_TIME"]);
        assert_eq!(drop, ["CAP_CHOWN"]);
        let (add, drop) = capabilities(&list(&["a", "all"]), &list(&["ALL", "b", "reset"]));
        assert_eq!((add, drop), (list(&["ALL"]), list(&[])));
    }
}
