//! Reports: one small file per format. They only tell what the judgement says.

mod block;
mod json;
mod scenario_summary;
mod style;
mod summary;

pub use json::json;
pub use style::Style;
pub use summary::summary;
