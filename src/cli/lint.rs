//! `rollproof lint`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::output::{put, put_line};
use super::output_files;
use super::result::columns;
use super::values::{duration, engine_version, format_and_file};
use crate::deploy::read_stack;
use crate::error::{Error, Result};
use crate::exit_code;
use crate::lint::{
    self, Conditions, FORMATS, Findings, Format, ImageFacts, JSON, Look, RULES, Severity, TEXT,
};
use crate::site::LabUse;
use crate::stack::Stack;
use crate::swarm::EngineVersion;
use crate::wording::clean;

/// Find settings of a stack file that cost requests or hide failures, without an engine
#[derive(Debug, Args)]
#[command(
    after_long_help = "The rules compute what they can on a model of Swarm. docs/lint.md lists them.\n\
    A comment in the file ignores a finding: # rollproof: ignore SRU013 reason\n\n\
    Exit codes:\n  0  nothing of that severity was found\n  1  something was\n  2  wrong usage, or a \
    stack file that cannot be used"
)]
pub(super) struct LintArgs {
    /// Stack file, `-` for standard input; repeat to merge several
    #[arg(
        short = 'c',
        long = "compose-file",
        value_name = "FILE",
        required_unless_present_any = ["explain", "list"]
    )]
    files: Vec<String>,

    /// Service to look at, without the stack's prefix [default: all]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Write the findings in this format, to standard output or to FILE; repeat for several
    #[arg(long = "format", value_name = "NAME[=FILE]", long_help = format_help())]
    formats: Vec<LintFormat>,

    /// The least serious finding that makes the command fail
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t)]
    fail_on: FailOn,

    /// Print the page of a rule
    #[arg(long, value_name = "RULE", conflicts_with_all = ["files", "list"])]
    explain: Option<String>,

    /// List the rules
    #[arg(long, conflicts_with = "files")]
    list: bool,

    /// Time from the start of a container until its program is ready [default: 1s]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    boot: Option<Duration>,

    /// Time from the stop signal to the end of the program [default: 100ms]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    stop: Option<Duration>,

    /// Release of the engine [default: the newest that is known]
    #[arg(long, value_name = "VERSION", value_parser = engine_version, hide_short_help = true)]
    engine_version: Option<EngineVersion>,

    /// Nodes of the swarm [default: as many as the service needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), hide_short_help = true)]
    nodes: Option<u16>,

    /// Ask the engine for the HEALTHCHECK of each image, and whether it has the programs that health
    /// checks run. Containers are created for that, not started, and removed
    #[arg(long)]
    image_facts: bool,
}

/// The least serious finding that makes the command fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// An error
    #[default]
    Error,
    /// A warning or an error
    Warning,
}

/// A format and the file it goes to; without one to standard output.
#[derive(Debug, Clone)]
struct LintFormat {
    format: &'static Format,
    file: Option<PathBuf>,
}

impl FromStr for LintFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = format_and_file(text, lint::find_format, || {
            FORMATS.iter().map(|format| format.name).collect()
        })?;
        Ok(Self { format, file })
    }
}

fn format_help() -> String {
    let lines = FORMATS.iter().map(|format| format!("\n{:7} {}", format.name, format.about));
    "Write the findings in this format, to standard output or to FILE; repeat for several\n"
        .to_owned()
        + &lines.collect::<String>()
}

pub(super) async fn run(args: &LintArgs, console: &Console) -> Result<u8> {
    if args.list {
        let line =
            |rule: &&lint::Rule| format!("{}  {:7}  {}\n", rule.number, rule.severity, rule.title);
        put(&RULES.iter().map(line).collect::<String>())?;
        return Ok(exit_code::PASS);
    }
    if let Some(number) = &args.explain {
        let rule = lint::rule(number).ok_or_else(|| {
            Error::usage(format!("there is no rule `{number}`"))
                .hint("`rollproof lint --list` shows all rules")
        })?;
        put(&rule.explain(columns().clamp(40, 100)))?;
        return Ok(exit_code::PASS);
    }
    output_files::check(
        args.formats
            .iter()
            .filter_map(|choice| choice.file.as_deref().map(|file| (choice.format.name, file))),
    )?;
    let stack = read_stack(&args.files)?;
    console.warn(&stack);
    let conditions = Conditions {
        boot: args.boot.map(Into::into),
        stop: args.stop.map(Into::into),
        engine: args.engine_version,
        nodes: args.nodes.map(usize::from),
        images: if args.image_facts {
            image_facts(&stack, console).await?
        } else {
            BTreeMap::new()
        },
    };
    let findings = lint::lint(&stack, args.service.as_deref(), &conditions)?;
    write(args, console, &findings)?;
    let least = match args.fail_on {
        FailOn::Error => Severity::Error,
        FailOn::Warning => Severity::Warning,
    };
    let fails = findings.list.iter().any(|finding| finding.severity >= least);
    Ok(if fails { exit_code::FAIL } else { exit_code::PASS })
}

/// What the engine says of the images of a stack. Those that it lacks are named, and left out.
async fn image_facts(stack: &Stack, console: &Console) -> Result<BTreeMap<String, ImageFacts>> {
    let engine = console.foresee_site(LabUse::Running).await?;
    let Some(site) = engine.site() else {
        return Err(Error::environment("--image-facts needs an engine that has the images")
            .hint("without it, lint goes by the file alone"));
    };
    let mut facts = BTreeMap::new();
    for (image, tools) in lint::tools_of_checks(stack)? {
        let Some(view) = site.manager.image(&image).await? else {
            console.tell(&format!("the engine has no image {image}: nothing is known of it"));
            continue;
        };
        let lacks = site.manager.missing_in_image(&image, &tools).await?;
        facts.insert(image, ImageFacts { healthcheck: view.healthcheck, lacks });
    }
    Ok(facts)
}

/// Writes the findings in the formats that the user chose: as text unless told otherwise.
fn write(args: &LintArgs, console: &Console, findings: &Findings) -> Result<()> {
    let look = Look {
        colour: anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
        width: columns().clamp(40, 120),
        verbose: console.global.verbose,
    };
    let plain = Look { verbose: look.verbose, ..Look::default() };
    let chosen = args.formats.iter().map(|choice| match &choice.file {
        Some(file) => output_files::save(file, &(choice.format.write)(findings, plain)),
        None => put(&(choice.format.write)(findings, look)),
    });
    let else_text = std::iter::once_with(|| {
        if console.global.json {
            put_line((JSON.write)(findings, plain).trim_end())
        } else if args.formats.iter().any(|choice| choice.file.is_none()) {
            Ok(())
        } else {
            put(&(TEXT.write)(findings, look))
        }
    });
    output_files::all(chosen.chain(else_text))
}

/// Says what `lint` finds in a stack that is about to run, a line each. It changes no verdict: the run
/// shows what it comes to.
///
/// # Errors
/// Those of [`lint`].
pub(super) fn tell_findings(stack: &Stack, console: &Console) -> Result<()> {
    let findings = lint::lint(stack, None, &Conditions::default())?;
    let serious = findings.list.iter().filter(|finding| finding.severity > Severity::Hint);
    let mut first = None;
    for finding in serious {
        let number = finding.rule.number;
        first.get_or_insert(number);
        let place = &finding.place;
        let line = format!("{}[{number}] {place}: {}", finding.severity, finding.sentence());
        console.tell(&clean(&line));
    }
    if let Some(number) = first {
        console.tell(&format!(
            "`rollproof lint` has the fixes, `rollproof lint --explain {number}` the reason"
        ));
    }
    Ok(())
}
