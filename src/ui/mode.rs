//! How standard error is used: what is shown there, and in which colours.

use std::env;
use std::io::{IsTerminal as _, stderr};

use anstyle::{AnsiColor, Style};

/// How a run is shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// An area at the bottom of the terminal, redrawn in place, below the lines of the log.
    Live,
    /// The lines of the log alone: no escapes, no carriage returns.
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

// The few styles in use. No meaning is carried by colour alone: the word is always there.

/// What is as it should be.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// What is on its way.
pub(super) const BUSY: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// What is over, or of less interest.
pub(super) const PAST: Style = Style::new().dimmed();
/// Headings.
pub(super) const HEAD: Style = Style::new().bold();
/// Line numbers, arrows and labels around an error.
pub(super) const FRAME: Style = AnsiColor::Blue.on_default();
/// Advice.
pub(super) const NOTE: Style = AnsiColor::Cyan.on_default();

/// Puts styles on text where colour is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Palette {
    /// Whether it is.
    pub colour: bool,
}

impl Palette {
    /// The text in that style.
    pub fn paint(self, style: Style, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
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
