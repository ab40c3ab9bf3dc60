//! From a finished record to the verdict on the screen.

use std::path::Path;

use super::console::Console;
use super::output::put_line;
use crate::error::Result;
use crate::judge::{Judgement, Limits, Pooled, Verdict, judge};
use crate::record::{RecordReader, RunFolder};
use crate::report::{JSON, Material, SUMMARY, Style};

/// Judges the record in `folder`, writes `report.json` beside it and prints the result.
pub(super) fn conclude(console: &Console, folder: &Path) -> Result<Judgement> {
    let judgement = judge_and_save(folder)?;
    let format = if console.global.json { JSON } else { SUMMARY };
    let style = Style { colour: stdout_colour(), record: Some(folder), ..Style::default() };
    let text = (format.write)(Material::One(&judgement), style);
    put_line(text.trim_end())?;
    Ok(judgement)
}

/// Judges the record in `folder` and writes `report.json` beside it.
pub(super) fn judge_and_save(folder: &Path) -> Result<Judgement> {
    let run = RecordReader::open(folder)?;
    let judgement = judge(&run, &Limits::default());
    let run_folder = RunFolder::at(folder);
    let report = (JSON.write)(Material::One(&judgement), Style::default());
    run_folder.save(&run_folder.report_file(), &report)?;
    Ok(judgement)
}

/// Prints what several runs say together.
pub(super) fn conclude_all(console: &Console, judgements: &[Judgement]) -> Result<Pooled> {
    let pooled = Pooled::of(judgements);
    let format = if console.global.json { JSON } else { SUMMARY };
    let style = Style { colour: stdout_colour(), ..Style::default() };
    let text = (format.write)(Material::Several(&pooled), style);
    put_line(text.trim_end())?;
    Ok(pooled)
}

fn stdout_colour() -> bool {
    anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
}

/// The exit code of a verdict.
pub(super) fn exit_code(verdict: Verdict) -> u8 {
    verdict.exit_code()
}
