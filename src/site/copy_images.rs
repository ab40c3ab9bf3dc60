//! Images that a private engine lacks, and that the engine of the docker CLI has.

use std::collections::BTreeSet;
use std::time::Instant;

use super::Site;
use crate::engine::Engine;
use crate::error::Result;
use crate::image::OWN_IMAGES;
use crate::wording::{clean, length, size};

impl Site {
    /// Copies images into each private engine that lacks them from the engine that the docker CLI
    /// uses. That one is only read. What it does not have either, or is pinned by digest, stays
    /// missing.
    ///
    /// # Errors
    /// When a copy fails, or a private engine does not answer.
    pub(super) async fn copy_images(
        &self,
        images: &BTreeSet<&str>,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<()> {
        let Some(beside) = &self.beside else { return Ok(()) };
        let mut missing: Vec<(&str, Vec<&Engine>)> = Vec::new();
        for image in images {
            // A loaded image has no digest of a registry.
            if image.starts_with(OWN_IMAGES) || image.contains('@') {
                continue;
            }
            let mut without = Vec::new();
            for engine in &self.engines {
                // What stands in for it is not it.
                if engine.image(image).await?.is_none_or(|found| found.is_stand_in()) {
                    without.push(engine);
                }
            }
            if !without.is_empty() {
                missing.push((image, without));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let source = match Engine::connect(beside.host.clone()).await {
            Ok(engine) => engine,
            Err(error) if beside.explicit => {
                tell(&format!("no image is copied: {}", clean(&error.with_cause())));
                return Ok(());
            }
            // Most machines with a private engine have no other.
            Err(_) => return Ok(()),
        };
        for (image, engines) in missing {
            if source.image(image).await?.is_none() {
                continue;
            }
            let begun = Instant::now();
            tell(&format!("copying image {image} from the engine at {}", source.host()));
            let mut bytes = 0;
            for engine in engines {
                bytes += engine.copy_image(image, &source).await?;
            }
            tell(&format!(
                "image {image}  {} copied in {}",
                size(bytes),
                length(begun.elapsed().into())
            ));
        }
        Ok(())
    }
}
