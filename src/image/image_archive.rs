//! Image archives in the format of `docker save`, which need neither a builder nor a base image.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::file_tree::FileTree;
use crate::{Error, Result};

/// An image for an engine's load endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// Its name and tag.
    pub reference: String,
    /// The digest of its configuration, `sha256:` and 64 hex digits: its id on engines without the
    /// containerd image store.
    pub id: String,
    /// The value of its [`CONTENT_LABEL`].
    pub content: String,
    /// The archive, in the format of `docker save`.
    pub archive: Bytes,
}

/// An image with one layer. Its bytes and its id depend only on the files and settings.
#[derive(Debug, Clone, Default)]
pub struct ImageArchive {
    /// Its files.
    pub files: FileTree,
    /// Its settings.
    pub config: ImageConfig,
}

impl ImageArchive {
    /// Builds the archive of an image named `reference` (name and tag).
    ///
    /// All engines since 1.10 read this format: a manifest, the configuration, whose digest is the
    /// image's id, and the layer.
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn build(&self, reference: &str) -> Result<BuiltImage> {
        self.build_as(|_| reference.to_owned())
    }

    /// The same, with a name made from the value of the image's [`CONTENT_LABEL`].
    ///
    /// # Errors
    /// When the archive cannot be written.
    pub fn build_as(&self, name: impl FnOnce(&str) -> String) -> Result<BuiltImage> {
        let failed = |cause| Error::environment("cannot build an image").caused_by(cause);
        let layer = self.files.to_tar().map_err(failed)?;
        let diff_id = hex::encode(Sha256::digest(&layer));
        let config = self.config.with_content(&diff_id)?;
        let content = config.labels.get(CONTENT_LABEL).cloned().unwrap_or_default();
        let config = config.to_json(&format!("sha256:{diff_id}"))?;
        let reference = name(&content);
        let id = hex::encode(Sha256::digest(&config));
        let (config_name, layer_name) = (format!("{id}.json"), format!("{diff_id}/layer.tar"));
        let manifest = json!([{
            "Config": config_name,
            "RepoTags": [reference],
            "Layers": [layer_name],
        }]);
        let manifest = manifest.to_string();
        let mut tar = Builder::new(Vec::with_capacity(layer.len() + 16 * 1024));
        for (name, content) in [
            (layer_name.as_str(), layer.as_slice()),
            (config_name.as_str(), config.as_slice()),
            ("manifest.json", manifest.as_bytes()),
        ] {
            let mut header = Header::new_gnu();
            header.set_entry_type(EntryType::Regular);
            header.set_mode(0o644);
            header.set_mtime(0);
            header.set_size(content.len() as u64);
            tar.append_data(&mut header, name, content).map_err(failed)?;
        }
        let archive = Bytes::from(tar.into_inner().map_err(failed)?);
        Ok(BuiltImage { reference, id: format!("sha256:{id}"), content, archive })
    }
}

/// An image's settings. All are optional, and ordered so that the same settings always give the
/// same image id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageConfig {
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// The command (`ENTRYPOINT`).
    pub entrypoint: Vec<String>,
    /// Its default arguments (`CMD`).
    pub cmd: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The image's health check.
    pub healthcheck: Option<Healthcheck>,
    /// Ports it listens on, such as `8000/tcp`.
    pub exposed_ports: BTreeSet<String>,
    /// The signal that stops it, such as `SIGTERM`.
    pub stop_signal: Option<String>,
    /// The user that it runs as; root if none is set.
    pub user: Option<String>,
    /// The working directory.
    pub working_dir: Option<String>,
}

/// The label that identifies what is in an image. An image's id does not: with the containerd image
/// store it is the digest of a manifest that the engine makes.
pub const CONTENT_LABEL: &str = "rollproof.content";

impl ImageConfig {
    /// The same settings with [`CONTENT_LABEL`].
    fn with_content(&self, diff_id: &str) -> Result<Self> {
        let digest = Sha256::digest(self.to_json(diff_id)?);
        let mut config = self.clone();
        config.labels.insert(CONTENT_LABEL.to_owned(), hex::encode(&digest[..8]));
        Ok(config)
    }

