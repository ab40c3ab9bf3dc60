//! From a finished record to the verdict on the screen.

use std::path::Path;

use super::console::Console;
use super::output::put;
use crate::error::Result;
use crate::judge::{Judgement, Limits, Verdict, judge};
use crate::record::{RecordReader, RunFolder};
use crate::report::{self, Style};

/// Judges the record in `folder`, writes `report.json` beside it and prints the result.
pub(super) fn conclude(console: &Console, folder: &Path) -> Result<Judgement> {
    let run = RecordReader::open(folder)?;
    let judgement = judge(&run, &Limits::default());
    let json = report::json(&judgement);
    let run_folder = RunFolder::at(folder);
    run_folder.save(&run_folder.report_file(), &json)?;
    print(console, &judgement, &json, folder)?;
    Ok(judgement)
}

/// Prints a judgement: JSON on standard output if asked for, else the readable summary there.
fn print(console: &Console, judgement: &Judgement, json: &str, folder: &Path) -> Result<()> {
    let mut text = if console.global.json {
        json.to_owned()
    } else {
        let style = Style { colour: stdout_colour(), record: Some(folder) };
        report::summary(judgement, style)
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    put(&text)
}

fn stdout_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The exit code of a verdict.
pub(super) fn exit_code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => 0,
        Verdict::Fail => 1,
        Verdict::Inconclusive => 3,
    }
}
