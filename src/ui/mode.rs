//! How much the terminal is told, and how.

use std::env;
use std::io::{IsTerminal as _, stderr};

/// How a run is shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An area at the bottom of the terminal, redrawn in place.
    Live,
    /// A line for each event worth telling; no escapes, no carriage returns.
    Plain,
    /// Nothing but errors.
    Quiet,
}

impl Mode {
    /// The mode for these surroundings: `term` is `TERM`, `ci` is `CI`.
    ///
    /// `--json` plays no part: results go to standard output, and this is standard error.
    /// `CI` counts as no terminal because some CI systems pretend to have one and keep every
    /// redraw in their log.
    #[must_use]
    pub fn choose(quiet: bool, terminal: bool, term: Option<&str>, ci: Option<&str>) -> Self {
        let dumb = term.is_none_or(|term| term.is_empty() || term == "dumb");
        let ci = ci.is_some_and(|ci| !matches!(ci, "" | "0" | "false"));
        match (quiet, terminal && !dumb && !ci) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Live,
            (false, false) => Self::Plain,
        }
    }

    /// The mode for this process's standard error.
    #[must_use]
    pub fn of_stderr(quiet: bool) -> Self {
        let var = |name| env::var(name).ok();
        Self::choose(quiet, stderr().is_terminal(), var("TERM").as_deref(), var("CI").as_deref())
    }
}

/// Whether standard error gets colour: a terminal that can show it, and the conventions
/// `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and `TERM=dumb` do not forbid it.
#[must_use]
pub fn stderr_colour() -> bool {
    anstream::AutoStream::choice(&stderr()) != anstream::ColorChoice::Never
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_from_the_surroundings() {
        let xterm = Some("xterm-256color");
        for (quiet, terminal, term, ci, mode) in [
            (false, true, xterm, None, Mode::Live),
            (false, true, xterm, Some(""), Mode::Live),
            (false, true, xterm, Some("false"), Mode::Live),
            (false, true, xterm, Some("true"), Mode::Plain),
            (false, true, Some("dumb"), None, Mode::Plain),
            (false, true, None, None, Mode::Plain),
            (false, false, xterm, None, Mode::Plain),
            (true, true, xterm, None, Mode::Quiet),
            (true, false, None, None, Mode::Quiet),
        ] {
            assert_eq!(Mode::choose(quiet, terminal, term, ci), mode);
        }
    }
}
