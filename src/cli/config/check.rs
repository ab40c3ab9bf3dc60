//! Whether the settings of a file can be: clap checks each as if it had been typed.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::file::{ConfigFile, Given, Setting, unknown};
use super::section::{JUDGING, Section, option, options};
use crate::cli::scenarios::is_file;
use crate::error::{Error, Result};
use crate::scenario;
use crate::stack::Fault;

/// Checks every setting of a file, whichever command is run.
///
/// # Errors
/// The first mistake, with its place.
pub(super) fn check(root: &Command, file: &ConfigFile) -> Result<()> {
    for setting in &file.settings {
        let Some((command, arg)) = find(root, &setting.key) else {
            let known: Vec<&str> = options(root)
                .into_iter()
                .filter(|(section, _)| *section == setting.section)
                .filter_map(|(_, arg)| arg.get_long())
                .collect();
            let says = format!("`{}` has no key `{}`", setting.section.name(), setting.key);
            return Err(file.refuse(unknown(setting.mark, &says, &setting.key, &known)));
        };
        if let Some(section) = Section::of(arg).filter(|section| *section != setting.section) {
            let message = format!("`{}` belongs into `{}`", setting.key, section.name());
            return Err(file.refuse(Fault::at(setting.mark, message)));
        }
        check_values(root, file, command, arg, setting)?;
        if setting.section == Section::Scenarios {
            check_scenarios(file, setting)?;
        }
    }
    for command in JUDGING {
        check_together(root, file, command)?;
    }
    Ok(())
}

/// A command that has this option, and the option.
fn find<'a>(root: &'a Command, key: &str) -> Option<(&'static str, &'a Arg)> {
    JUDGING.into_iter().find_map(|command| Some((command, option(root, command, key)?)))
}

/// A setting as words of a command line.
pub(super) fn words(arg: &Arg, key: &str, given: &Given) -> Option<String> {
    match (is_flag(arg), given.text.as_str()) {
        (true, "false") => None,
        (true, _) => Some(format!("--{key}")),
        (false, text) => Some(format!("--{key}={text}")),
    }
}

/// Whether an option takes no value.
pub(super) fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// Whether an option can have several values.
pub(super) fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append) || arg.get_value_delimiter().is_some()
}

fn parse(root: &Command, command: &str, words: Vec<String>) -> Result<(), clap::Error> {
    let line = std::iter::once(command.to_owned()).chain(words);
    root.clone().no_binary_name(true).try_get_matches_from(line).map(|_| ())
}

fn check_values(
    root: &Command,
    file: &ConfigFile,
    command: &str,
    arg: &Arg,
    setting: &Setting,
) -> Result<()> {
    let key = &setting.key;
    if let ([_, second, ..], false) = (setting.values.as_slice(), is_list(arg)) {
        return Err(file.refuse(Fault::at(second.mark, format!("`{key}` takes one value"))));
    }
    for given in &setting.values {
        if is_flag(arg) && !matches!(given.text.as_str(), "true" | "false") {
            let message = format!("`{key}` is true or false, not `{}`", given.text);
            return Err(file.refuse(Fault::at(given.mark, message)));
        }
        let Some(word) = words(arg, key, given) else { continue };
        let Err(error) = parse(root, command, vec![word]) else { continue };
        if error.kind() == ErrorKind::MissingRequiredArgument {
            check_needs(file, setting, &error)?;
            continue;
        }
        let (message, hints) = said(&error);
        // What an option does not repeat may be a secret.
        return Err(if message.contains(&given.text) {
            file.refuse_with(Fault::at(given.mark, message), hints)
        } else {
            file.refuse_discreetly(given.mark, &message)
        });
    }
    Ok(())
}

/// Scenarios that nobody knows; what is wrong in a user's own file has its place there.
fn check_scenarios(file: &ConfigFile, setting: &Setting) -> Result<()> {
    for given in setting.values.iter().filter(|given| !is_file(&given.text)) {
        if scenario::find(&given.text)?.is_none() {
            let names: Vec<&str> = scenario::all()?.iter().map(|one| one.name.as_str()).collect();
            let says = format!("there is no scenario `{}`", given.text);
            return Err(file.refuse(unknown(given.mark, &says, &given.text, &names)));
        }
    }
    Ok(())
}

/// What an option needs must be in the file as well.
fn check_needs(file: &ConfigFile, setting: &Setting, error: &clap::Error) -> Result<()> {
    let missing = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::Strings(missing)) => missing.as_slice(),
        _ => &[],
    };
    let longs = missing.iter().filter_map(|text| long(text));
    for needed in longs {
        if !file.settings.iter().any(|other| other.key == needed) {
            let message = format!("`{}` needs `{needed}`", setting.key);
            return Err(file.refuse(Fault::at(setting.mark, message)));
        }
    }
    Ok(())
}

/// Options that exclude each other.
fn check_together(root: &Command, file: &ConfigFile, command: &str) -> Result<()> {
    let line = file.settings.iter().flat_map(|setting| {
        let arg = option(root, command, &setting.key);
        setting.values.iter().filter_map(move |given| words(arg?, &setting.key, given))
    });
    match parse(root, command, line.collect()) {
        Err(error) if error.kind() == ErrorKind::ArgumentConflict => {
            let name = match error.get(ContextKind::InvalidArg) {
                Some(ContextValue::String(text)) => long(text).unwrap_or_default(),
                _ => "",
            };
            let (message, _) = said(&error);
            let setting = file.settings.iter().find(|setting| setting.key == name);
            Err(match setting {
                Some(setting) => file.refuse(Fault::at(setting.mark, message)),
                None => Error::stack(message),
            })
        }
        _ => Ok(()),
    }
}

/// The long name in text such as `--rate <HZ>`.
fn long(text: &str) -> Option<&str> {
    text.strip_prefix("--")?.split([' ', '=', '[']).next()
}

/// What clap says, and its advice.
fn said(error: &clap::Error) -> (String, Vec<String>) {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
    let advice = lines.take_while(|line| !line.starts_with("Usage:")).filter_map(|line| {
        let line = line.strip_prefix("tip: ").unwrap_or(line);
        let line = line.trim_start_matches('[').trim_end_matches(']');
        (!line.starts_with("For more information")).then(|| line.to_owned())
    });
    (message, advice.collect())
}
