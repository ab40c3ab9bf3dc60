//! Images: loading, building, inspecting.

use bollard::query_parameters::{BuildImageOptions, ImportImageOptions, RemoveImageOptions};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::Value;

use super::Engine;
use super::raw_client::ApiError;
use crate::error::{Error, Result};

/// An image as an engine reports it.
#[derive(Debug, Clone)]
pub struct ImageView {
    /// Its id, `sha256:…`.
    pub id: String,
    /// Its names with tags, on this engine.
    pub tags: Vec<String>,
    /// Its health check (`Config.Healthcheck`), if any.
    pub healthcheck: Option<Value>,
    /// Its labels, as JSON.
    pub labels: Value,
    /// The TCP ports that it exposes.
    pub exposed_tcp: Vec<u16>,
}

impl ImageView {
    /// Whether it only stands in for an image of this name.
    #[must_use]
    pub fn is_stand_in(&self) -> bool {
        crate::image::is_stand_in(&self.labels)
    }
}

/// What a registry reports about an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// Its digest, `sha256:…`.
    pub digest: String,
    /// The platforms that it supports, in the form of `Placement.Platforms`.
    pub platforms: Vec<Value>,
}

impl Engine {
    /// Asks the registry of an image, through the engine.
    ///
    /// # Errors
    /// When the registry does not answer or does not have the image.
    pub async fn distribution(&self, image: &str, auth: Option<&str>) -> Result<Distribution> {
        let headers: Vec<_> = auth.map(|auth| ("X-Registry-Auth", auth)).into_iter().collect();
        let path = format!("/distribution/{image}/json");
        let found = self.raw.get_with(&path, &headers).await.map_err(|error| {
            error.into_error(format!("cannot look up image {image} in its registry"))
        })?;
        let platform = |platform: &Value| {
            let architecture = platform["architecture"].as_str().unwrap_or_default();
            // Docker's client omits arm, because its variants are not distinguished here.
            let architecture =
                if architecture.eq_ignore_ascii_case("arm") { "" } else { architecture };
            let mut entry = serde_json::Map::new();
            if !architecture.is_empty() {
                entry.insert("Architecture".into(), architecture.into());
            }
            if let Some(os) = platform["os"].as_str().filter(|os| !os.is_empty()) {
                entry.insert("OS".into(), os.into());
            }
            Value::Object(entry)
        };
        let digest = found["Descriptor"]["digest"].as_str().unwrap_or_default().to_owned();
        if digest.is_empty() {
            return Err(Error::environment(format!(
                "the registry returned no digest for image {image}"
            )));
        }
        let platforms = found["Platforms"].as_array().into_iter().flatten().map(platform).collect();
        Ok(Distribution { digest, platforms })
    }

    /// An image by reference or id.
    ///
    /// # Errors
    /// When the engine does not answer. An image that does not exist is not an error.
    pub async fn image(&self, reference: &str) -> Result<Option<ImageView>> {
        match self.raw.get(&format!("/images/{reference}/json")).await {
            Ok(value) => Ok(Some(ImageView {
                id: value["Id"].as_str().unwrap_or_default().to_owned(),
                tags: serde_json::from_value(value["RepoTags"].clone()).unwrap_or_default(),
                healthcheck: value["Config"]
                    .get("Healthcheck")
                    .filter(|check| check.is_object())
                    .cloned(),
                labels: value["Config"]["Labels"].clone(),
                exposed_tcp: exposed_tcp(&value["Config"]["ExposedPorts"]),
            })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into_error(format!("cannot inspect image {reference}"))),
        }
    }

