//! Reports: a table of formats, one file each. They only say what the judgement and the record say.

mod compare;
mod csv;
mod details;
mod events;
mod findings;
mod format;
mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod missing;
mod openmetrics;
mod page;
mod pooled_summary;
mod requests;
mod run_list;
mod services;
mod settings;
mod style;
mod summary;
mod trace;

pub use compare::{COMPARE_FORMATS, CompareFormat, find_compare};
pub use csv::CSV;
pub use details::DETAILS;
pub use events::{EVENTS, EventLines};
pub use format::{Format, JudgementFormat, Material, RecordFormat, Recorded};
pub use github::{GITHUB, annotations};
pub use gitlab::GITLAB;
pub use html::HTML;
pub use json::JSON;
pub use junit::JUNIT;
pub use markdown::MARKDOWN;
pub use openmetrics::OPENMETRICS;
pub use run_list::run_list;
pub use style::Style;
pub use summary::SUMMARY;
pub use trace::TRACE;

/// Every format; the first one is the default.
pub const FORMATS: &[Format] = &[
    Format::Judgement(SUMMARY),
    Format::Judgement(DETAILS),
    Format::Judgement(JSON),
    Format::Judgement(JUNIT),
    Format::Judgement(MARKDOWN),
    Format::Judgement(GITHUB),
    Format::Judgement(GITLAB),
    Format::Judgement(OPENMETRICS),
    Format::Record(HTML),
    Format::Record(CSV),
    Format::Record(TRACE),
    Format::Record(EVENTS),
];

/// The format of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name() == name)
}
