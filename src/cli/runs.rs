//! `rollproof runs`: the recorded runs, and `rollproof open`.

use std::collections::HashSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::ci::Ci;
use super::console::Console;
use super::dry_run::{DryRunArgs, Page, nothing_done};
use super::output::{put, put_line};
use super::result::{judge_record, run_folder};
use crate::error::{Error, Result};
use crate::record::{RunEntry, RunFolder};
use crate::report::HTML;
use crate::wording::{clean, counted, size};

/// List the recorded runs, and remove them
///
/// Without a command, lists the runs of this folder, the newest first: verdict, when it began, what was
/// run, and the size of its record. A damaged run is one whose record cannot be read.
#[derive(Debug, Args)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: Option<RunsCommand>,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    /// Remove runs by their ids
    Rm {
        /// The runs
        #[arg(value_name = "RUN", required = true)]
        runs: Vec<String>,
        #[command(flatten)]
        dry_run: DryRunArgs,
    },
    /// Remove all but the newest runs
    Prune {
        /// Keep this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        keep: usize,
        #[command(flatten)]
        dry_run: DryRunArgs,
    },
}

/// Write the page of a run and open it in the browser
#[derive(Debug, Args)]
pub(super) struct OpenArgs {
    /// The run's id or folder [default: the newest run]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,

    /// Only write the page and print its path
    #[arg(long)]
    no_browser: bool,
}

pub(super) fn run(args: &RunsArgs, console: &Console) -> Result<u8> {
    let runs = console.state.runs();
    let all = RunEntry::all(&runs)?;
    match &args.command {
        None => list(&all, console)?,
        Some(RunsCommand::Rm { runs: ids, dry_run }) => {
            let find = |id: &String| {
                all.iter().find(|run| run.id == *id).ok_or_else(|| {
                    Error::usage(format!("there is no run `{id}` in {}", runs.display()))
                        .hint("`rollproof runs` lists them")
                })
            };
            // All of them are known, and at rest, before the first one goes.
            let mut chosen = ids.iter().map(find).collect::<Result<Vec<_>>>()?;
            let mut seen = HashSet::new();
            chosen.retain(|run| seen.insert(&run.id));
            chosen.iter().try_for_each(|run| run.check_at_rest())?;
            remove(&chosen, *dry_run, console)?;
        }
        Some(RunsCommand::Prune { keep, dry_run }) => {
            let (growing, old): (Vec<&RunEntry>, Vec<&RunEntry>) =
                all.iter().skip(*keep).partition(|run| run.is_growing());
            remove(&old, *dry_run, console)?;
            for run in growing {
                console.tell(&format!("run {} is left: it may still be going on", run.id));
            }
        }
    }
    Ok(0)
}

fn remove(runs: &[&RunEntry], dry_run: DryRunArgs, console: &Console) -> Result<()> {
    if dry_run.dry_run {
        let ids: Vec<&str> = runs.iter().map(|run| run.id.as_str()).collect();
        let bytes = runs.iter().map(|run| run.bytes).sum();
        if console.global.json {
            put_line(json!({"dry_run": true, "removes": ids, "bytes": bytes}))?;
        } else {
            let mut page = Page::default();
            page.entry(
                "remove",
                &format!("{} ({})", counted(ids.len() as u64, "run"), size(bytes)),
            );
            for id in ids {
                page.entry("", &format!("  {id}"));
            }
            put(&page.0)?;
        }
        nothing_done(console);
        return Ok(());
    }
    for run in runs {
        run.remove()?;
    }
    let bytes = runs.iter().map(|run| run.bytes).sum();
    console.tell(&format!("removed {} ({})", counted(runs.len() as u64, "run"), size(bytes)));
    Ok(())
}

fn list(runs: &[RunEntry], console: &Console) -> Result<()> {
    if console.global.json {
        return put_line(json!(runs.iter().map(RunEntry::to_json).collect::<Vec<_>>()));
    }
    if runs.is_empty() {
        console.tell(&format!("no run in {}", console.state.runs().display()));
        return Ok(());
    }
    let rows: Vec<[String; 6]> = runs
        .iter()
        .map(|run| {
            [
                run.id.clone(),
                match &run.verdict {
                    Some(verdict) => verdict.clone(),
                    None if run.damaged => "damaged".to_owned(),
                    None => "not judged".to_owned(),
                },
                // To the second, without the zone: it is always UTC.
                run.started_at.get(..19).unwrap_or(&run.started_at).replace('T', " "),
                run.command.clone(),
                run.service.clone(),
                size(run.bytes),
            ]
            .map(|cell| clean(&cell).into_owned())
        })
        .collect();
    let titles = ["RUN", "VERDICT", "STARTED (UTC)", "COMMAND", "SERVICE", "SIZE"];
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| console::measure_text_width(&row[column]));
        cells.max().unwrap_or(0).max(titles[column].len())
    };
    let widths: Vec<usize> = (0..titles.len()).map(wide).collect();
    let line = |cells: Vec<&str>| {
        let cell = |(cell, width): (&str, &usize)| {
            let gap = width.saturating_sub(console::measure_text_width(cell));
            format!("{cell}{:gap$}", "")
        };
        let cells: Vec<String> = cells.into_iter().zip(&widths).map(cell).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(titles.to_vec());
    for row in &rows {
        text.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    put_line(Ci::here(None).quote(text.trim_end()))
}

pub(super) fn open_page(args: &OpenArgs, console: &Console) -> Result<u8> {
    let folder = run_folder(console, args.run.as_deref());
    let judged = judge_record(&folder)?;
    let folder = RunFolder::at(std::path::absolute(&folder).unwrap_or(folder));
    let page = folder.path().join("report.html");
    folder.save(&page, &(HTML.write)(judged.recorded())).map_err(|error| {
        error.hint("`rollproof report RUN --format html=FILE` writes it elsewhere")
    })?;
    judged.save(folder.path())?;
    put_line(page.display())?;
    if !args.no_browser
        && let Err(error) = open::that_detached(&page)
    {
        return Err(Error::environment("cannot open a browser")
            .caused_by(error)
            .hint(format!("open {} yourself", page.display())));
    }
    Ok(0)
}
