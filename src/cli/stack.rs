//! `rollproof stack config`.

use clap::{Args, Subcommand};

use super::console::Console;
use super::output::put;
use super::prepare::{read, render_warning};
use crate::error::Result;

/// Arguments of `rollproof stack`.
#[derive(Debug, Args)]
pub(super) struct StackCommandArgs {
    #[command(subcommand)]
    command: StackCommand,
}

#[derive(Debug, Subcommand)]
enum StackCommand {
    /// Print the merged and interpolated stack file
    Config {
        /// Stack file, `-` for standard input; repeat it to merge several
        #[arg(short = 'c', long = "compose-file", value_name = "FILE", required = true)]
        files: Vec<String>,
    },
}

pub(super) fn run(args: StackCommandArgs, _console: &Console) -> Result<u8> {
    let StackCommand::Config { files } = args.command;
    let stack = read(&files)?;
    for warning in stack.warnings() {
        anstream::eprintln!("{}", render_warning(warning));
    }
    put(&stack.to_yaml())?;
    Ok(0)
}
