//! Making sure that every engine has rollproof's own images.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{EngineKind, Ledger, LoadedImage, Site, StateFolder};
use crate::engine::{Engine, ImageView};
use crate::error::{Error, Result};
use crate::image::{
    BuiltImage, CONTENT_LABEL, ITSELF, OWN_IMAGES, POSTGRES, Programs, REDIS, companion_image,
    example_images, find_app_binary, program_image, server_image,
};
use crate::simulated::COMPANION;
use crate::stack::ServiceBody;
use crate::wording::{counted, length, list, short_id};

impl Site {
    /// Sees to it that the engines have the images of services and the references `also`, as far as
    /// that is possible: builds and loads rollproof's own, and copies others into a private engine.
    ///
    /// # Errors
    /// As [`Site::load_example`], or when a copy fails.
    pub async fn ensure_images(
        &self,
        state: &StateFolder,
        services: &[ServiceBody],
        also: &[&str],
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<()> {
        let all: BTreeSet<&str> =
            services.iter().map(ServiceBody::image).chain(also.iter().copied()).collect();
        self.copy_images(&all, tell).await?;
        let used: BTreeSet<&str> =
            all.into_iter().filter(|image| image.starts_with(OWN_IMAGES)).collect();
        if used.is_empty() {
            return Ok(());
        }
        // What the engines have is used: nothing is built or downloaded for it.
        let mut missing = false;
        for image in &used {
            for engine in &self.engines {
                missing |= engine.image(image).await?.is_none();
            }
        }
        if !missing {
            tell(&format!("using the images of the engine: {}", list(&Vec::from_iter(used))));
            return Ok(());
        }
        if self.kind == EngineKind::Simulated {
            // There is nothing in a simulated image: the engine makes it again by its name.
            for image in used {
                self.manager.pull_image(image).await?;
            }
            return Ok(());
        }
        let programs = Programs::new(state.path());
        let (itself, others): (Vec<&str>, Vec<&str>) =
            used.iter().partition(|image| **image == ITSELF);
        let (servers, example): (Vec<&str>, Vec<&str>) =
            others.iter().partition(|image| [REDIS, POSTGRES].contains(image));
        if !example.is_empty() {
            self.load_example(state, &programs, None, tell).await?;
        }
        if !servers.is_empty() {
            state.create()?;
            let names: Vec<String> = servers.into_iter().map(str::to_owned).collect();
            let begin = Instant::now();
            // Packages of some megabytes may have to be downloaded.
            tell(&format!("packing {}", list(&names)));
            let images = build(move || {
                names.iter().map(|name| server_image(&programs, name)).collect::<Result<Vec<_>>>()
            })
            .await?;
            self.load(state, &images, begin, tell).await?;
        }
        if !itself.is_empty() {
            state.create()?;
            let begin = Instant::now();
            let (program, app) = (own_program()?, find_app_binary(None)?);
            let image = build(move || program_image(&program, &app)).await?;
            self.load(state, &[image], begin, tell).await?;
        }
        Ok(())
    }

    /// Builds the example's images and loads each into every engine that does not have it. Returns
    /// their names, and their ids on the manager's engine.
    ///
    /// # Errors
    /// When a program for an image cannot be found or packed, or an engine refuses an image.
    pub async fn load_example(
        &self,
        state: &StateFolder,
        programs: &Programs,
        app: Option<&Path>,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Vec<(String, String)>> {
        state.create()?;
        let app = find_app_binary(app)?;
        let begin = Instant::now();
        let programs = programs.clone();
        let images = build(move || example_images(&programs, &app)).await?;
        self.load(state, &images, begin, tell).await
    }

    /// Loads each image into every engine that does not have it. Returns their names, and their ids
    /// on the manager's engine.
    pub(super) async fn load(
        &self,
        state: &StateFolder,
        images: &[BuiltImage],
        begin: Instant,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Vec<(String, String)>> {
        let mut names_and_ids = Vec::new();
        for image in images {
            let mut loaded = 0;
            let mut ids = Vec::new();
            for engine in &self.engines {
                let (id, new) = self.load_one(state, engine, image).await?;
                loaded += usize::from(new);
                ids.push(id);
            }
            let id = ids.into_iter().next().unwrap_or_default();
            let what = match (loaded, self.engines.len()) {
                (0, _) => "already loaded".to_owned(),
                (1, 1) => "built and loaded".to_owned(),
                (loaded, all) => {
                    format!("built and loaded into {loaded} of {}", counted(all as u64, "engine"))
                }
            };
            tell(&format!(
                "image {}  {}  {what}",
                image.reference,
                short_id(id.trim_start_matches("sha256:"))
            ));
            names_and_ids.push((image.reference.clone(), id));
        }
        tell(&format!("images ready after {}", length(begin.elapsed().into())));
        Ok(names_and_ids)
    }

    /// Builds the image of the companion services and loads it into the manager's engine, on whose
    /// node they run. Returns its name.
    ///
    /// # Errors
    /// When a program for the image cannot be packed, or the engine refuses it.
    pub async fn load_companion(&self, state: &StateFolder) -> Result<String> {
        if self.kind == EngineKind::Simulated {
            return Ok(COMPANION.to_owned());
        }
        state.create()?;
        let app = find_app_binary(None)?;
        let program = own_program()?;
        let begin = Instant::now();
        let image = build(move || companion_image(&program, &app)).await?;
        let (_, loaded) = self.load_one(state, &self.manager, &image).await?;
        tracing::debug!(loaded, took = ?begin.elapsed(), "companion image");
        Ok(image.reference)
    }

    /// Loads an image unless the engine has it. Returns its id on this engine, and whether it was
    /// loaded. On a user's engine, the ledger notes the image first, so that it can be removed later,
    /// and the one whose name it takes if that is ours.
    async fn load_one(
        &self,
        state: &StateFolder,
        engine: &Engine,
        image: &BuiltImage,
    ) -> Result<(String, bool)> {
        let present = engine.image(&image.reference).await?;
        let same = |present: &ImageView| present.labels[CONTENT_LABEL] == image.content.as_str();
        if let Some(present) = present.as_ref().filter(|present| same(present)) {
            return Ok((present.id.clone(), false));
        }
        if self.kind == EngineKind::Host {
            let address = engine.host().to_string();
            let mut ledger = Ledger::read(state)?;
            if let Some(replaced) = &present {
                ledger.note_replaced(&address, &image.reference, &replaced.id);
            }
            ledger.note_image(LoadedImage {
                engine: address,
                reference: image.reference.clone(),
                content: image.content.clone(),
                for_run: self.for_one_run,
            });
            ledger.write()?;
        }
        let id = engine.load_image(&image.reference, image.archive.clone()).await?;
        Ok((id, true))
    }
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|error| {
        Error::environment("cannot find rollproof's own executable").caused_by(error)
    })
}

/// Builds on a separate thread, because packing and hashing take a while.
pub(super) async fn build<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::environment("cannot build an image").caused_by(error))?
}
