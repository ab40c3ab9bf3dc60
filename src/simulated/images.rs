//! The images of the simulated engine: what it knows of each, without the files in it.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::image::{APP_V1, APP_V2, ITSELF, OWN_IMAGES, POSTGRES, PROXY, REDIS};

/// The image of the services beside a stack under test. There is nothing in it: the simulated engine
/// is the program that would run in it.
pub const COMPANION: &str = "rollproof/companion:simulated";

/// What an image says.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) id: String,
    pub(super) config: Value,
}

/// Images by name and tag.
#[derive(Debug)]
pub(super) struct Images {
    known: BTreeMap<String, Image>,
}

impl Images {
    /// The images of rollproof itself, which are in no registry.
    pub(super) fn new() -> Self {
        let names = [APP_V1, APP_V2, PROXY, COMPANION, ITSELF, REDIS, POSTGRES];
        let known = names.iter().map(|name| ((*name).to_owned(), Image::known(name))).collect();
        Self { known }
    }

    /// An image by name, name and tag, or id. One from a registry is pulled by asking for it as a
    /// task; see [`Images::can_run`].
    pub(super) fn find(&self, reference: &str) -> Option<(&str, &Image)> {
        let name = full(reference);
        let short = reference.trim_start_matches("sha256:");
        let by_id = |image: &Image| {
            short.len() >= 6 && image.id.trim_start_matches("sha256:").starts_with(short)
        };
        let found = self.known.get_key_value(&name);
        let found = found.or_else(|| self.known.iter().find(|(_, image)| by_id(image)));
        found.map(|(name, image)| (name.as_str(), image))
    }

    /// Every image, by name.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Image)> {
        self.known.iter().map(|(name, image)| (name.as_str(), image))
    }

    /// Takes an image's name away.
    pub(super) fn remove(&mut self, reference: &str) -> Option<(String, Image)> {
        let name = self.find(reference)?.0.to_owned();
        self.known.remove_entry(&name)
    }

    /// Gives an image one more name.
    pub(super) fn tag(&mut self, reference: &str, name: &str) -> bool {
        let Some(image) = self.find(reference).map(|(_, image)| image.clone()) else {
            return false;
        };
        self.known.insert(full(name), image);
        true
    }

    /// Pulls an image: one of rollproof's own comes back, any other is taken to be in its registry
    /// unless that is on this machine or has a reserved name. Whether it is there now.
    pub(super) fn pull(&mut self, reference: &str) -> bool {
        if self.find(reference).is_some() {
            return true;
        }
        if !is_in_a_registry(reference) && !reference.starts_with(OWN_IMAGES) {
            return false;
        }
        self.known.insert(full(reference), Image::known(reference));
        true
    }

    /// Whether a task can have this image. It is pulled if it is in a registry.
    pub(super) fn can_run(&mut self, reference: &str) -> bool {
        self.find(reference).is_some() || (is_in_a_registry(reference) && self.pull(reference))
    }

    /// The images of a `docker save` archive; their names, or why there are none.
    pub(super) fn load(&mut self, archive: &[u8]) -> Result<Vec<String>, String> {
        let mut manifest = None;
        let mut configs: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let bad = |error: std::io::Error| format!("invalid tar archive: {error}");
        for entry in tar::Archive::new(archive).entries().map_err(bad)? {
            let mut entry = entry.map_err(bad)?;
            let path = entry.path().map_err(bad)?.to_string_lossy().into_owned();
            let is_json = std::path::Path::new(&path).extension().is_some_and(|end| end == "json");
            // Newer archives have their configurations in a folder of blobs, without an ending.
            let is_blob = path.starts_with("blobs/") && entry.size() < 1024 * 1024;
            if !is_json && !is_blob {
                continue;
            }
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(bad)?;
            if path == "manifest.json" {
                manifest = serde_json::from_slice::<Value>(&content).ok();
            } else {
                configs.insert(path, content);
            }
        }
        let manifest = manifest.ok_or("the archive has no manifest.json")?;
        let mut names = Vec::new();
        for image in manifest.as_array().into_iter().flatten() {
            let file = image["Config"].as_str().unwrap_or_default();
            let content = configs.get(file).ok_or_else(|| format!("the archive has no {file}"))?;
            let config: Value =
                serde_json::from_slice(content).map_err(|error| format!("{file}: {error}"))?;
            let id = format!("sha256:{}", hex::encode(Sha256::digest(content)));
            for tag in image["RepoTags"].as_array().into_iter().flatten() {
                let name = full(tag.as_str().unwrap_or_default());
                let image = Image { id: id.clone(), config: config["config"].clone() };
                self.known.insert(name.clone(), image);
                names.push(name);
            }
        }
        Ok(names)
    }
}

