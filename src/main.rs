//! The `rollproof` program: everything lives in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollproof::cli::run(std::env::args_os())
}
