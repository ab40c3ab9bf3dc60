//! The live terminal and its plain twin.
//!
//! This room only consumes: the run's events, its shots and the passing of time go in, text
//! for people comes out on standard error. It asks nothing, reads no clock and decides
//! nothing; standard output belongs to results.

mod area;
#[cfg(test)]
mod check_log_tests;
mod error_text;
mod explained_log;
mod full_log;
#[cfg(test)]
mod log_tests;
mod mode;
mod narrator;
mod nodes;
mod problems;
#[cfg(test)]
mod replay;
mod request_stream;
mod requests;
mod rollout;
mod screen;
mod sentences;
mod short_log;
mod slot_lines;
mod slots;
mod task_line;
mod terminal;
mod wait;

pub use error_text::{render_error, render_warning};
pub use mode::{Mode, stderr_colour};
pub use screen::Screen;
pub use terminal::{LogWriter, Size, Terminal, start_log};
