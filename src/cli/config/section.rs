//! The sections of a `rollproof.yml`, and which options belong into each.

use clap::{Arg, Command};

/// The commands that the file is for, with those first that have most options. `deploy` and `plan`
/// take `target` alone: the stack that they are about is the one under test.
pub(super) const COMMANDS: [&str; 6] =
    ["verify", "update", "broken-update", "watch", "deploy", "plan"];
/// Those of them that judge.
pub(super) const JUDGING: [&str; 4] = ["verify", "update", "broken-update", "watch"];

/// Options that are about one call, not about a stack; a file cannot set them.
const NOT_IN_A_FILE: [&str; 14] = [
    "adopt",
    "ci",
    "config",
    "dry-run",
    "events",
    "explain",
    "help",
    "json",
    "log",
    "no-config",
    "prune",
    "quiet",
    "verbose",
    "version",
];

/// What may be lost: options with these names, and those under the heading `Limits`.
const LIMITS: [&str; 5] = ["allow-failed", "allow-gap", "max-p99", "max-duration", "min-serving"];

/// A section of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Target,
    Change,
    Load,
    Limits,
    Scenarios,
    Formats,
}

impl Section {
    pub(super) const ALL: [Self; 6] =
        [Self::Target, Self::Change, Self::Load, Self::Limits, Self::Scenarios, Self::Formats];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Change => "change",
            Self::Load => "load",
            Self::Limits => "limits",
            Self::Scenarios => "scenarios",
            Self::Formats => "formats",
        }
    }

    /// What it holds, for the schema.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Target => {
                "The stack, the service under test, the engine, and the address to ask."
            }
            Self::Change => "What the updates change.",
            Self::Load => "What is asked, how often, and what a good response is.",
            Self::Limits => "What is allowed to be lost.",
            Self::Scenarios => "Scenarios that `verify` performs: names or YAML files.",
            Self::Formats => "Formats of the result, each with its file.",
        }
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }

    /// The section of an option; absent if a file cannot set it.
    pub(super) fn of(arg: &Arg) -> Option<Self> {
        let long = arg.get_long().filter(|long| !NOT_IN_A_FILE.contains(long))?;
        if arg.is_positional() || arg.is_hide_set() {
            return None;
        }
        Some(match (long, arg.get_help_heading()) {
            ("scenario", _) => Self::Scenarios,
            ("format", _) => Self::Formats,
            (limit, _) if LIMITS.contains(&limit) => Self::Limits,
            (_, Some("Limits")) => Self::Limits,
            (_, Some("Load" | "Request" | "Good response")) => Self::Load,
            (_, Some("Change")) => Self::Change,
            _ => Self::Target,
        })
    }

    /// Whether a command takes options of this section from the file.
    pub(super) fn is_for(self, command: &str) -> bool {
        JUDGING.contains(&command) || self == Self::Target
    }
}

/// An option of a command by its long name; options of every command stand at the root.
pub(super) fn option<'a>(root: &'a Command, command: &str, long: &str) -> Option<&'a Arg> {
    let own = root.find_subcommand(command)?.get_arguments();
    let global = root.get_arguments().filter(|arg| arg.is_global_set());
    own.chain(global).find(|arg| arg.get_long() == Some(long) && Section::of(arg).is_some())
}

/// All options that a file can set, each once.
pub(super) fn options(root: &Command) -> Vec<(Section, &Arg)> {
    let mut all: Vec<(Section, &Arg)> = Vec::new();
    let of_commands = JUDGING.iter().filter_map(|name| root.find_subcommand(name));
    let global = root.get_arguments().filter(|arg| arg.is_global_set());
    for arg in of_commands.flat_map(Command::get_arguments).chain(global) {
        if let Some(section) = Section::of(arg)
            && !all.iter().any(|(_, known)| known.get_long() == arg.get_long())
        {
            all.push((section, arg));
        }
    }
    all
}
