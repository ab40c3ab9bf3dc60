//! Which programs an image has.

use hyper::Method;
use serde_json::{Value, json};

use super::Engine;
use super::raw_client::{ApiError, query};
use crate::error::Result;

/// Where programs are looked for in an image without a PATH of its own (moby `oci/caps` and
/// `daemon/container_operations`: the default of a container).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl Engine {
    /// Which of these programs an image lacks. A name without a slash is looked for along the image's
    /// PATH. A container is created for that, never started, and removed.
    ///
    /// # Errors
    /// When the engine does not answer, or cannot create the container.
    pub async fn missing_in_image(&self, image: &str, programs: &[String]) -> Result<Vec<String>> {
        if programs.is_empty() {
            return Ok(Vec::new());
        }
        let failed = |error: ApiError| error.into_error(format!("cannot look into image {image}"));
        let path = self.path_of(image).await.map_err(failed)?;
        let body = json!({"Image": image, "Entrypoint": ["/never-started"], "Cmd": null,
            "Labels": {"rollproof.looks-into": image}});
        let created = self.raw.post("/containers/create", &body, &[]).await.map_err(failed)?;
        let id = created["Id"].as_str().unwrap_or_default();
        let missing = self.missing_in_container(id, programs, &path).await;
        let removed =
            self.raw.request(Method::DELETE, &format!("/containers/{id}?v=1"), None, &[]).await;
        let missing = missing.map_err(failed)?;
        removed.map_err(failed)?;
        Ok(missing)
    }

    async fn path_of(&self, image: &str) -> Result<String, ApiError> {
        let view = self.raw.get(&format!("/images/{image}/json")).await?;
        let env = view["Config"]["Env"].as_array().into_iter().flatten();
        let path = env.filter_map(Value::as_str).find_map(|entry| entry.strip_prefix("PATH="));
        Ok(path.unwrap_or(DEFAULT_PATH).to_owned())
    }

    async fn missing_in_container(
        &self,
        id: &str,
        programs: &[String],
        path: &str,
    ) -> Result<Vec<String>, ApiError> {
        let mut missing = Vec::new();
        for program in programs {
            let places: Vec<String> = if program.contains('/') {
                vec![program.clone()]
            } else {
                path.split(':').map(|folder| format!("{folder}/{program}")).collect()
            };
            let mut found = false;
            for place in places {
                let asked = format!("/containers/{id}/archive?{}", query("path", &place));
                match self.raw.request(Method::HEAD, &asked, None, &[]).await {
                    Ok(_) => found = true,
                    Err(error) if error.is_not_found() => {}
                    Err(error) => return Err(error),
                }
                if found {
                    break;
                }
            }
            if !found {
                missing.push(program.clone());
            }
        }
        Ok(missing)
    }
}
