//! From a finished record to the result that the user sees.

use std::path::{Path, PathBuf};

use super::ci::Ci;
use super::console::Console;
use super::format_args::FormatArgs;
use super::output_files::{self, save};
use super::values::FormatChoice;
use crate::error::{Error, ErrorKind, Result};
use crate::judge::{Judgement, Limits, Pooled, judge};
use crate::record::{Meta, RecordReader, Run, RunFolder};
use crate::report::{self, Format, Material, Recorded, Style};
use crate::run::Finished;
use crate::ui::stderr_colour;

/// A record and its judgement.
pub(super) struct Judged {
    pub(super) run: Run,
    pub(super) judgement: Judgement,
}

impl Judged {
    /// Writes `report.json` into the run's folder.
    ///
    /// # Errors
    /// If it cannot be written: the disk is full, or the record must not be changed.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let run_folder = RunFolder::at(folder);
        let json = (report::JSON.write)(Material::One(&self.judgement), Style::default());
        run_folder.save(&run_folder.report_file(), &json)
    }

    pub(super) fn recorded(&self) -> Recorded<'_> {
        Recorded { run: &self.run, judgement: &self.judgement }
    }
}

/// Judges a run that is over, lets `clean_up` remove what it made, prints the result and returns
/// the exit code. The result is the last thing printed.
pub(super) async fn conclude(
    console: &Console,
    formats: &FormatArgs,
    finished: Finished,
    clean_up: impl Future<Output = Result<()>>,
) -> Result<u8> {
    let judged = judge_record(&finished.folder);
    let saved = judged.as_ref().map_or(Ok(()), |judged| {
        console.tell_judged(judged.recorded());
        judged.save(&finished.folder)
    });
    let cleaned = clean_up.await;
    // Nothing was measured: a report would only hide what is wrong with the command line.
    if let Err(error) = finished.outcome.as_ref()
        && error.kind() == ErrorKind::Usage
    {
        return finished.outcome.map(|()| 0);
    }
    let judged = judged?;
    let shown = show(console, formats, judged.recorded(), &finished.folder, Ci::here(formats.ci));
    let judged = judged.judgement;
    // What ended the run early is a reason of the verdict, unless the record could not take it.
    if let Err(error) = finished.outcome
        && !judged.because.contains(&error.with_cause())
    {
        return Err(error);
    }
    cleaned?;
    output_files::all([shown, saved])?;
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

/// Judges the record in `folder`.
pub(super) fn judge_record(folder: &Path) -> Result<Judged> {
    let run = RecordReader::open(folder)?;
    let judgement = judge(&run, &Limits::default());
    Ok(Judged { run, judgement })
}

/// Judges the record in `folder` with other limits than its own, and writes nothing.
///
/// # Errors
/// A usage error for limits that make no sense together or that the service cannot keep.
pub(super) fn judge_again(folder: &Path, change: impl FnOnce(&mut Meta)) -> Result<Judged> {
    let mut run = RecordReader::open(folder)?;
    change(&mut run.meta);
    run.meta.limits.check()?;
    run.meta.limits.check_replicas(run.meta.stack.replicas)?;
    let judgement = judge(&run, &Limits::default());
    Ok(Judged { run, judgement })
}

/// Judges a run that has just ended and saves the verdict; whoever follows the events is told, too. A
/// verdict that could not be saved is one: the second result says why, for the end of the command.
///
/// # Errors
/// If the record cannot be read.
pub(super) fn judge_finished(
    console: &Console,
    finished: &Finished,
) -> Result<(Judgement, Result<()>)> {
    let judged = judge_record(&finished.folder)?;
    console.tell_judged(judged.recorded());
    let saved = judged.save(&finished.folder);
    Ok((judged.judgement, saved))
}

/// Judges several runs together and prints the result.
pub(super) fn conclude_all(
    console: &Console,
    formats: &FormatArgs,
    judgements: &[Judgement],
) -> Result<u8> {
    let pooled = Pooled::of(judgements);
    let ci = Ci::here(formats.ci);
    console.close_log();
    let told = ci.tell_pooled(&pooled);
    let write = |format: &Format, style: Style| {
        format.write_pooled(&pooled, style).ok_or_else(|| needs_one_run(format))
    };
    let put = put_all(console, formats, None, ci, write);
    output_files::all([told, put]).map(|()| pooled.verdict.exit_code())
}

/// Refuses formats that have room for one run only, before several are begun.
pub(super) fn check_for_several(formats: &FormatArgs) -> Result<()> {
    let mut records = formats.formats.iter().map(|choice| choice.format);
    match records.find(|format| matches!(format, Format::Record(_))) {
        Some(format) => Err(needs_one_run(format)),
        None => Ok(()),
    }
}

fn needs_one_run(format: &Format) -> Error {
    let name = format.name();
    Error::usage(format!("the format `{name}` is about one run, not about several"))
        .hint(format!("afterwards, `rollproof report RUN --format {name}=FILE` writes it of each"))
}

/// Writes the result of one run in the formats that the user chose: the summary unless told
/// otherwise. What cannot be written takes nothing else with it: the run may have taken minutes.
///
/// # Errors
/// If something could not be written, after everything else is.
pub(super) fn show(
    console: &Console,
    formats: &FormatArgs,
    recorded: Recorded,
    record: &Path,
    ci: Ci,
) -> Result<()> {
    console.close_log();
    let told = ci.tell(recorded.judgement, record);
    // What a CI system takes for a command stays text, whether or not it is told the result.
    let ci = Ci::here(formats.ci);
    let write = |format: &Format, style: Style| Ok(format.write(recorded, style));
    let put = put_all(console, formats, Some(record), ci, write);
    output_files::all([told, put])
}

fn put_all(
    console: &Console,
    formats: &FormatArgs,
    record: Option<&Path>,
    ci: Ci,
    write: impl Fn(&Format, Style) -> Result<String>,
) -> Result<()> {
    let style = if console.has_stdout() {
        out_style(record)
    } else {
        Style { colour: stderr_colour(), width: columns(), record }
    };
    let plain = Style { record, ..Style::default() };
    let put = |choice: &FormatChoice| match &choice.file {
        Some(file) => save(file, &write(choice.format, plain)?),
        // These are commands on purpose, with everything from elsewhere escaped.
        None if choice.format.name() == report::GITHUB.name => {
            console.put_result(write(choice.format, style)?.trim_end())
        }
        None => console.put_result(ci.quote(write(choice.format, style)?.trim_end())),
    };
    let written = output_files::all(formats.formats.iter().map(put));
    let chosen = formats.formats.iter().any(|choice| choice.file.is_none());
    let format = match () {
        () if console.global.json => report::JSON,
        () if chosen => return written,
        () if console.global.verbose => report::DETAILS,
        () => report::SUMMARY,
    };
    let text = write(&Format::Judgement(format), style)?;
    output_files::all([written, console.put_result(ci.quote(text.trim_end()))])
}

/// How text on standard output looks.
pub(super) fn out_style(record: Option<&Path>) -> Style<'_> {
    Style {
        colour: anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        width: columns(),
        record,
    }
}

/// The terminal's width, or that of most if standard output is none.
pub(super) fn columns() -> usize {
    console::Term::stdout()
        .size_checked()
        .map_or(Style::default().width, |(_, columns)| usize::from(columns))
}
