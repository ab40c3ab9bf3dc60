//! `rollproof explain`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::ci::Ci;
use super::console::Console;
use super::output::put_line;
use super::result::run_folder;
use crate::error::{Error, Result};
use crate::plan::{Tweak, explain, explain_text, what_if, what_if_text};
use crate::record::{RecordReader, Run};

/// Tell every step of a recorded update in plain words, with the rule and the setting behind it
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The run's id or folder [default: the newest run]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,

    /// Say what the recorded update would have done with another setting, such as monitor=15s;
    /// repeat for several
    #[arg(long = "set", value_name = "SETTING=VALUE", value_parser = tweak)]
    tweaks: Vec<Tweak>,
}

fn tweak(text: &str) -> Result<Tweak, String> {
    let (name, value) =
        text.split_once('=').ok_or("write SETTING=VALUE, for example monitor=15s")?;
    Tweak::new(name.trim(), value.trim())
}

pub(super) fn run(args: &ExplainArgs, console: &Console) -> Result<u8> {
    let run = RecordReader::open(&run_folder(console, args.run.as_deref()))?;
    if !args.tweaks.is_empty() {
        return tell_what_if(args, &run, console);
    }
    let explained = explain(&run);
    if console.global.json {
        return put_json(&explained);
    }
    if explained.is_empty() {
        console.tell("the run has no scenario: nothing was updated");
    }
    let text = explain_text(&explained, &run.meta.stack.places, console.global.verbose);
    put_line(Ci::here(None).quote(text.trim_end())).map(|()| 0)
}

fn tell_what_if(args: &ExplainArgs, run: &Run, console: &Console) -> Result<u8> {
    let found = what_if(run, &args.tweaks).map_err(Error::usage)?;
    if found.is_empty() {
        console
            .tell("the run has no update of a service with replicas: there is nothing to replay");
    }
    if console.global.json {
        return put_json(&found);
    }
    put_line(Ci::here(None).quote(what_if_text(&found, &args.tweaks).trim_end())).map(|()| 0)
}

fn put_json<T: Serialize>(value: &T) -> Result<u8> {
    let json = serde_json::to_string_pretty(value)
        .map_err(|error| Error::environment("cannot write the result").caused_by(error))?;
    put_line(json).map(|()| 0)
}
