//! A setting of a service with another value: `monitor=15s`.

use crate::Offset;
use crate::stack::{Paste, ServiceOption, duration, show_duration};
use crate::swarm::{FailureAction, HealthCheck, Order, UpdatePolicy};
use crate::swarm_model::Spec;

/// A setting of a service with another value.
#[derive(Debug, Clone)]
pub struct Tweak {
    key: &'static Key,
    value: String,
}

/// A setting that can be given another value.
#[derive(Debug)]
struct Key {
    /// Its name, as in [`Stack::setting_places`](crate::stack::Stack::setting_places).
    name: &'static str,
    /// Its value, spelled as in a stack file.
    get: fn(&Spec) -> String,
    set: fn(&mut Spec, &str) -> Result<(), String>,
}

/// What users may leave out before the name of a setting.
const SHORT: &str = "update_config.";

const KEYS: &[Key] = &[
    Key {
        name: "update_config.parallelism",
        get: |spec| spec.update.parallelism.to_string(),
        set: |spec, text| number(text, 0).map(|value| spec.update.parallelism = value),
    },
    Key {
        name: "update_config.order",
        get: |spec| spec.update.order.to_string(),
        set: |spec, text| order(&mut spec.update, text),
    },
    Key {
        name: "update_config.delay",
        get: |spec| time(spec.update.delay),
        set: |spec, text| seconds(text).map(|value| spec.update.delay = value),
    },
    Key {
        name: "update_config.monitor",
        get: |spec| time(spec.update.monitor),
        set: |spec, text| not_zero(text).map(|value| spec.update.monitor = value),
    },
    Key {
        name: "update_config.failure_action",
        get: |spec| spec.update.failure_action.to_string(),
        set: |spec, text| failure_action(&mut spec.update, text, true),
    },
    Key {
        name: "update_config.max_failure_ratio",
        get: |spec| spec.update.max_failure_ratio.to_string(),
        set: |spec, text| ratio(text).map(|value| spec.update.max_failure_ratio = value),
    },
    Key {
        name: "rollback_config.parallelism",
        get: |spec| spec.rollback.parallelism.to_string(),
        set: |spec, text| number(text, 0).map(|value| spec.rollback.parallelism = value),
    },
    Key {
        name: "rollback_config.order",
        get: |spec| spec.rollback.order.to_string(),
        set: |spec, text| order(&mut spec.rollback, text),
    },
    Key {
        name: "rollback_config.delay",
        get: |spec| time(spec.rollback.delay),
        set: |spec, text| seconds(text).map(|value| spec.rollback.delay = value),
    },
    Key {
        name: "rollback_config.monitor",
        get: |spec| time(spec.rollback.monitor),
        set: |spec, text| not_zero(text).map(|value| spec.rollback.monitor = value),
    },
    Key {
        name: "rollback_config.failure_action",
        get: |spec| spec.rollback.failure_action.to_string(),
        set: |spec, text| failure_action(&mut spec.rollback, text, false),
    },
    Key {
        name: "rollback_config.max_failure_ratio",
        get: |spec| spec.rollback.max_failure_ratio.to_string(),
        set: |spec, text| ratio(text).map(|value| spec.rollback.max_failure_ratio = value),
    },
    Key {
        name: "healthcheck.interval",
        get: |spec| of_check(spec, |check| time(check.interval)),
        set: |spec, text| set_check(spec, not_zero(text), |check, value| check.interval = value),
    },
    Key {
        name: "healthcheck.timeout",
        get: |spec| of_check(spec, |check| time(check.timeout)),
        set: |spec, text| set_check(spec, not_zero(text), |check, value| check.timeout = value),
    },
    Key {
        name: "healthcheck.retries",
        get: |spec| of_check(spec, |check| check.retries.to_string()),
        set: |spec, text| set_check(spec, number(text, 1), |check, value| check.retries = value),
    },
    Key {
        name: "healthcheck.start_period",
        get: |spec| of_check(spec, |check| time(check.start_period)),
        set: |spec, text| set_check(spec, seconds(text), |check, value| check.start_period = value),
    },
    Key {
        name: "healthcheck.start_interval",
        get: |spec| of_check(spec, |check| check.start_interval.map_or_else(String::new, time)),
        set: |spec, text| {
            set_check(spec, not_zero(text), |check, value| check.start_interval = Some(value))
        },
    },
    Key {
        name: "stop_grace_period",
        get: |spec| time(spec.stop_grace),
        set: |spec, text| not_zero(text).map(|value| spec.stop_grace = value),
    },
    Key {
        name: "replicas",
        get: |spec| spec.replicas.to_string(),
        set: |spec, text| {
            if spec.global {
                return Err("the service has a task on each node, not replicas".to_owned());
            }
            number(text, 1).map(|value| spec.replicas = value)
        },
    },
];

/// The most replicas, and the largest other number, that a setting can have here.
const LARGEST: u64 = 10_000;

