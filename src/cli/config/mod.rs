//! `rollproof.yml`: options that need not be typed.
//!
//! A key is the long name of an option, and clap itself reads its value. What the file says becomes
//! the default of the option, so that the command line and the environment win.

mod check;
mod file;
mod schema;
mod section;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, CommandFactory as _, FromArgMatches as _};

use super::args::Cli;
use super::ci::Ci;
use crate::error::{Error, Result};
use check::{check, is_flag};
use file::{ConfigFile, Setting};
use section::{COMMANDS, option};

pub(super) use file::NAME;
pub(super) use schema::schema;

/// Where settings come from that are not typed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct ConfigArgs {
    /// Configuration file [default: rollproof.yml beside the stack file, or in this folder]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ROLLPROOF_CONFIG",
        hide_short_help = true
    )]
    config: Option<PathBuf>,

    /// Use no configuration file, whatever else names one
    #[arg(long, global = true, hide_short_help = true)]
    no_config: bool,
}

/// A command line with what a file adds to it.
pub(super) struct Line {
    pub(super) cli: Cli,
    /// The file.
    pub(super) file: Option<PathBuf>,
    /// The CI system that the user named.
    pub(super) ci: Option<Ci>,
}

/// Why a command line cannot be used.
pub(super) enum Refusal {
    /// It is no command line, or asks for help.
    Clap(clap::Error),
    /// The file cannot be used.
    File(Error, Option<Ci>),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Self::Clap(error)
    }
}

/// Reads a command line, and the file that its command takes settings from.
pub(super) fn read(root: Command, args: &[OsString]) -> Result<Line, Refusal> {
    let root = without_empty_variables(root);
    let typed = root.clone().try_get_matches_from(args)?;
    // Not every command tells it.
    let ci = typed.subcommand().and_then(|(_, own)| own.try_get_one("ci").ok().flatten().copied());
    let file = match typed.subcommand() {
        Some((command, of_command)) if COMMANDS.contains(&command) => {
            let file = find(of_command).map_err(|error| Refusal::File(error, ci))?;
            file.map(|file| (command, of_command, file))
        }
        _ => None,
    };
    let Some((command, of_command, file)) = file else {
        return Ok(Line { cli: Cli::from_arg_matches(&typed)?, file: None, ci });
    };
    let mut built = without_empty_variables(Cli::command());
    built.build();
    check(&built, &file).map_err(|error| Refusal::File(error, ci))?;
    let settings = file.settings.iter().filter(|setting| setting.section.is_for(command));
    let line = settings.fold(root, |root, setting| match option(&built, command, &setting.key) {
        Some(arg) if !is_excluded(&built, command, of_command, arg) => {
            with_default(root, command, arg, &file, setting)
        }
        _ => root,
    });
    let cli = Cli::from_arg_matches(&line.try_get_matches_from(args)?)?;
    Ok(Line { cli, file: Some(file.path), ci })
}

/// A variable that is set to nothing is as good as none: CI systems set those of inputs that are not
/// given.
fn without_empty_variables(command: Command) -> Command {
    let is_empty =
        |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// The file for a command line.
fn find(of_command: &ArgMatches) -> Result<Option<ConfigFile>> {
    if of_command.get_flag("no_config") {
        return Ok(None);
    }
    if let Some(path) = of_command.get_one::<PathBuf>("config") {
        let missing = || Error::usage(format!("there is no {}", path.display()));
        return ConfigFile::read(path)?.ok_or_else(missing).map(Some);
    }
    // Not every command takes stack files.
    let files = of_command.try_get_many::<String>("files").ok().flatten();
    let first = files.and_then(|mut files| files.next()).filter(|first| *first != "-");
    let folder = first.and_then(|first| Path::new(first).parent()).unwrap_or(Path::new(""));
    ConfigFile::read(&folder.join(NAME))
}

/// Whether an option cannot be used together with one that was typed.
fn is_excluded(root: &Command, command: &str, typed: &ArgMatches, arg: &Arg) -> bool {
    let Some(command) = root.find_subcommand(command) else { return false };
    let is_typed = |other: &&Arg| {
        let source = typed.try_contains_id(other.get_id().as_str()).is_ok_and(|there| there);
        let source = source.then(|| typed.value_source(other.get_id().as_str())).flatten();
        matches!(source, Some(ValueSource::CommandLine | ValueSource::EnvVariable))
    };
    let excludes = |one: &Arg, other: &Arg| {
        command.get_arg_conflicts_with(one).iter().any(|arg| arg.get_id() == other.get_id())
    };
    let mut typed = command.get_arguments().filter(is_typed);
    typed.any(|other| excludes(arg, other) || excludes(other, arg))
}

/// Makes a setting the default of its option.
fn with_default(
    root: Command,
    command: &str,
    arg: &Arg,
    file: &ConfigFile,
    setting: &Setting,
) -> Command {
    let (id, is_global) = (arg.get_id().clone(), arg.is_global_set());
    let mut values = Vec::new();
    for given in &setting.values {
        match arg.get_value_delimiter() {
            Some(delimiter) => values.extend(given.text.split(delimiter).map(str::to_owned)),
            None => values.push(given.text.clone()),
        }
    }
    if names_files(arg, &setting.key) {
        for value in &mut values {
            *value = file.beside(value);
        }
    }
    for value in values.iter_mut().filter(|value| is_named_file(&setting.key, value)) {
        *value = match value.strip_prefix('@') {
            Some(path) => format!("@{}", file.beside(path)),
            None => file.beside(value),
        };
    }
    let set = move |arg: Arg| {
        if is_flag(&arg) { arg.default_value(values.remove(0)) } else { arg.default_values(values) }
    };
    if is_global {
        root.mut_arg(id, set)
    } else {
        root.mut_subcommand(command, |command| command.mut_arg(id, set))
    }
}

/// Whether all values of an option are files.
fn names_files(arg: &Arg, key: &str) -> bool {
    key == "compose-file"
        || arg.get_value_parser().type_id() == clap::builder::ValueParser::path_buf().type_id()
}

/// Whether a value of an option that also takes other things is a file.
fn is_named_file(key: &str, value: &str) -> bool {
    match key {
        "scenario" => super::scenarios::is_file(value),
        "body" => value.starts_with('@'),
        _ => false,
    }
}
