//! The table of formats.

use super::style::Style;
use super::{json, pooled_json, pooled_summary, summary};
use crate::judge::{Judgement, Pooled};

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub enum Material<'a> {
    /// One run.
    One(&'a Judgement),
    /// Several runs together.
    Several(&'a Pooled),
}

/// A way to write a report.
pub struct Format {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// Writes it.
    pub write: fn(Material<'_>, &Style<'_>) -> String,
}

impl std::fmt::Debug for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Text in short.
pub const SUMMARY: Format = Format { name: "summary", about: "text in short", write: text };
/// Text with every detail.
pub const DETAILS: Format =
    Format { name: "details", about: "text with every detail", write: text };
/// JSON.
pub const JSON: Format = Format { name: "json", about: "JSON", write: as_json };
/// All of them.
pub const FORMATS: &[&Format] = &[&SUMMARY, &DETAILS, &JSON];

/// The format with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().copied().find(|format| format.name == name)
}

fn text(material: Material<'_>, style: &Style<'_>) -> String {
    match material {
        Material::One(judgement) => summary(judgement, *style),
        Material::Several(pooled) => pooled_summary(pooled, *style),
    }
}

fn as_json(material: Material<'_>, _: &Style<'_>) -> String {
    match material {
        Material::One(judgement) => json(judgement),
        Material::Several(pooled) => pooled_json(pooled),
    }
}
