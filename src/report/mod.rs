//! Reports: one small file per format. They only tell what the judgement says.

mod block;
mod format;
mod json;
mod pooled_summary;
mod scenario_summary;
mod style;
mod summary;

pub use format::{DETAILS, FORMATS, Format, JSON, Material, SUMMARY, find};
pub use json::{json, pooled_json};
pub use pooled_summary::pooled_summary;
pub use style::Style;
pub use summary::summary;
