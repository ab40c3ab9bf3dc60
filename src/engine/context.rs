//! Selects the engine: flags, environment, docker contexts.
//!
//! Order as in the docker CLI: `--host` > `DOCKER_HOST` > `DOCKER_CONTEXT` > `currentContext`
//! of the CLI's configuration > the default socket.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::DockerHost;
use crate::error::{Error, Result};

/// The selected engine, and what selected it.
#[derive(Debug, Clone)]
pub struct HostChoice {
    /// Where it listens.
    pub host: DockerHost,
    /// What selected it, for messages: `--host`, `DOCKER_HOST`, `context prod`, `the default socket`.
    pub source: String,
    /// Whether the user selected it; if not, it is the default.
    pub explicit: bool,
}

#[derive(Deserialize)]
struct CliConfig {
    #[serde(rename = "currentContext", default)]
    current_context: String,
}

#[derive(Deserialize)]
struct ContextMeta {
    #[serde(rename = "Endpoints", default)]
    endpoints: BTreeMap<String, ContextEndpoint>,
}

#[derive(Deserialize)]
struct ContextEndpoint {
    #[serde(rename = "Host", default)]
    host: String,
    #[serde(rename = "SkipTLSVerify", default)]
    skip_tls_verify: bool,
}

/// Selects the engine. `env` looks up environment variables.
///
/// # Errors
/// When the given address or context cannot be used.
pub fn resolve_host(
    flag: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<HostChoice> {
    let env = |key: &str| env(key).filter(|value| !value.is_empty());
    let config_dir = env("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| env("HOME").map(|home| Path::new(&home).join(".docker")));
    let named = flag
        .map(|host| (host.to_owned(), "--host"))
        .or_else(|| env("DOCKER_HOST").map(|host| (host, "DOCKER_HOST")));
    if let Some((address, source)) = named {
        let host = DockerHost::parse(&address)?;
        let host = with_env_tls(host, &env, config_dir.as_deref());
        return Ok(HostChoice { host, source: source.into(), explicit: true });
    }
    let default = || HostChoice {
        host: DockerHost::local_default(),
        source: "the default socket".into(),
        explicit: false,
    };
    let Some(config_dir) = config_dir else { return Ok(default()) };
    let context = match env("DOCKER_CONTEXT") {
        Some(context) => Some(context),
        None => current_context(&config_dir)?,
    };
    match context.as_deref() {
        None | Some("" | "default") => Ok(default()),
        Some(name) => Ok(HostChoice {
            host: context_host(&config_dir, name)?,
            source: format!("context {name}"),
            explicit: true,
        }),
    }
}

/// Uses TLS for a TCP address if `DOCKER_TLS_VERIFY` or `DOCKER_TLS` is set.
fn with_env_tls(
    host: DockerHost,
    env: &dyn Fn(&str) -> Option<String>,
    config_dir: Option<&Path>,
) -> DockerHost {
    let verify = env("DOCKER_TLS_VERIFY").is_some();
    let use_tls = verify || env("DOCKER_TLS").is_some();
    match host {
        DockerHost::Tcp { host, port } if use_tls => {
            let dir = env("DOCKER_CERT_PATH").map(PathBuf::from);
            let dir = dir.or_else(|| config_dir.map(Path::to_path_buf)).unwrap_or_default();
            tls_host(host, port, &dir, verify)
        }
        other => other,
    }
}

fn tls_host(host: String, port: u16, dir: &Path, verify: bool) -> DockerHost {
    let file = |name: &str| Some(dir.join(name)).filter(|path| path.is_file());
    DockerHost::Tls {
        host,
        port,
        ca: file("ca.pem"),
        identity: file("cert.pem").zip(file("key.pem")),
        verify,
    }
}

fn current_context(config_dir: &Path) -> Result<Option<String>> {
    let path = config_dir.join("config.json");
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let config: CliConfig = serde_json::from_str(&text).map_err(|error| {
        Error::environment(format!("cannot read docker configuration {}", path.display()))
            .caused_by(error)
    })?;
    Ok(Some(config.current_context).filter(|name| !name.is_empty()))
}

/// The engine of a context. Its folder is named after the SHA-256 of the context's name (docker/cli
/// `cli/context/store`).
fn context_host(config_dir: &Path, name: &str) -> Result<DockerHost> {
    let id = hex::encode(Sha256::digest(name.as_bytes()));
    let contexts = config_dir.join("contexts");
    let meta = contexts.join("meta").join(&id).join("meta.json");
    let unusable = || {
        Error::usage(format!("cannot use docker context `{name}`"))
            .hint("`docker context ls` lists the contexts; DOCKER_CONTEXT or `docker context use` selects one")
    };
    let text = fs::read_to_string(&meta).map_err(|error| unusable().caused_by(error))?;
    let meta: ContextMeta =
        serde_json::from_str(&text).map_err(|error| unusable().caused_by(error))?;
    let endpoint = meta
        .endpoints
        .get("docker")
        .filter(|endpoint| !endpoint.host.is_empty())
        .ok_or_else(|| unusable().caused_by("it has no docker endpoint"))?;
    let host = DockerHost::parse(&endpoint.host)?;
    let material = contexts.join("tls").join(&id).join("docker");
    match host {
        DockerHost::Tcp { host, port } if material.is_dir() => {
            Ok(tls_host(host, port, &material, !endpoint.skip_tls_verify))
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(flag: Option<&str>, vars: &[(&str, &str)]) -> Result<HostChoice> {
        let lookup = |key: &str| {
            vars.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned())
        };
        resolve_host(flag, &lookup)
    }

    #[test]
    fn the_flag_overrides_the_environment() {
        let choice = resolve(Some("tcp://a:1"), &[("DOCKER_HOST", "tcp://b:2")]).unwrap();
        assert_eq!(
            (choice.host.to_string().as_str(), choice.source.as_str()),
            ("tcp://a:1", "--host")
        );
        let choice =
            resolve(None, &[("DOCKER_HOST", "tcp://b:2"), ("DOCKER_CONTEXT", "x")]).unwrap();
        assert_eq!(choice.source, "DOCKER_HOST");
        assert!(!resolve(None, &[]).unwrap().explicit);
    }

    #[test]
    fn a_context_is_found_by_the_hash_of_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let id = hex::encode(Sha256::digest(b"prod"));
        let meta = dir.path().join("contexts/meta").join(&id);
        fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"prod","Endpoints":{"docker":{"Host":"tcp://prod:2376","SkipTLSVerify":false}}}"#;
        fs::write(meta.join("meta.json"), text).unwrap();
        fs::write(dir.path().join("config.json"), r#"{"currentContext":"prod"}"#).unwrap();
        let config = dir.path().to_str().unwrap();
        let choice = resolve(None, &[("DOCKER_CONFIG", config)]).unwrap();
        assert_eq!(choice.host.to_string(), "tcp://prod:2376");
        assert_eq!(choice.source, "context prod");
        let default = resolve(None, &[("DOCKER_CONFIG", config), ("DOCKER_CONTEXT", "default")]);
        assert_eq!(default.unwrap().source, "the default socket");
        let missing = resolve(None, &[("DOCKER_CONFIG", config), ("DOCKER_CONTEXT", "nope")]);
        assert_eq!(missing.unwrap_err().kind(), crate::ErrorKind::Usage);
    }
}
