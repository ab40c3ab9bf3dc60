//! Pinning images to digests, following `docker stack deploy --resolve-image`.

use crate::engine::{Engine, STACK_IMAGE_LABEL, ServiceView};
use crate::image::OWN_IMAGES;
use crate::stack::ServiceBody;

/// When to ask a registry for an image's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ResolveImage {
    /// At each deployment.
    #[default]
    Always,
    /// When the image in the stack file has changed.
    Changed,
    /// Never.
    Never,
}

/// Pins the body's image to the digest from the registry, or keeps the image of the existing
/// service, following the docker client. If the registry cannot be reached, returns a warning and
/// leaves the image unpinned, as the client does.
pub(super) async fn resolve_image(
    engine: &Engine,
    body: &mut ServiceBody,
    old: Option<&ServiceView>,
    when: ResolveImage,
    auth: Option<&str>,
) -> Option<String> {
    let same = old.is_some_and(|old| is_same_image(body, old));
    let ask = match when {
        ResolveImage::Always => true,
        ResolveImage::Changed => !same,
        ResolveImage::Never => false,
    };
    if ask && !body.image().starts_with(OWN_IMAGES) {
        // Also of one that is pinned, for its platforms.
        let pinned = body.image().contains('@');
        match engine.distribution(body.image(), auth).await {
            Ok(found) => {
                if !pinned {
                    body.set_image(&format!("{}@{}", body.image(), found.digest));
                }
                body.set_platforms(&found.platforms);
                return None;
            }
            Err(error) => {
                tracing::debug!(%error, image = body.image(), "cannot ask the registry for the digest");
                return (!pinned).then(|| format!(
                    "image {} could not be accessed on a registry to record its digest: each node decides for itself which one it runs",
                    body.image()
                ));
            }
        }
    }
    if let Some(old) = old.filter(|_| same && !ask) {
        body.set_image(old.spec.image());
    }
    None
}

fn is_same_image(body: &ServiceBody, old: &ServiceView) -> bool {
    body.label(STACK_IMAGE_LABEL).is_some()
        && body.label(STACK_IMAGE_LABEL) == old.label(STACK_IMAGE_LABEL)
}