impl Image {
    /// What is known of an image by its name alone.
    fn known(reference: &str) -> Self {
        let env = |version: &str| json!([format!("ROLLPROOF_VERSION={version}")]);
        let app = |version: &str| {
            json!({
                "Env": env(version),
                "Entrypoint": ["/rollproof-app"],
                "ExposedPorts": {"8000/tcp": {}},
                "Healthcheck": {"Test": ["CMD", "/rollproof-app", "health"]},
                "Labels": {"org.opencontainers.image.version": version},
                "StopSignal": "SIGTERM",
            })
        };
        let config = match reference {
            APP_V1 => app("v1"),
            APP_V2 => app("v2"),
            PROXY => json!({"ExposedPorts": {"80/tcp": {}}, "Labels": {}}),
            _ => json!({"Labels": {}}),
        };
        Self { id: digest_of(reference), config }
    }

    /// What an engine says of it.
    pub(super) fn inspected(&self, name: &str) -> Value {
        json!({
            "Id": self.id,
            "RepoTags": [name],
            "RepoDigests": [],
            "Config": self.config,
            "Architecture": architecture(),
            "Os": "linux",
            "Size": 0,
            "Created": "1970-01-01T00:00:00Z",
            "RootFS": {"Type": "layers", "Layers": []},
            "Metadata": {},
        })
    }
}

/// A digest that stands for an image of this name.
pub(super) fn digest_of(reference: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(format!("simulated {reference}"))))
}

/// The architecture in Go's words.
pub(super) fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Whether an image is taken to be in a registry: no registry is asked.
pub(super) fn is_in_a_registry(reference: &str) -> bool {
    if reference.starts_with(OWN_IMAGES) {
        return false;
    }
    let host = reference.split_once('/').map(|(host, _)| host).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let here = matches!(host, "localhost" | "127.0.0.1");
    let reserved = host.rsplit('.').next().is_some_and(|last| matches!(last, "invalid" | "test"));
    !here && !reserved
}

/// The name with its tag, without a digest.
pub(super) fn full(reference: &str) -> String {
    let name = reference.split('@').next().unwrap_or_default();
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains(':') { name.to_owned() } else { format!("{name}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_images_are_there_and_those_of_registries_come_when_a_task_wants_them() {
        let mut images = Images::new();
        assert!(images.find(APP_V1).is_some());
        assert!(images.find("nginx").is_none());
        assert!(images.can_run("nginx"));
        assert!(images.find("docker.io/library/nginx:latest").is_some());
        assert!(!images.can_run("localhost:1/app:v9"));
        images.remove(APP_V1);
        assert!(!images.can_run(APP_V1), "no registry has it");
        assert!(images.pull(APP_V1));
        let id = images.find(APP_V1).unwrap().1.id.clone();
        assert_eq!(images.find(&id[7..19]).unwrap().0, APP_V1);
    }

    #[test]
    fn an_archive_is_read_for_its_settings() {
        let mut archive = crate::image::ImageArchive::default();
        archive.config.exposed_ports.insert("9000/tcp".to_owned());
        archive.files.add_file("/a", "b", 0o644).unwrap();
        let built = archive.build("me/app:1").unwrap();
        let mut images = Images::new();
        assert_eq!(images.load(&built.archive).unwrap(), ["me/app:1"]);
        let (_, image) = images.find("me/app:1").unwrap();
        assert_eq!(
            (image.id.as_str(), &image.config["ExposedPorts"]["9000/tcp"]),
            (built.id.as_str(), &json!({}))
        );
        assert!(images.load(b"no archive").is_err());
    }
}
