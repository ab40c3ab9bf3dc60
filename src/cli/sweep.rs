//! `rollproof sweep`.

use std::path::Path;

use clap::Args;

use super::console::Console;
use super::forecast::{ForecastArgs, NAMESPACE, key};
use super::measure::Measuring;
use super::output::{put, put_line};
use super::output_files::save;
use super::target_args::AddressArgs;
use crate::deploy::sources;
use crate::error::{Error, Result};
use crate::plan::{LARGEST_GRID, Row, Setting, Sweep, Vary, measured_text, sweep_text};
use crate::stack::{Edited, Paste, edit};
use crate::swarm_model::Spec;
use crate::wording::count;

/// Compare update settings: play an update under every combination of them
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof sweep -c stack.yml --vary parallelism=1,2,3 --vary order=start-first,stop-first\n  \
    rollproof sweep -c stack.yml --vary monitor=5s,30s,2m --write\n\n\
    The combinations are played on a model of Swarm. It needs no engine, except for --measure.\n\
    docs/plan.md describes the output and the JSON.")]
pub(super) struct SweepArgs {
    #[command(flatten)]
    forecast: ForecastArgs,

    /// Setting and the values to try, such as parallelism=1,2,3 or healthcheck.interval=1s,5s;
    /// repeat for several
    #[arg(long, value_name = "SETTING=VALUES", required = true, value_parser = Vary::parse)]
    vary: Vec<Vary>,

    /// Write the settings of row N into the stack file [default: those of the best row]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "best", value_parser = row_choice)]
    write: Option<RowChoice>,

    /// Run the N most interesting rows on a real engine, and compare what comes with what is predicted
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=20))]
    measure: Option<u8>,

    #[command(flatten)]
    address: AddressArgs,
}

/// Which row is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RowChoice {
    Best,
    Number(usize),
}

fn row_choice(text: &str) -> Result<RowChoice, String> {
    match text {
        "best" => Ok(RowChoice::Best),
        _ => text.parse().map(RowChoice::Number).map_err(|_| "must be the number of a row".into()),
    }
}

pub(super) async fn run(args: &SweepArgs, console: &Console) -> Result<u8> {
    check_grid(&args.vary)?;
    if args.write.is_some() {
        check_files(&args.forecast.files)?;
    }
    check_measure(args)?;
    let mut settings = args.forecast.settings(&[], console)?;
    if settings.len() > 1 {
        let names: Vec<&str> = settings.iter().map(|setting| setting.service.as_str()).collect();
        return Err(Error::usage("the stack has several services")
            .hint(format!("choose one with --service: {}", crate::wording::list(&names))));
    }
    let setting =
        settings.pop().ok_or_else(|| Error::usage("the stack has no service that is updated"))?;
    let mut sweep = Sweep::of(&setting, &args.vary).map_err(Error::usage)?;
    if !console.global.json {
        put(&sweep_text(&sweep, console.global.verbose))?;
    }
    let mut outcome = Ok(());
    if let Some(count) = args.measure {
        let (files, address) = (&args.forecast.files[..], &args.address);
        let measuring = Measuring { sweep: &sweep, setting: &setting, files, address, console };
        let ended = measuring.run(usize::from(count)).await?;
        sweep.measured = ended.measured;
        outcome = ended.outcome;
        if !console.global.json && !sweep.measured.is_empty() {
            put(&measured_text(&sweep.measured))?;
        }
    }
    if console.global.json {
        let json = serde_json::to_string_pretty(&sweep)
            .map_err(|error| Error::environment("cannot write the sweep").caused_by(error))?;
        put_line(json)?;
    }
    outcome?;
    if let Some(choice) = args.write {
        let row = chosen(&sweep, choice)?;
        let files = write(args, &setting, row)?;
        if files.is_empty() {
            console.tell(&format!("the stack file says already what row {} says", row.number));
        }
        for file in files {
            console.tell(&format!("row {} is written into {file}", row.number));
        }
    }
    Ok(0)
}

