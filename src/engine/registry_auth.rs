//! Registry logins of the docker CLI.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::json;

/// The CLI's key for the login of the public registry.
const PUBLIC: &str = "https://index.docker.io/v1/";

/// The logins in `config.json`: plain ones, and those of credential helpers.
#[derive(Debug, Default, Deserialize)]
pub struct RegistryAuth {
    #[serde(default)]
    auths: BTreeMap<String, Login>,
    #[serde(rename = "credsStore", default)]
    store: String,
    #[serde(rename = "credHelpers", default)]
    helpers: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
struct Login {
    #[serde(default)]
    auth: String,
    #[serde(rename = "identitytoken", default)]
    identity_token: String,
}

impl Login {
    fn decode(&self) -> Option<serde_json::Value> {
        if !self.identity_token.is_empty() {
            return Some(json!({"identitytoken": self.identity_token}));
        }
        let plain = String::from_utf8(STANDARD.decode(&self.auth).ok()?).ok()?;
        let (username, password) = plain.split_once(':')?;
        Some(json!({"username": username, "password": password.trim_end_matches('\0')}))
    }
}

#[derive(Deserialize)]
struct HelperAnswer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: String,
}

impl RegistryAuth {
    /// Reads the CLI's configuration (`DOCKER_CONFIG`, else `~/.docker`). Without one, there are no
    /// logins.
    #[must_use]
    pub fn of_cli() -> Self {
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".docker")));
        let text = folder.and_then(|folder| std::fs::read(folder.join("config.json")).ok());
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// The `X-Registry-Auth` header for an image's registry, if there is a login.
    #[must_use]
    pub fn header(&self, image: &str) -> Option<String> {
        let registry = registry(image);
        let helper = self.helpers.get(registry).unwrap_or(&self.store);
        let mut login = if helper.is_empty() {
            self.auths.get(registry)?.decode()?
        } else {
            ask_helper(helper, registry)?
        };
        login["serveraddress"] = json!(registry);
        Some(URL_SAFE.encode(login.to_string()))
    }
}

/// The registry of an image reference: its first part, if that is a host name.
fn registry(image: &str) -> &str {
    match image.split_once('/') {
        Some(("docker.io" | "index.docker.io", _)) => PUBLIC,
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => PUBLIC,
    }
}

/// Asks a credential helper, as specified by docker/docker-credential-helpers.
fn ask_helper(helper: &str, registry: &str) -> Option<serde_json::Value> {
    let mut child = Command::new(format!("docker-credential-{helper}"))
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(registry.as_bytes()).ok()?;
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let answer: HelperAnswer = serde_json::from_slice(&output.stdout).ok()?;
    Some(if answer.username == "<token>" {
        json!({"identitytoken": answer.secret})
    } else {
        json!({"username": answer.username, "password": answer.secret})
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_the_first_part_if_it_is_a_host() {
        for (image, expected) in [
            ("nginx:1", PUBLIC),
            ("me/app", PUBLIC),
            ("docker.io/me/app", PUBLIC),
            ("localhost/app", "localhost"),
            ("reg.example:5000/a/b:1", "reg.example:5000"),
            ("ghcr.io/a/b@sha256:0", "ghcr.io"),
        ] {
            assert_eq!(registry(image), expected, "{image}");
        }
    }

    #[test]
    fn a_plain_login_becomes_the_header() {
        let config = json!({"auths": {"ghcr.io": {"auth": STANDARD.encode("me:se:cret")}}});
        let auth: RegistryAuth = serde_json::from_value(config).unwrap();
        let header = URL_SAFE.decode(auth.header("ghcr.io/a/b").unwrap()).unwrap();
        let login: serde_json::Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(
            login,
            json!({"username": "me", "password": "se:cret", "serveraddress": "ghcr.io"})
        );
        assert_eq!(auth.header("nginx"), None);
    }
}
