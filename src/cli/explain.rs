//! `rollproof explain`.

use std::path::PathBuf;

use clap::Args;

use super::ci::Ci;
use super::console::Console;
use super::output::put_line;
use super::result::run_folder;
use crate::error::{Error, Result};
use crate::plan::{explain, explain_text};
use crate::record::RecordReader;

/// Tell every step of a recorded update in plain words, with the rule and the setting behind it
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The run's id or folder [default: the newest run]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
}

pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8> {
    let run = RecordReader::open(&run_folder(console, args.run.as_deref()))?;
    let explained = explain(&run);
    if console.global.json {
        let json = serde_json::to_string_pretty(&explained)
            .map_err(|error| Error::environment("cannot write the steps").caused_by(error))?;
        return put_line(json).map(|()| 0);
    }
    if explained.is_empty() {
        console.tell("the run has no scenario: nothing was updated");
    }
    let text = explain_text(&explained, &run.meta.stack.places, console.global.verbose);
    put_line(Ci::here(None).quote(text.trim_end())).map(|()| 0)
}
