//! Making sure that every engine has the example's images.

use std::time::Instant;

use super::console::Console;
use crate::engine::Engine;
use crate::error::Result;
use crate::image::{BuiltImage, Programs, companion_image, example_images, find_app_binary};
use crate::site::{EngineKind, Ledger, LoadedImage, Site};
use crate::stack::ServiceBody;

/// References of the example's images begin with this.
const PREFIX: &str = "rollproof/";

/// Builds and loads the example's images if the services use any of them.
pub(super) async fn ensure(
    console: &Console,
    site: &Site,
    services: &[ServiceBody],
    also: &[&str],
    app: Option<&std::path::Path>,
) -> Result<()> {
    let mut wanted = services.iter().map(ServiceBody::image).chain(also.iter().copied());
    if !wanted.any(|image| image.starts_with(PREFIX)) {
        return Ok(());
    }
    load(console, site, &Programs::new(console.state.path()), app).await.map(drop)
}

/// Builds the example's images and loads each into every engine that does not have it.
pub(super) async fn load(
    console: &Console,
    site: &Site,
    programs: &Programs,
    app: Option<&std::path::Path>,
) -> Result<Vec<BuiltImage>> {
    console.state.create()?;
    let app = find_app_binary(app)?;
    let begin = Instant::now();
    let programs = programs.clone();
    let images = tokio::task::spawn_blocking(move || example_images(&programs, &app)).await;
    let images = images.map_err(|error| {
        crate::Error::environment("the images could not be built").caused_by(error)
    })??;
    for image in &images {
        let mut loaded = 0;
        for engine in &site.engines {
            loaded += usize::from(load_one(console, site, engine, image).await?);
        }
        let id = image.id.trim_start_matches("sha256:");
        let what = match (loaded, site.engines.len()) {
            (0, _) => "is there already".to_owned(),
            (1, 1) => "built and loaded".to_owned(),
            (loaded, all) => format!("built and loaded into {loaded} of {all} engines"),
        };
        console.tell(&format!("image {}  {}  {what}", image.reference, &id[..id.len().min(12)]));
    }
    console.tell(&format!("images ready after {:.1} s", begin.elapsed().as_secs_f64()));
    Ok(images)
}

/// Makes the image of the program's own services beside a stack, and loads it into the manager's
/// engine, on whose node they run.
pub(super) async fn load_companion(console: &Console, site: &Site) -> Result<()> {
    console.state.create()?;
    let app = find_app_binary(None)?;
    let program = std::env::current_exe().map_err(|error| {
        crate::Error::environment("this program's own file is not known").caused_by(error)
    })?;
    let begin = Instant::now();
    let image = tokio::task::spawn_blocking(move || companion_image(&program, &app)).await;
    let image = image.map_err(|error| {
        crate::Error::environment("the image could not be built").caused_by(error)
    })??;
    let loaded = load_one(console, site, &site.manager, &image).await?;
    tracing::debug!(loaded, took = ?begin.elapsed(), "companion image");
    Ok(())
}

async fn load_one(
    console: &Console,
    site: &Site,
    engine: &Engine,
    image: &BuiltImage,
) -> Result<bool> {
    let present = engine.image(&image.reference).await?;
    if present.is_some_and(|present| present.id == image.id) {
        return Ok(false);
    }
    if site.kind == EngineKind::Host {
        let mut ledger = Ledger::read(&console.state)?;
        let entry = LoadedImage {
            engine: engine.host().to_string(),
            reference: image.reference.clone(),
            id: image.id.clone(),
        };
        if !ledger.images.contains(&entry) {
            ledger.images.push(entry);
            ledger.write()?;
        }
    }
    engine.load_image(&image.reference, image.archive.clone()).await?;
    Ok(true)
}