fn check_grid(varied: &[Vary]) -> Result<()> {
    for (index, vary) in varied.iter().enumerate() {
        if varied[..index].iter().any(|known| known.name() == vary.name()) {
            return Err(Error::usage(format!("--vary {} is there twice", vary.name()))
                .hint("write all values of a setting in one --vary, separated by commas"));
        }
    }
    let rows = varied.iter().try_fold(1_usize, |rows, vary| rows.checked_mul(vary.values()));
    let fits = rows.is_some_and(|rows| rows <= LARGEST_GRID);
    if fits {
        return Ok(());
    }
    let rows = rows.map_or_else(|| "too many".to_owned(), |rows| count(rows as u64));
    Err(Error::usage(format!(
        "these are {rows} combinations, and the most are {}",
        count(LARGEST_GRID as u64)
    ))
    .hint("try fewer values, or vary fewer settings at once"))
}

/// Refuses what cannot be run for real.
fn check_measure(args: &SweepArgs) -> Result<()> {
    if args.measure.is_none() {
        return Ok(());
    }
    if args.forecast.has_behaviour() {
        return Err(Error::usage("--measure and --behaviour exclude each other")
            .hint("a real run has the behaviour of the stack's own versions"));
    }
    Ok(())
}

/// Refuses to write where there is no file to write to.
fn check_files(files: &[String]) -> Result<()> {
    if files.is_empty() {
        return Err(Error::usage("--write needs the stack file: name it with -c"));
    }
    if files.iter().flat_map(|file| file.split(',')).any(|file| file == "-") {
        return Err(Error::usage("--write cannot write to standard input"));
    }
    Ok(())
}

fn chosen(sweep: &Sweep, choice: RowChoice) -> Result<&Row> {
    match choice {
        RowChoice::Best => sweep
            .best
            .and_then(|number| sweep.row(number))
            .ok_or_else(|| Error::usage("there is no best row: no good update completes")),
        RowChoice::Number(number) => sweep.row(number).ok_or_else(|| {
            let rows = sweep.rows.len();
            Error::usage(format!("there is no row {number}: the rows are 1 to {rows}"))
        }),
    }
}

/// Writes the settings of a row, and returns the files that have changed.
fn write(args: &SweepArgs, setting: &Setting, row: &Row) -> Result<Vec<String>> {
    let mut wanted = setting.spec.clone();
    let mut settings: Vec<Paste> = Vec::new();
    for tweak in row.tweaks() {
        let before = wanted.clone();
        tweak.apply(&mut wanted).map_err(Error::usage)?;
        // What the file already says, or what is the default anyway, stays as it is.
        if wanted != before {
            settings.push(tweak.paste());
        }
    }
    let edited = edit(&sources(&args.forecast.files)?, &setting.service, &settings)?;
    if spec_of(&edited, &setting.service)?.as_ref() != Some(&wanted) {
        return Err(Error::stack(
            "cannot write the settings: other settings of the service share these lines",
        )
        .hint(format!("write them by hand:\n  {}", Paste::lines(&settings).join("\n  "))));
    }
    let texts = edited.files.iter().map(|(name, texts)| (Path::new(name), texts));
    let contents = texts.clone().map(|(file, [old, new])| replaced(file, old, new));
    let contents = contents.collect::<Result<Vec<String>>>()?;
    for ((file, _), content) in texts.zip(&contents) {
        save(file, content)?;
    }
    Ok(edited.files.into_iter().map(|(name, _)| name).collect())
}

fn spec_of(edited: &Edited, service: &str) -> Result<Option<Spec>> {
    let bodies = edited.stack.services(NAMESPACE)?;
    Ok(bodies.iter().find(|body| key(body) == service).map(|body| Spec::of(body, None)))
}

/// The new content of a file whose text was `old`.
fn replaced(file: &Path, old: &str, new: &str) -> Result<String> {
    const BYTE_ORDER_MARK: char = '\u{FEFF}';
    let failed = || format!("cannot write the settings into {}", file.display());
    let content =
        std::fs::read_to_string(file).map_err(|error| Error::stack(failed()).caused_by(error))?;
    let rest = content.strip_prefix(BYTE_ORDER_MARK);
    if rest.unwrap_or(&content) != old {
        return Err(Error::stack(format!("{}: its text is not plain UTF-8", failed())));
    }
    Ok(if rest.is_some() { format!("{BYTE_ORDER_MARK}{new}") } else { new.to_owned() })
}
