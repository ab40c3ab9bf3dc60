//! From a finished record to the result that the user sees.

use std::path::{Path, PathBuf};

use super::args::FormatArgs;
use super::console::Console;
use super::output::put_line;
use crate::error::{Error, ErrorKind, Result};
use crate::judge::{Judgement, Limits, Pooled, judge};
use crate::record::{RecordReader, RunFolder};
use crate::report::{self, Material, Style};
use crate::run::Finished;

/// Judges a run that is over, lets `clean_up` remove what it made, prints the result and returns
/// the exit code. The result is the last thing printed.
pub(super) async fn conclude(
    console: &Console,
    formats: &FormatArgs,
    finished: Finished,
    clean_up: impl Future<Output = Result<()>>,
) -> Result<u8> {
    let judged = judge_and_save(&finished.folder);
    let cleaned = clean_up.await;
    // Nothing was measured: a report would only hide what is wrong with the command line.
    if let Err(error) = finished.outcome.as_ref()
        && error.kind() == ErrorKind::Usage
    {
        return finished.outcome.map(|()| 0);
    }
    let judged = judged?;
    show(console, formats, Material::One(&judged), Some(&finished.folder))?;
    // What ended the run early is a reason of the verdict, unless the record could not take it.
    if let Err(error) = finished.outcome
        && !judged.because.contains(&error.with_cause())
    {
        return Err(error);
    }
    cleaned?;
    Ok(judged.verdict.exit_code())
}

/// The folder of a run, given by its folder or id; by default that of the newest one.
pub(super) fn run_folder(console: &Console, run: Option<&Path>) -> PathBuf {
    let runs = console.state.runs();
    match run {
        None => runs.join("latest"),
        Some(run) if run.is_dir() => run.to_owned(),
        Some(id) => runs.join(id),
    }
}

/// Judges the record in `folder` and writes `report.json` into it.
pub(super) fn judge_and_save(folder: &Path) -> Result<Judgement> {
    let run = RecordReader::open(folder)?;
    let judgement = judge(&run, &Limits::default());
    let run_folder = RunFolder::at(folder);
    let json = (report::JSON.write)(Material::One(&judgement), Style::default());
    run_folder.save(&run_folder.report_file(), &json)?;
    Ok(judgement)
}

/// Judges several runs together and prints the result.
pub(super) fn conclude_all(
    console: &Console,
    formats: &FormatArgs,
    judgements: &[Judgement],
) -> Result<u8> {
    let pooled = Pooled::of(judgements);
    show(console, formats, Material::Several(&pooled), None)?;
    Ok(pooled.verdict.exit_code())
}

/// Prints a result in the formats that the user chose: the summary unless told otherwise.
pub(super) fn show(
    console: &Console,
    formats: &FormatArgs,
    material: Material<'_>,
    record: Option<&Path>,
) -> Result<()> {
    let style = Style {
        colour: anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        width: columns(),
        record,
    };
    let plain = Style { record, ..Style::default() };
    for choice in &formats.formats {
        match &choice.file {
            Some(file) => write(file, &(choice.format.write)(material, plain))?,
            None => put_line((choice.format.write)(material, style).trim_end())?,
        }
    }
    let chosen = formats.formats.iter().any(|choice| choice.file.is_none());
    let format = match () {
        () if console.global.json => &report::JSON,
        () if chosen => return Ok(()),
        () if console.global.verbose => &report::DETAILS,
        () => &report::SUMMARY,
    };
    put_line((format.write)(material, style).trim_end())
}

fn write(file: &Path, text: &str) -> Result<()> {
    std::fs::write(file, text).map_err(|error| {
        Error::environment(format!("cannot write {}", file.display())).caused_by(error)
    })
}

/// The terminal's width, or that of most if standard output is none.
fn columns() -> usize {
    console::Term::stdout()
        .size_checked()
        .map_or(Style::default().width, |(_, columns)| usize::from(columns))
}
