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
    /// uses. That one is only read. What it does not have either stays missing, and so does what is pinned
    /// by digest, unless both engines keep digests.
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
            if image.starts_with(OWN_IMAGES) {
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
        // The engines of a lab are all of one kind.
        let stores = [source.info().await?.keeps_digests, self.info.keeps_digests];
        for (image, engines) in missing {
            if !keeps_its_name(image, stores) {
                continue;
            }
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

/// Whether a copy of an image has the name that was asked for. `stores` says of both engines whether they
/// keep digests: one that does not gives a loaded image no digest of a registry, and another id.
fn keeps_its_name(image: &str, stores: [bool; 2]) -> bool {
    if image.contains('@') {
        stores == [true, true]
    } else {
        !image.starts_with("sha256:") || stores[0] == stores[1]
    }
}

#[cfg(test)]
mod tests {
    use super::keeps_its_name;

    #[test]
    fn digests_and_ids_need_stores_that_keep_them() {
        let both = [[false, false], [false, true], [true, false], [true, true]];
        let kept = |image: &str| both.map(|stores| keeps_its_name(image, stores));
        assert_eq!(kept("shop:1"), [true; 4]);
        assert_eq!(kept("shop:1@sha256:ab"), [false, false, false, true]);
        assert_eq!(kept("sha256:ab"), [true, false, false, true]);
    }
}