impl Tweak {
    /// Reads a name and a value, spelled as in a stack file. The name is that of the setting, such
    /// as `healthcheck.interval`; `update_config.` may be left out.
    ///
    /// # Errors
    /// An unknown name or a value that the setting cannot have, in plain words.
    pub fn new(name: &str, value: &str) -> Result<Self, String> {
        let is_named = |key: &&Key| key.name == name || key.name.strip_prefix(SHORT) == Some(name);
        let Some(key) = KEYS.iter().find(is_named) else {
            let names: Vec<&str> = KEYS.iter().map(Key::short).collect();
            return Err(format!(
                "there is no setting `{name}`; the settings are {}",
                names.join(", ")
            ));
        };
        let tweak = Self { key, value: value.to_owned() };
        let health = HealthCheck {
            test: Vec::new(),
            interval: 1.0,
            timeout: 1.0,
            retries: 1,
            start_period: 0.0,
            start_interval: None,
        };
        let mut any = Spec { health: Some(health), ..Spec::default() };
        tweak.apply(&mut any).map(|()| tweak)
    }

    /// The setting's name: `update_config.monitor`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.key.name
    }

    /// The same in short: `monitor` for `update_config.monitor`.
    #[must_use]
    pub fn short_name(&self) -> &'static str {
        self.key.short()
    }

    /// The value as it was given.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Gives the setting this value.
    ///
    /// # Errors
    /// The spec has no such setting: no health check, or a task on each node instead of replicas.
    pub fn apply(&self, spec: &mut Spec) -> Result<(), String> {
        (self.key.set)(spec, &self.value)
            .map_err(|why| format!("{}={}: {why}", self.short_name(), self.value))
    }

    /// The value that the setting has now, spelled as in a stack file; empty if it has none.
    #[must_use]
    pub fn current(&self, spec: &Spec) -> String {
        (self.key.get)(spec)
    }

    /// The setting as an option of `docker service update`.
    #[must_use]
    pub fn option(&self) -> ServiceOption {
        let name = match self.key.name.split_once('.') {
            Some(("update_config", key)) => format!("update-{key}"),
            Some(("rollback_config", key)) => format!("rollback-{key}"),
            Some((_, key)) => format!("health-{key}"),
            None => self.key.name.to_owned(),
        };
        ServiceOption { name: name.replace('_', "-"), value: self.value.clone() }
    }

    /// The setting as a line for the stack file.
    #[must_use]
    pub fn paste(&self) -> Paste {
        Paste::new(self.name(), self.value.clone())
    }
}

impl Key {
    fn short(&self) -> &'static str {
        self.name.strip_prefix(SHORT).unwrap_or(self.name)
    }
}

fn time(seconds: f64) -> String {
    show_duration(Offset::from_secs_f64(seconds))
}

fn of_check(spec: &Spec, get: fn(&HealthCheck) -> String) -> String {
    spec.health.as_ref().map_or_else(String::new, get)
}

fn number(text: &str, least: u64) -> Result<u64, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // YAML reads other numbers that begin with 0 as octal.
    let plain = digits && (text == "0" || !text.starts_with('0'));
    let number = text.parse().ok().filter(|number| plain && (least..=LARGEST).contains(number));
    number.ok_or_else(|| format!("must be a whole number from {least} to {LARGEST}"))
}

fn ratio(text: &str) -> Result<f64, String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let ratio = text.parse().ok().filter(|ratio| plain && (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "must be from 0 to 1, for example 0.2".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let time = duration(text).ok_or("write a length of time, for example 5s or 1m30s")?;
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 0.0 => Err("must not be negative".to_owned()),
        _ if seconds > 7.0 * 24.0 * 3600.0 => Err("must be at most 7 days".to_owned()),
        _ if seconds > 0.0 && seconds < 0.001 => Err("must be at least 1ms".to_owned()),
        _ => Ok(seconds),
    }
}

/// For settings whose 0 means the engine's default.
fn not_zero(text: &str) -> Result<f64, String> {
    match seconds(text)? {
        0.0 => Err("Swarm takes 0 for its default: write the time that you mean".to_owned()),
        seconds => Ok(seconds),
    }
}

fn order(policy: &mut UpdatePolicy, text: &str) -> Result<(), String> {
    policy.order = match text {
        "start-first" => Order::StartFirst,
        "stop-first" => Order::StopFirst,
        _ => return Err("must be start-first or stop-first".to_owned()),
    };
    Ok(())
}

fn failure_action(policy: &mut UpdatePolicy, text: &str, of_update: bool) -> Result<(), String> {
    policy.failure_action = match text {
        "pause" => FailureAction::Pause,
        "continue" => FailureAction::Continue,
        "rollback" if of_update => FailureAction::Rollback,
        _ if of_update => return Err("must be rollback, pause or continue".to_owned()),
        _ => return Err("must be pause or continue".to_owned()),
    };
    Ok(())
}

fn set_check<T>(
    spec: &mut Spec,
    value: Result<T, String>,
    set: fn(&mut HealthCheck, T),
) -> Result<(), String> {
    match spec.health.as_mut() {
        Some(check) => value.map(|value| set(check, value)),
        None => Err("the service has no health check in the stack file".to_owned()),
    }
}
