//! Copying an image from one engine into another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard::query_parameters::{ImportImageOptions, TagImageOptions};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::time::timeout;

use super::Engine;
use super::raw_client::ApiError;
use crate::error::{Error, Result};

/// How long a copy may stand still. An engine unpacks a layer without a word, and a large one takes
/// a while on a slow disk.
const STANDS_STILL: Duration = Duration::from_secs(120);

/// Time limit of a whole copy: images of tens of gigabytes exist.
const LONGEST: Duration = Duration::from_secs(6 * 3600);

impl Engine {
    /// Copies an image with its name from another engine. It streams: nothing is kept in memory or
    /// on disk. Returns how many bytes were copied. One that is pinned by digest needs two engines that keep
    /// digests ([`EngineInfo::keeps_digests`](super::EngineInfo)).
    ///
    /// # Errors
    /// When one of the engines refuses, the copy stands still, or the image does not have its name
    /// afterwards.
    pub async fn copy_image(&self, reference: &str, from: &Self) -> Result<u64> {
        let failed = || Error::environment(format!("cannot copy image {reference}"));
        let copied = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&copied);
        let archive =
            from.docker.clone().with_timeout(LONGEST).export_image(reference).inspect_ok(
                move |part| _ = counter.fetch_add(part.len() as u64, Ordering::Relaxed),
            );
        let into = self.docker.clone().with_timeout(LONGEST);
        let options = ImportImageOptions { quiet: false, ..ImportImageOptions::default() };
        let mut steps = std::pin::pin!(into.import_image_stream(options, archive.boxed(), None));
        loop {
            let before = copied.load(Ordering::Relaxed);
            match timeout(STANDS_STILL, steps.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(step))) => {
                    if let Some(detail) = step.error_detail {
                        return Err(failed().caused_by(detail.message.unwrap_or_default()));
                    }
                }
                Ok(Some(Err(error))) => {
                    return Err(failed().caused_by(ApiError::from(error).to_string()));
                }
                Err(_) if copied.load(Ordering::Relaxed) != before => {}
                Err(_) => {
                    let still = STANDS_STILL.as_secs();
                    return Err(failed().caused_by(format!("nothing moved for {still} s")));
                }
            }
        }
        let copied = copied.load(Ordering::Relaxed);
        if let Some((digest, repo, tag)) = name_of_pinned(reference) {
            // An archive of an image that is asked for by digest names none.
            let name = TagImageOptions { repo: Some(repo), tag: Some(tag) };
            let named = self.docker.tag_image(digest, Some(name)).await.map_err(ApiError::from);
            named.map_err(|error| failed().caused_by(error.to_string()))?;
        }
        match self.image(reference).await? {
            Some(_) => Ok(copied),
            None => Err(failed().caused_by(format!(
                "the engine took {copied} bytes and does not have an image of that name"
            ))),
        }
    }
}

/// The digest of a reference that is pinned by one, and the repository and tag under which an engine
/// knows its image: its own tag, else one made of the digest. Absent for other references.
fn name_of_pinned(reference: &str) -> Option<(&str, String, String)> {
    let (name, digest) = reference.split_once('@')?;
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let (repo, tag) = if let Some((_, tag)) = name[last..].split_once(':') {
        (&name[..name.len() - tag.len() - 1], tag.to_owned())
    } else {
        (name, digest.chars().filter(|one| *one != ':').take(18).collect())
    };
    Some((digest, repo.to_owned(), tag))
}

#[cfg(test)]
mod tests {
    use super::name_of_pinned;

    #[test]
    fn a_pinned_image_has_a_name_of_its_repository() {
        const DIGEST: &str =
            "sha256:4e14f65adac6af818edaad104c8e4dcf3cbc837bfd4fb5060d7a5c00189915bd";
        for (name, repo, tag) in [
            ("shop", "shop", "sha2564e14f65adac6"),
            ("shop:1.2", "shop", "1.2"),
            ("example.org:5000/a/shop", "example.org:5000/a/shop", "sha2564e14f65adac6"),
            ("example.org:5000/a/shop:1.2", "example.org:5000/a/shop", "1.2"),
        ] {
            let pinned = format!("{name}@{DIGEST}");
            let wanted = Some((DIGEST, repo.to_owned(), tag.to_owned()));
            assert_eq!(name_of_pinned(&pinned), wanted, "{name}");
            assert_eq!(name_of_pinned(name), None);
        }
    }
}
