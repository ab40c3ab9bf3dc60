//! `rollproof compare`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::ci::Ci;
use super::console::Console;
use super::output::put_line;
use super::output_files;
use super::result::{judge_record, out_style, run_folder};
use super::values::format_and_file;
use crate::compare::Comparison;
use crate::error::Result;
use crate::exit_code;
use crate::report::{COMPARE_FORMATS, CompareFormat, Style, find_compare};

/// Show recorded runs side by side: settings that differ, durations, losses, gaps, latency
///
/// The first run is the one that the others are measured by. Changes nothing and says no verdict:
/// `rollproof report RUN --against OTHER` does.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof compare 20261121-011409-4f2a latest\n  \
    rollproof compare before after --format html=runs.html")]
pub(super) struct CompareArgs {
    /// The runs: ids, folders, or `latest`
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    runs: Vec<PathBuf>,

    /// Write it in this format, to standard output or to FILE; repeat for several
    #[arg(long = "format", value_name = "NAME[=FILE]", long_help = format_help())]
    formats: Vec<Choice>,
}

/// A format and the file it goes to; without one to standard output.
#[derive(Debug, Clone)]
struct Choice {
    format: &'static CompareFormat,
    file: Option<PathBuf>,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || COMPARE_FORMATS.iter().map(|format| format.name).collect();
        let (format, file) = format_and_file(text, find_compare, names)?;
        Ok(Self { format, file })
    }
}

fn format_help() -> String {
    let lines = COMPARE_FORMATS.iter().map(|one| format!("\n{:6} {}", one.name, one.about));
    "Write it in this format, to standard output or to FILE; repeat for several\n".to_owned()
        + &lines.collect::<String>()
}

pub(super) fn run(args: &CompareArgs, console: &Console) -> Result<u8> {
    output_files::check(
        args.formats
            .iter()
            .filter_map(|choice| choice.file.as_deref().map(|file| (choice.format.name, file))),
    )?;
    let judgements = args
        .runs
        .iter()
        .map(|run| Ok(judge_record(&run_folder(console, Some(run)))?.judgement))
        .collect::<Result<Vec<_>>>()?;
    let comparison = Comparison::of(&judgements);
    let written = output_files::all(args.formats.iter().map(|choice| match &choice.file {
        Some(file) => {
            output_files::save(file, &(choice.format.write)(&comparison, Style::default()))
        }
        None => print(choice.format, &comparison),
    }));
    let chosen = args.formats.iter().any(|choice| choice.file.is_none());
    let name = if console.global.json { "json" } else { "text" };
    match find_compare(name) {
        Some(format) if console.global.json || !chosen => {
            print(format, &comparison)?;
        }
        _ => {}
    }
    written.map(|()| exit_code::PASS)
}

fn print(format: &CompareFormat, comparison: &Comparison) -> Result<()> {
    let text = (format.write)(comparison, out_style(None));
    put_line(Ci::here(None).quote(text.trim_end()))
}
