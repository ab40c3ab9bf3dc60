//! Numbers and texts exactly as Go's library reads and prints them: the client is a Go program,
//! and what it makes of `1.5s`, `2GB` or `1e6` decides what reaches the engine.

mod duration;
mod float;
mod int;
mod path;
mod rational;
mod shlex;
mod size;
mod underscores;

pub(crate) use duration::{parse_duration, show_duration};
pub(crate) use float::{narrow, parse_float, show_float};
pub(crate) use int::{atoi, parse_int_any_base};
pub(crate) use path::{clean_path, join_path};
pub(crate) use rational::{CpuFault, nano_cpus};
pub(crate) use shlex::split_words;
pub(crate) use size::ram_in_bytes;
pub(crate) use underscores::underscores_fit;
