//! Reports: a table of formats, one file each. They only say what the judgement says.

mod details;
mod json;
mod page;
mod pooled_summary;
mod requests;
mod settings;
mod style;
mod summary;

use crate::judge::{Judgement, Pooled};

pub use details::DETAILS;
pub use json::JSON;
pub use style::Style;
pub use summary::SUMMARY;

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub enum Material<'a> {
    /// One run.
    One(&'a Judgement),
    /// Several runs of the same together.
    Several(&'a Pooled),
}

/// One way to write a report.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// Its name, as after `--format`.
    pub name: &'static str,
    /// What it is, in one line for `--help`.
    pub about: &'static str,
    /// Writes it, with a line end.
    pub write: fn(Material, Style) -> String,
}

/// Every format; the first one is the default.
pub const FORMATS: &[Format] = &[SUMMARY, DETAILS, JSON];

/// The format of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}
