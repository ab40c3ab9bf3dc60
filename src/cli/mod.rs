//! The command line.

pub mod lab;

use std::error::Error as _;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::{Error, Result};

#[derive(Parser)]
#[command(name = "rollproof", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// A private swarm by hand
    #[command(subcommand)]
    Lab(lab::LabCommand),
}

/// Runs the program with the given arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(args);
    match dispatch(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                anstream::eprintln!("  because: {cause}");
                source = cause.source();
            }
            for hint in error.hints() {
                anstream::eprintln!("hint: {hint}");
            }
            error.exit_code()
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Error::environment("cannot start the async runtime").caused_by(error))?;
    let base = std::env::var_os("ROLLPROOF_HOME")
        .map_or_else(std::env::current_dir, |home| Ok(home.into()));
    let state = base
        .map_err(|error| Error::environment("cannot find the current folder").caused_by(error))?
        .join(".rollproof");
    match command {
        Command::Lab(command) => runtime.block_on(lab::run(command, &state)),
    }
}