    /// The image's configuration file; `diff_id` is the digest of its layer.
    pub(super) fn to_json(&self, diff_id: &str) -> Result<Vec<u8>> {
        let mut config = Map::new();
        let mut set = |key: &str, value: Value| {
            let empty = match &value {
                Value::Null => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(items) => items.is_empty(),
                _ => false,
            };
            if !empty {
                config.insert(key.to_owned(), value);
            }
        };
        let env: Vec<_> = self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let ports: BTreeMap<_, _> =
            self.exposed_ports.iter().map(|port| (port, json!({}))).collect();
        set("Env", json!(env));
        set("Entrypoint", json!(self.entrypoint));
        set("Cmd", json!(self.cmd));
        set("Labels", json!(self.labels));
        set("Healthcheck", json!(self.healthcheck));
        set("ExposedPorts", json!(ports));
        set("StopSignal", json!(self.stop_signal));
        set("User", json!(self.user));
        set("WorkingDir", json!(self.working_dir));
        // A fixed date: a build time would give the image a different id on every machine.
        let created = "1970-01-01T00:00:00Z";
        let image = json!({
            "architecture": architecture(),
            "os": "linux",
            "created": created,
            "config": config,
            "rootfs": { "type": "layers", "diff_ids": [diff_id] },
            "history": [{ "created": created, "created_by": "rollproof" }],
        });
        serde_json::to_vec(&image).map_err(|cause| {
            Error::environment("cannot write the configuration of an image").caused_by(cause)
        })
    }
}

/// This machine's architecture as Go, and so the engine, spells it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "powerpc64" => "ppc64le",
        "loongarch64" => "loong64",
        same => same,
    }
}

/// An image's health check. Timings that are zero are not set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// The command, beginning with `CMD` or `CMD-SHELL`.
    pub test: Vec<String>,
    /// Time from the end of one check to the start of the next.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub interval: Duration,
    /// Time limit of one check.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub timeout: Duration,
    /// Time after the start in which failed checks do not count.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub start_period: Duration,
    /// Number of failed checks in a row that make a container unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde requires this signature")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn nanoseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn image() -> ImageArchive {
        let mut image = ImageArchive::default();
        image.files.add_file("/app", "hello", 0o755).unwrap();
        image.config.entrypoint = vec!["/app".to_owned()];
        image.config.env.insert("A".to_owned(), "b=c".to_owned());
        image.config.exposed_ports.insert("8000/tcp".to_owned());
        image.config.healthcheck = Some(Healthcheck {
            test: vec!["CMD".to_owned(), "/app".to_owned()],
            interval: Duration::from_millis(1500),
            ..Healthcheck::default()
        });
        image
    }

    fn files(built: &BuiltImage) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(built.archive.as_ref());
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), content)
        });
        entries.collect()
    }

    #[test]
    fn every_digest_matches_its_content() {
        let built = image().build("a/b:c").unwrap();
        let files = files(&built);
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest[0]["RepoTags"], json!(["a/b:c"]));
        let config = &files[manifest[0]["Config"].as_str().unwrap()];
        assert_eq!(built.id, format!("sha256:{}", hex::encode(Sha256::digest(config))));
        let layer = &files[manifest[0]["Layers"][0].as_str().unwrap()];
        let config: Value = serde_json::from_slice(config).unwrap();
        let diff_id = format!("sha256:{}", hex::encode(Sha256::digest(layer)));
        assert_eq!(config["rootfs"]["diff_ids"], json!([diff_id]));
        assert_eq!(
            config["config"],
            json!({
                "Env": ["A=b=c"],
                "Entrypoint": ["/app"],
                "ExposedPorts": { "8000/tcp": {} },
                "Healthcheck": { "Test": ["CMD", "/app"], "Interval": 1_500_000_000_u64 },
                "Labels": { CONTENT_LABEL: built.content },
            })
        );
    }

    #[test]
    fn the_same_content_gives_the_same_bytes_and_other_content_another_id() {
        let first = image().build("a:1").unwrap();
        assert_eq!(first, image().build("a:1").unwrap());
        assert_eq!(first.id, image().build("a:2").unwrap().id, "the name is not part of the id");
        let mut other = image();
        other.config.env.insert("A".to_owned(), "2".to_owned());
        assert_ne!(first.id, other.build("a:1").unwrap().id);
        assert_ne!(first.content, other.build("a:1").unwrap().content);
    }
}
