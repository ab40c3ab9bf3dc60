//! An archive in the format of `docker save`, made by hand: it needs no builder and no base image.

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tar::{Builder, EntryType, Header};

use super::built_image::BuiltImage;
use super::file_tree::FileTree;
use super::image_config::ImageConfig;
use crate::{Error, Result};

/// An image of one layer. The same files and settings give the same bytes and the same id,
/// whenever and wherever it is made.
#[derive(Debug, Clone, Default)]
pub struct ImageArchive {
    /// What is in it.
    pub files: FileTree,
    /// How it runs.
    pub config: ImageConfig,
}

impl ImageArchive {
    /// Makes the archive that loads as `reference` (name and tag).
    ///
    /// The format is the one every engine from 1.10 on reads: a manifest, the config whose
    /// digest is the image's id, and the layer.
    ///
    /// # Errors
    /// When a file cannot be put into an archive.
    pub fn build(&self, reference: &str) -> Result<BuiltImage> {
        let failed = |cause| {
            Error::environment(format!("cannot make the image {reference}")).caused_by(cause)
        };
        let layer = self.files.to_tar().map_err(failed)?;
        let diff_id = hex::encode(Sha256::digest(&layer));
        let config = self.config.to_json(&format!("sha256:{diff_id}"))?;
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
        Ok(BuiltImage { reference: reference.to_owned(), id: format!("sha256:{id}"), archive })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read as _;
    use std::time::Duration;

    use serde_json::Value;

    use super::super::healthcheck::Healthcheck;
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
    fn every_digest_is_the_digest_of_what_it_names() {
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
            })
        );
    }

    #[test]
    fn the_same_image_is_the_same_bytes_and_another_is_another() {
        let first = image().build("a:1").unwrap();
        assert_eq!(first, image().build("a:1").unwrap());
        assert_eq!(first.id, image().build("a:2").unwrap().id, "the name is not part of the id");
        let mut other = image();
        other.config.env.insert("A".to_owned(), "2".to_owned());
        assert_ne!(first.id, other.build("a:1").unwrap().id);
    }
}
