//! How numbers, times, lists and other people's text are worded. One format everywhere: what
//! the terminal says live and what a report says later look the same.

mod excerpt;
mod nearest;
mod numbers;
mod text;

pub use excerpt::excerpt;
pub use nearest::nearest;
pub use numbers::{count, counted, length, percent, setting, size, span};
pub use text::{clean, clean_lines, cut, list, short_id, wrap};
