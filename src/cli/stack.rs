//! `rollproof stack config`.

use clap::{Args, Subcommand};

use super::console::Console;
use super::output::put;
use crate::deploy::read_stack;
use crate::error::Result;

/// Read stack files as docker does
#[derive(Debug, Args)]
pub(super) struct StackCommandArgs {
    #[command(subcommand)]
    command: StackCommand,
}

#[derive(Debug, Subcommand)]
enum StackCommand {
    /// Print the merged and interpolated stack file
    Config {
        /// Stack file, `-` for standard input; repeat to merge several
        #[arg(short = 'c', long = "compose-file", value_name = "FILE", required = true)]
        files: Vec<String>,
    },
}

pub(super) fn run(args: StackCommandArgs, console: &Console) -> Result<u8> {
    let StackCommand::Config { files } = args.command;
    let stack = read_stack(&files)?;
    console.warn(&stack);
    put(&stack.to_yaml())?;
    Ok(0)
}
