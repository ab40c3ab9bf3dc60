//! Copying an image from one engine into another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bollard::query_parameters::ImportImageOptions;
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
    /// on disk. Returns how many bytes were copied.
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
        match self.image(reference).await? {
            Some(_) => Ok(copied),
            None => Err(failed().caused_by(format!(
                "the engine took {copied} bytes and does not have an image of that name"
            ))),
        }
    }
}
