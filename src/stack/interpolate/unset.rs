//! Variables that are not set, and those that a container's shell was meant to read.

use std::collections::HashMap;

use super::template::Variable;
use crate::stack::diagnostic::Mark;
use crate::stack::warning::Warnings;
use crate::wording::list;

/// The most further lines of a variable that are named.
const MOST_LINES: usize = 8;

/// Variables that a shell sets itself: in a command, the container's own are meant.
const OF_A_SHELL: &[&str] = &[
    "HOME", "HOSTNAME", "IFS", "LOGNAME", "MAIL", "OLDPWD", "PATH", "PPID", "PWD", "RANDOM",
    "SHELL", "SHLVL", "TERM", "UID", "USER",
];

/// The variables of all files that are not set and have no default, each with its uses.
#[derive(Debug, Default)]
pub(crate) struct Unset {
    names: Vec<(String, Vec<Use>)>,
    known: HashMap<String, usize>,
}

#[derive(Debug)]
struct Use {
    mark: Mark,
    path: String,
}

impl Unset {
    /// Notes a use of a variable without a default, at the variable's own place.
    pub(super) fn note(
        &mut self,
        variable: &Variable<'_>,
        mark: Mark,
        path: &str,
        warnings: &mut Warnings,
    ) {
        let Variable { name, set, .. } = *variable;
        if !set {
            let at = *self.known.entry(name.to_owned()).or_insert_with(|| {
                self.names.push((name.to_owned(), Vec::new()));
                self.names.len() - 1
            });
            let uses = &mut self.names[at].1;
            // What an alias repeats is written once.
            if uses.len() <= MOST_LINES && uses.iter().all(|known| known.mark != mark) {
                uses.push(Use { mark, path: path.to_owned() });
            }
        } else if Kind::of(path) == Kind::Shell && OF_A_SHELL.contains(&name) {
            warnings.push_with(
                mark,
                format!("{path}: docker puts your own {name} here, not the container's"),
                format!("write `$${name}` for the container's"),
            );
        }
    }

    /// Warns about each variable once.
    pub(crate) fn warn(self, warnings: &mut Warnings) {
        for (name, uses) in self.names {
            let Some((first, others)) = uses.split_first() else { continue };
            let mut lines: Vec<String> = others
                .iter()
                .filter(|other| other.mark.file == first.mark.file)
                .take(MOST_LINES - 1)
                .map(|other| other.mark.line.to_string())
                .collect();
            lines.dedup();
            let more = match lines.as_slice() {
                [] => String::new(),
                [line] => format!("; also on line {line}"),
                lines if uses.len() > MOST_LINES => {
                    format!("; also on lines {} and more", lines.join(", "))
                }
                lines => format!("; also on lines {}", list(lines)),
            };
            let message =
                format!("{}: the variable {name} is not set and becomes empty{more}", first.path);
            warnings.push_with(first.mark, message, Kind::of(&first.path).hint(&name));
        }
    }
}

/// What a string is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A shell of the container may read it.
    Shell,
    /// Others read it, who may give `$` a meaning of their own.
    Label,
    Other,
}

impl Kind {
    fn of(path: &str) -> Self {
        let path = path.strip_suffix(".[]").unwrap_or(path);
        let shell = [".command", ".entrypoint", ".healthcheck.test"];
        if shell.iter().any(|end| path.ends_with(end)) {
            Self::Shell
        } else if path.contains(".labels") {
            Self::Label
        } else {
            Self::Other
        }
    }

    fn hint(self, name: &str) -> String {
        match self {
            Self::Shell => format!(
                "write `$${name}` if the container is to read it, `${{{name}:-}}` if empty is right"
            ),
            Self::Label => {
                format!("write `$$` for a literal `$`, `${{{name}:-}}` if empty is right")
            }
            Self::Other => format!(
                "write `${{{name}:?}}` to require it, `${{{name}:-}}` if empty is right; docker stack deploy does not read a `.env` file"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_string_is_for() {
        for (path, kind) in [
            ("services.a.command", Kind::Shell),
            ("services.a.command.[]", Kind::Shell),
            ("services.a.healthcheck.test.[]", Kind::Shell),
            ("services.a.deploy.labels.[]", Kind::Label),
            ("services.a.labels.traefik.enable", Kind::Label),
            ("services.a.image", Kind::Other),
            ("services.a.environment.command", Kind::Shell),
        ] {
            assert_eq!(Kind::of(path), kind, "{path}");
        }
    }
}
