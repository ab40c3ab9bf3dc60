//! `rollproof down`.

use clap::Args;
use serde_json::json;

use super::args::StackName;
use super::console::Console;
use super::dry_run::{DryRunArgs, Page, nothing_done};
use super::output::{put, put_line};
use crate::deploy::Whose;
use crate::error::{Error, Result};
use crate::site::{LabUse, Site, everything, left_behind, remove_everything};

/// Remove the stack, and the private engine if there is one, and check that nothing is left
///
/// With a name, only that stack is removed and a private engine stays. Without one, everything
/// that was made from this folder is removed.
#[derive(Debug, Args)]
pub(super) struct DownArgs {
    #[command(flatten)]
    name: StackName,

    #[command(flatten)]
    dry_run: DryRunArgs,
}

pub(super) async fn run(args: &DownArgs, console: &Console) -> Result<u8> {
    if args.dry_run.dry_run {
        return dry_run(args, console).await;
    }
    let _lock = console.state.lock()?;
    let tell = |text: &str| console.tell(text);
    let mut left = Vec::new();
    if let Some(stack) = &args.name.stack {
        let site = console.open_site(LabUse::Running).await?;
        refuse_others(&site, stack).await?;
        site.remove_stack(&console.state, stack, &tell).await?;
    } else {
        left = remove_everything(&console.state, &tell, &|text| console.detail(text)).await?;
    }
    if console.global.json {
        put_line(json!({ "left": left }))?;
    }
    if left.is_empty() {
        console.tell("nothing is left");
        return Ok(0);
    }
    Err(left_behind(&left))
}

async fn dry_run(args: &DownArgs, console: &Console) -> Result<u8> {
    let would = if let Some(stack) = &args.name.stack {
        let foreseen = console.foresee_site(LabUse::Running).await?;
        let Some(site) = foreseen.site() else {
            return Err(Error::environment("no stack is on an engine without a swarm"));
        };
        refuse_others(site, stack).await?;
        vec![format!("stack {stack} on the {}", site.reason)]
    } else {
        everything(&console.state)?
    };
    if console.global.json {
        put_line(json!({ "dry_run": true, "removes": would }))?;
    } else if would.is_empty() {
        put("nothing is there to remove\n")?;
    } else {
        let mut page = Page::default();
        for what in &would {
            page.entry("remove", what);
        }
        put(&page.0)?;
    }
    nothing_done(console);
    Ok(0)
}

/// Says so if a stack is not there, or has nothing of this folder's: nothing of it is touched.
async fn refuse_others(site: &Site, stack: &str) -> Result<()> {
    let whose = site.whose_parts(stack).await?;
    match whose.iter().find(|whose| **whose != Whose::Ours) {
        _ if whose.contains(&Whose::Ours) => Ok(()),
        None => Err(Error::usage(format!("stack `{stack}` does not exist"))),
        Some(whose) => Err(Error::usage(format!("stack `{stack}` {whose} and was left alone"))
            .hint(format!("`docker stack rm {stack}` removes it"))),
    }
}