    /// Loads a `docker save` archive, and returns the id that the image has on this engine: the digest
    /// of its configuration, or of its manifest with the containerd image store.
    ///
    /// # Errors
    /// When the engine refuses it.
    pub async fn load_image(&self, reference: &str, archive: Bytes) -> Result<String> {
        let mut progress = self.docker.import_image(
            ImportImageOptions { quiet: true, ..ImportImageOptions::default() },
            bollard::body_full(archive),
            None,
        );
        while let Some(step) = progress.next().await {
            let step = step.map_err(ApiError::from);
            let step =
                step.map_err(|error| error.into_error(format!("cannot load image {reference}")))?;
            if let Some(detail) = step.error_detail {
                return Err(Error::environment(format!("cannot load image {reference}"))
                    .caused_by(detail.message.unwrap_or_default()));
            }
        }
        let image = self.image(reference).await?.ok_or_else(|| {
            Error::environment(format!("the engine loaded image {reference} but does not have it"))
        })?;
        Ok(image.id)
    }

    /// Lets the engine get an image by its name.
    ///
    /// # Errors
    /// When the engine does not answer or cannot get it.
    pub async fn pull_image(&self, reference: &str) -> Result<()> {
        let from = super::raw_client::query("fromImage", reference);
        let pulled = self.raw.post(&format!("/images/create?{from}"), &Value::Null, &[]).await;
        pulled.map(drop).map_err(|error| error.into_error(format!("cannot pull image {reference}")))
    }

    /// Builds an image with the engine's builder from a tar archive of its context. `log` gets the
    /// builder's output, line by line.
    ///
    /// # Errors
    /// When the build fails, with the builder's last message.
    pub async fn build_image(
        &self,
        tag: &str,
        dockerfile: &str,
        context: Bytes,
        log: &mut (dyn FnMut(&str) + Send),
    ) -> Result<()> {
        let options = BuildImageOptions {
            dockerfile: dockerfile.to_owned(),
            t: Some(tag.to_owned()),
            rm: true,
            forcerm: true,
            ..BuildImageOptions::default()
        };
        let mut progress =
            Box::pin(self.docker.build_image(options, None, Some(bollard::body_full(context))));
        let failed = |cause: String| {
            Error::environment(format!("cannot build image {tag}")).caused_by(cause)
        };
        while let Some(step) = progress.next().await {
            let step = step.map_err(|error| failed(ApiError::from(error).to_string()))?;
            if let Some(detail) = step.error_detail {
                return Err(failed(detail.message.unwrap_or_default()));
            }
            for line in step.stream.iter().flat_map(|text| text.lines()) {
                if !line.trim().is_empty() {
                    log(line);
                }
            }
        }
        Ok(())
    }

    /// Removes an image. One that is in use stays, which is not an error: the engine's words for what
    /// uses it are returned.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn remove_image(&self, reference: &str) -> Result<Option<String>> {
        let removed = self.docker.remove_image(reference, None::<RemoveImageOptions>, None).await;
        match removed.map_err(ApiError::from) {
            Ok(_) => Ok(None),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) if error.status == Some(409) => Ok(Some(error.message)),
            Err(error) => Err(error.into_error(format!("cannot remove image {reference}"))),
        }
    }

    /// Takes an image's name away, also while containers of it run: these stay, and no more can be made.
    ///
    /// # Errors
    /// When the engine does not answer or refuses.
    pub async fn lose_image(&self, reference: &str) -> Result<()> {
        let options = RemoveImageOptions { force: true, ..RemoveImageOptions::default() };
        let removed = self.docker.remove_image(reference, Some(options), None).await;
        match removed.map_err(ApiError::from) {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into_error(format!("cannot remove image {reference}"))),
        }
    }
}

/// The TCP ports of a map such as `{"80/tcp": {}, "53/udp": {}}`.
fn exposed_tcp(ports: &Value) -> Vec<u16> {
    let names = ports.as_object().into_iter().flat_map(|ports| ports.keys());
    names.filter_map(|name| name.strip_suffix("/tcp").unwrap_or(name).parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_tcp_ports_are_listed() {
        let ports = json!({"80/tcp": {}, "53/udp": {}, "8443": {}});
        assert_eq!(exposed_tcp(&ports), [80, 8443]);
        assert_eq!(exposed_tcp(&Value::Null), [0; 0]);
    }
}
