//! Numbers and strings exactly as Go's library reads and prints them: the client is a Go program,
//! and how it reads `1.5s`, `2GB` or `1e6` decides what reaches the engine.

mod cpus;
mod duration;
mod numbers;
mod text;

pub(crate) use cpus::{CpuFault, nano_cpus};
pub(crate) use duration::{parse_duration, show_duration};
pub(crate) use numbers::{atoi, narrow, parse_float, parse_int_any_base, ram_in_bytes, show_float};
pub(crate) use text::{clean_path, join_path, split_words};
