//! How the replicas of a service behave, from its spec and its image: towards Swarm and towards those
//! who ask them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::faults::{Faults, faulty_slots};
use super::health_test::{Asked, Check};
use super::upstream::{Upstream, is_proxy};
use crate::Offset;
use crate::image::{COMPANION_APP, COMPANION_PROGRAM};
use crate::probe::ProbeOrder;
use crate::stack::ServiceBody;
use crate::swarm_model::{Behaviour, Behaviours, Exception, Spec, StartResult, Version};

/// An image of which nothing is known is ready this long after its start, and ends this long after
/// its stop signal.
const BOOT: Offset = Offset::from_millis(1_000);
const STOP: Offset = Offset::from_millis(500);
/// How long the app finishes open requests after its stop signal; what is not known is taken to be like
/// it.
const STOP_TIMEOUT: Offset = Offset::from_millis(8_000);
/// The app's port.
const APP_PORT: u16 = 8000;

/// What runs in a replica.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// The example app.
    App {
        /// With the pages of the playground.
        playground: bool,
        /// Several processes: one that ends is replaced, and the container stays.
        workers: bool,
    },
    /// A proxy in front of another service.
    Proxy(Upstream),
    /// The prober inside the network, with its order.
    Prober(String),
    /// Anything else: it answers every request.
    Unknown,
}

/// How a replica behaves towards those who ask it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Manner {
    pub(super) kind: Kind,
    /// The ports on which it listens; empty for all.
    pub(super) ports: Vec<u16>,
    /// When it listens.
    pub(super) listens_after: Offset,
    /// How long it finishes open requests after its stop signal, at most.
    pub(super) stop_timeout: Offset,
    pub(super) faults: Faults,
    /// Its environment, with placeholders.
    pub(super) env: BTreeMap<String, String>,
}

/// A version of a service, as it behaves.
#[derive(Debug, Clone)]
pub(super) struct Interpreted {
    pub(super) version: Version,
    usual: Manner,
    faulty: Option<(Vec<u64>, Manner)>,
}

impl Interpreted {
    /// The image is there, or is not.
    pub(super) fn has_image(&mut self, there: bool) {
        let start = if there { StartResult::Starts } else { StartResult::ImageMissing };
        let behaviours = &mut self.version.behaviours;
        behaviours.usual.start = start;
        for exception in &mut behaviours.exceptions {
            exception.behaviour.start = start;
        }
    }

    /// The manner of the replicas in a slot.
    pub(super) fn manner(&self, slot: u64) -> &Manner {
        match &self.faulty {
            Some((slots, manner)) if slots.contains(&slot) => manner,
            _ => &self.usual,
        }
    }
}

/// What is known beside the spec.
pub(super) struct Known<'a> {
    /// The image's `Config`; absent if no node can have it.
    pub(super) image: Option<&'a Value>,
    /// The content of a config by its id, in base64.
    pub(super) config: &'a dyn Fn(&str) -> Option<String>,
}

/// How a service behaves.
pub(super) fn interpret(body: &ServiceBody, known: &Known) -> Interpreted {
    let none = Value::Null;
    let image = known.image.unwrap_or(&none);
    let of_image = image.get("Healthcheck").filter(|check| check.is_object());
    let spec = Spec::of(body, of_image);
    let container = &body.as_value()["TaskTemplate"]["ContainerSpec"];
    let env = environment(&[image, container]);
    let words = |value: &Value| -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words.filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let (command, args) = (words(&container["Command"]), words(&container["Args"]));
    let entry = if command.is_empty() { words(&image["Entrypoint"]) } else { command.clone() };
    let program = entry.first().map(String::as_str).unwrap_or_default();
    let all: Vec<&str> = entry.iter().chain(&args).map(String::as_str).collect();
    let option = |name: &str| {
        let at = all.iter().position(|word| *word == name)?;
        all.get(at + 1).copied()
    };
    let kind = match program {
        COMPANION_PROGRAM if all.get(1) == Some(&"probe-agent") => {
            Kind::Prober(env.get(ProbeOrder::VARIABLE).cloned().unwrap_or_default())
        }
        COMPANION_APP => Kind::App {
            playground: all.contains(&"--playground")
                || env.get("ROLLPROOF_PLAYGROUND").is_some_and(|on| on == "true" || on == "1"),
            workers: all.contains(&"--workers") || env.contains_key("ROLLPROOF_WORKERS"),
        },
        _ => proxy(body, container, known, &env).map_or(Kind::Unknown, Kind::Proxy),
    };
    let app = matches!(kind, Kind::App { .. });
    let port = |text: &str| text.parse::<u16>().ok();
    let own_port = env.get("ROLLPROOF_PORT").and_then(|text| port(text)).unwrap_or(APP_PORT);
    let ports = match &kind {
        Kind::App { .. } => vec![option("--port").and_then(port).unwrap_or(own_port)],
        Kind::Prober(_) => vec![0],
        Kind::Proxy(_) | Kind::Unknown => known_ports(body, image),
    };
    let own = Faults::read(&env);
    let faults = if app { own.clone().unwrap_or_default() } else { Faults::default() };
    let stop_timeout =
        option("--stop-timeout").and_then(|text| humantime::parse_duration(text).ok());
    let memory = container_limit(body);
    let test = spec.health.as_ref().map(|check| check.test.clone()).unwrap_or_default();
    let behaviour = |faults: &Faults| {
        let asked = Asked {
            app,
            ports: &ports,
            answers_well: faults.answer_status.is_none_or(|status| status < 400),
            own_port,
        };
        let check = if spec.health.is_some() { asked.by(&test) } else { Check::Listening };
        let mut behaviour = faults.behaviour(check, stop_timeout.map(Offset::from), memory);
        if kind == Kind::Unknown {
            behaviour.boot = if check == Check::Always { Offset::ZERO } else { BOOT };
            behaviour.stop.time = Some(STOP);
        }
        if app && own.is_err() {
            // A wrong value ends the app at once.
            behaviour = behaviour.exits(Offset::ZERO, 2);
        }
        if known.image.is_none() {
            behaviour.start = StartResult::ImageMissing;
        }
        behaviour
    };
    let manner = |faults: Faults| Manner {
        kind: kind.clone(),
        ports: ports.clone(),
        stop_timeout: stop_timeout.map_or(STOP_TIMEOUT, Offset::from),
        listens_after: if kind == Kind::Unknown { BOOT } else { faults.listens_after() },
        faults,
        env: env.clone(),
    };
    let slots = if app { faulty_slots(&env, spec.replicas) } else { None };
    let (behaviours, usual, exceptional) = match slots {
        None => (behaviour(&faults).into(), manner(faults), None),
        Some(slots) => {
            let sound = Faults::default();
            (
                some_faulty(behaviour(&sound), &slots, behaviour(&faults)),
                manner(sound),
                Some((slots, manner(faults))),
            )
        }
    };
    Interpreted { version: Version { spec, behaviours }, usual, faulty: exceptional }
}

