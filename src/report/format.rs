//! What a format of a report is.

use super::style::Style;
use crate::judge::{Judgement, Pooled};

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
    /// Writes it, with a line end.
    pub write: fn(Material, Style) -> String,
}
