//! How findings are written: one format a file, and a line in [`FORMATS`].

mod fingerprint;
mod github;
mod gitlab;
mod json;
mod sarif;
mod text;

use super::Findings;

/// How text for people looks.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Whether to use colours. No meaning is carried by colour alone.
    pub colour: bool,
    /// The width of a line, in characters.
    pub width: usize,
    /// Whether hints and what is ignored are shown too.
    pub verbose: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { colour: false, width: 80, verbose: false }
    }
}

/// One way to write findings.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as after `--format`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Writes them, with a line end.
    pub write: fn(&Findings, Look) -> String,
}

/// For people.
pub const TEXT: Format = text::FORMAT;

/// For programs.
pub const JSON: Format = json::FORMAT;

/// All formats.
pub const FORMATS: [Format; 5] = [TEXT, JSON, sarif::FORMAT, github::FORMAT, gitlab::FORMAT];

/// The format of a name.
#[must_use]
pub fn find_format(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
