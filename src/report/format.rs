//! What a format of a report is.

use super::style::Style;
use crate::judge::{Judgement, Pooled};
use crate::record::Run;

/// What a report is about.
#[derive(Debug, Clone, Copy)]
pub enum Material<'a> {
    /// One run.
    One(&'a Judgement),
    /// Several runs of the same together.
    Several(&'a Pooled),
}

/// One run: what was recorded, and what the judge says of it.
#[derive(Debug, Clone, Copy)]
pub struct Recorded<'a> {
    /// The record.
    pub run: &'a Run,
    /// Its judgement.
    pub judgement: &'a Judgement,
}

/// A format that only needs what the judge says: of one run, or of several together.
#[derive(Debug, Clone, Copy)]
pub struct JudgementFormat {
    /// Its name, as after `--format`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Writes it, with a line end.
    pub write: fn(Material, Style) -> String,
}

/// A format that needs every event and request of one run.
#[derive(Debug, Clone, Copy)]
pub struct RecordFormat {
    /// Its name, as after `--format`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Writes it, with a line end.
    pub write: fn(Recorded) -> String,
}

/// One way to write a report.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// From the judgement alone.
    Judgement(JudgementFormat),
    /// From the whole record.
    Record(RecordFormat),
}

impl Format {
    /// Its name, as after `--format`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Judgement(format) => format.name,
            Self::Record(format) => format.name,
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub fn about(&self) -> &'static str {
        match self {
            Self::Judgement(format) => format.about,
            Self::Record(format) => format.about,
        }
    }

    /// Writes the report of one run, with a line end.
    #[must_use]
    pub fn write(&self, recorded: Recorded, style: Style) -> String {
        match self {
            Self::Judgement(format) => (format.write)(Material::One(recorded.judgement), style),
            Self::Record(format) => (format.write)(recorded),
        }
    }

    /// Writes the report of several runs; absent if the format has room for one only.
    #[must_use]
    pub fn write_pooled(&self, pooled: &Pooled, style: Style) -> Option<String> {
        match self {
            Self::Judgement(format) => Some((format.write)(Material::Several(pooled), style)),
            Self::Record(_) => None,
        }
    }
}
