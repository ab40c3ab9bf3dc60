//! Which replica this is: every response says so.

use hyper::header::HeaderValue;

use crate::services::host_name;

/// What the replica says about itself. `slot` and `version` are omitted if not set.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The container's host name.
    pub instance: HeaderValue,
    /// The replica number, from `ROLLPROOF_SLOT` (in a stack: `{{.Task.Slot}}`).
    pub slot: Option<HeaderValue>,
    /// The application's version, from `ROLLPROOF_VERSION`.
    pub version: Option<HeaderValue>,
    /// The number of the process, where one replica has several.
    pub worker: Option<HeaderValue>,
    /// The container's host name, as text.
    pub host: String,
    /// The response body of `/`.
    pub greeting: String,
}

impl Identity {
    /// Reads the identity through `variable`, which looks up an environment variable.
    ///
    /// # Errors
    /// If a value cannot be sent in a header.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let hostname =
            variable("HOSTNAME").filter(|name| !name.is_empty()).unwrap_or_else(host_name);
        let header = |name: &str| {
            variable(name)
                .filter(|value| !value.is_empty())
                .map(|value| header_value(name, &value))
                .transpose()
        };
        Ok(Self {
            instance: header_value("HOSTNAME", &hostname)?,
            slot: header("ROLLPROOF_SLOT")?,
            version: header("ROLLPROOF_VERSION")?,
            worker: header("ROLLPROOF_WORKER")?,
            greeting: format!("Hello, I'm a response from this container => {hostname}"),
            host: hostname,
        })
    }
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| format!("{name} cannot be sent in a header"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_names_the_container() {
        let identity = Identity::read(|name| match name {
            "HOSTNAME" => Some("0a1b2c".to_owned()),
            "ROLLPROOF_SLOT" => Some("4".to_owned()),
            "ROLLPROOF_VERSION" => Some(String::new()),
            _ => None,
        })
        .unwrap();
        assert_eq!(identity.greeting, "Hello, I'm a response from this container => 0a1b2c");
        assert_eq!(identity.slot.unwrap(), "4");
        assert_eq!(identity.version, None, "an empty value is no value");
    }

    #[test]
    fn a_value_that_no_header_can_carry_is_named() {
        let error = Identity::read(|name| (name == "ROLLPROOF_SLOT").then(|| "a\nb".to_owned()));
        assert_eq!(error.unwrap_err(), "ROLLPROOF_SLOT cannot be sent in a header");
    }
}
