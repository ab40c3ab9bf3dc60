//! `rollproof build`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use serde_json::json;

use super::console::Console;
use super::dry_run::{DryRunArgs, Page, nothing_done};
use super::output::{put, put_line};
use crate::error::{Error, Result};
use crate::image::{APP_V1, APP_V2, BuildContext, PROXY, Programs, find_app_binary};
use crate::site::{LabUse, Site};

/// Build the example's images, or a folder with a Dockerfile, into every engine of the swarm
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// Build this folder's Dockerfile instead of the example
    #[arg(long, value_name = "DIR", requires = "tag")]
    context: Option<PathBuf>,

    /// Dockerfile, relative to the folder
    #[arg(short, long, value_name = "FILE", requires = "context")]
    file: Option<String>,

    /// Name of the image that is built from the folder
    #[arg(short, long, value_name = "NAME", requires = "context")]
    tag: Option<String>,

    /// The app's static binary [default: found beside this program or in target/]
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    app: Option<PathBuf>,

    /// Caddy program to pack into the proxy's image
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    caddy: Option<PathBuf>,

    /// Busybox program to pack into the images
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    busybox: Option<PathBuf>,

    #[command(flatten)]
    dry_run: DryRunArgs,
}

pub(super) async fn run(args: BuildArgs, console: &Console) -> Result<u8> {
    if args.dry_run.dry_run {
        return dry_run(&args, console).await;
    }
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::Start).await?;
    let built = if let (Some(context), Some(tag)) = (&args.context, &args.tag) {
        vec![build_folder(console, &site, context, args.file.as_deref(), tag).await?]
    } else {
        let mut programs = Programs::new(console.state.path());
        if let Some(caddy) = &args.caddy {
            programs = programs.with_given("caddy", caddy);
        }
        if let Some(busybox) = &args.busybox {
            programs = programs.with_given("busybox", busybox);
        }
        let tell = |text: &str| console.tell(text);
        let app = args.app.as_deref();
        site.load_example(&console.state, &programs, app, &tell).await?
    };
    if console.global.json {
        let images: Vec<_> =
            built.iter().map(|(reference, id)| json!({"reference": reference, "id": id})).collect();
        put_line(json!({ "images": images }))?;
    }
    Ok(0)
}

async fn dry_run(args: &BuildArgs, console: &Console) -> Result<u8> {
    let engine = console.foresee_site(LabUse::Start).await?;
    let images: Vec<String> = if let (Some(context), Some(tag)) = (&args.context, &args.tag) {
        // What is wrong with the folder is said now.
        BuildContext::of(context, args.file.as_deref())?;
        vec![tag.clone()]
    } else {
        find_app_binary(args.app.as_deref())?;
        [APP_V1, APP_V2, PROXY].map(str::to_owned).into()
    };
    if console.global.json {
        put_line(json!({"dry_run": true, "engine": engine.to_string(), "builds": images}))?;
    } else {
        let mut page = Page::default();
        page.entry("engine", &engine.to_string());
        for image in &images {
            page.entry("build", image);
        }
        put(&page.0)?;
    }
    nothing_done(console);
    Ok(0)
}

/// Builds a user's folder on every engine: without a registry each needs its own.
async fn build_folder(
    console: &Console,
    site: &Site,
    folder: &std::path::Path,
    dockerfile: Option<&str>,
    tag: &str,
) -> Result<(String, String)> {
    let begin = Instant::now();
    let context = BuildContext::of(folder, dockerfile)?;
    for engine in &site.engines {
        engine
            .build_image(tag, &context.dockerfile, context.archive.clone(), &mut |line| {
                console.tell(&format!("  {line}"));
            })
            .await?;
    }
    let image = site.manager.image(tag).await?.ok_or_else(|| {
        Error::environment(format!("the engine built {tag} but does not have it"))
    })?;
    let id = image.id.trim_start_matches("sha256:").to_owned();
    console.tell(&format!(
        "image {tag}  {}  built in {:.1} s",
        &id[..id.len().min(12)],
        begin.elapsed().as_secs_f64()
    ));
    Ok((tag.to_owned(), image.id))
}
