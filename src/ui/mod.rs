//! The live terminal and its plain twin.
//!
//! This room only consumes: the run's events, its shots and the passing of time go in, text
//! for people comes out on standard error. It asks nothing, reads no clock and decides
//! nothing; standard output belongs to results.

mod error_text;
mod frame;
mod log_writer;
mod mode;
mod narration;
mod narrator;
mod palette;
mod plain;
mod progress;
#[cfg(test)]
mod replay;
mod request_line;
mod request_stream;
mod requests;
mod screen;
mod sentences;
mod slot;
mod slot_lines;
mod slot_table;
mod task_line;
mod terminal;
mod trigger;
mod words;

pub use error_text::render_error;
pub use log_writer::{LogWriter, start_log};
pub use mode::{Mode, stderr_colour};
pub use screen::Screen;
pub use terminal::{Size, Terminal};