fn some_faulty(usual: Behaviour, slots: &[u64], behaviour: Behaviour) -> Behaviours {
    // An exception without slots is about all of them.
    let exception = (!slots.is_empty()).then(|| Exception {
        slots: slots.to_vec(),
        share: 1.0,
        first_tasks: 0,
        behaviour,
    });
    Behaviours { usual, exceptions: exception.into_iter().collect() }
}

/// The environment: the image's, then the service's.
fn environment(from: &[&Value]) -> BTreeMap<String, String> {
    let entries = from.iter().flat_map(|of| of["Env"].as_array().into_iter().flatten());
    let pairs = entries.filter_map(|entry| entry.as_str()?.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The ports that the image exposes, that the service publishes, or that its labels tell a proxy.
fn known_ports(body: &ServiceBody, image: &Value) -> Vec<u16> {
    let exposed = image["ExposedPorts"].as_object().into_iter().flat_map(|ports| ports.keys());
    let exposed = exposed.filter_map(|name| name.split('/').next()?.parse().ok());
    let published = body.published_ports().into_iter().map(|port| port.target);
    let mut ports: Vec<u16> = exposed.chain(published).chain(body.routed_ports()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// The limit of a task's memory, in bytes.
fn container_limit(body: &ServiceBody) -> Option<f64> {
    let limits = &body.as_value()["TaskTemplate"]["Resources"]["Limits"];
    limits["MemoryBytes"].as_f64().filter(|bytes| *bytes > 0.0)
}

/// The upstream of a proxy: of the first of its configs that names one.
fn proxy(
    body: &ServiceBody,
    container: &Value,
    known: &Known,
    env: &BTreeMap<String, String>,
) -> Option<Upstream> {
    if !is_proxy(body.image()) {
        return None;
    }
    let configs = container["Configs"].as_array().into_iter().flatten();
    configs
        .filter_map(|config| (known.config)(config["ConfigID"].as_str()?))
        .filter_map(|data| String::from_utf8(STANDARD.decode(data).ok()?).ok())
        .find_map(|text| Upstream::read(&text, env))
}

/// Replaces the placeholders that Swarm knows in environment variables.
pub(super) fn fill_in(template: &str, of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut parts = template.split("{{");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some((name, rest)) = part.split_once("}}") {
            all.push_str(&of(name.trim().trim_start_matches('.')).unwrap_or_default());
            all.push_str(rest);
        } else {
            all.push_str("{{");
            all.push_str(part);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn interpreted(container: &Value) -> Interpreted {
        let image = json!({"Entrypoint": ["/rollproof-app"], "ExposedPorts": {"8000/tcp": {}},
            "Healthcheck": {"Test": ["CMD", "/rollproof-app", "health"]}, "Env": ["ROLLPROOF_VERSION=v1"]});
        let body = ServiceBody::new(json!({"Name": "s", "Mode": {"Replicated": {"Replicas": 6}},
            "TaskTemplate": {"ContainerSpec": container}}));
        interpret(&body, &Known { image: Some(&image), config: &|_| None })
    }

    #[test]
    fn the_app_is_known_with_its_faults_in_some_slots() {
        let sound = interpreted(&json!({"Image": "rollproof/app:v1"}));
        assert_eq!(sound.manner(4).ports, [8000]);
        assert!(sound.version.behaviours.of(4, 1, 0).checks.is_empty());
        let one = interpreted(&json!({"Image": "rollproof/app:v1",
            "Env": ["ROLLPROOF_UNHEALTHY_AFTER=0s", "ROLLPROOF_FAULT_SLOTS=4"]}));
        assert!(one.version.behaviours.of(1, 1, 0).checks.is_empty());
        assert_eq!(one.version.behaviours.of(4, 1, 0).checks.len(), 1);
        assert!(one.manner(4).faults.unhealthy_after.is_some());
        assert!(one.manner(1).faults.unhealthy_after.is_none());
        let port = interpreted(&json!({"Image": "rollproof/app:v1", "Args": ["--port", "9000"]}));
        assert_eq!(port.manner(1).ports, [9000]);
        assert_eq!(port.version.behaviours.usual.checks.len(), 1, "its check asks port 8000");
    }

    #[test]
    fn placeholders_are_filled_in() {
        let of = |name: &str| (name == "Task.Slot").then(|| "3".to_owned());
        assert_eq!(fill_in("a{{.Task.Slot}}b{{ .X }}c{{", &of), "a3bc{{");
    }
}
