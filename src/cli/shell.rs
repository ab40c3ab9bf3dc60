//! `rollproof completions` and `rollproof man`: what shells and `man` know of the commands.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::args::Cli;
use super::output::put;
use crate::error::{Error, Result};

/// Print completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "For example: rollproof completions bash \
                        >/usr/local/share/bash-completion/completions/rollproof")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Write the man pages into a folder
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder; it is created if it is missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<u8> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "rollproof", &mut text);
    put(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

pub(super) fn man(args: &ManArgs) -> Result<u8> {
    let failed = |error| {
        Error::environment(format!("cannot write man pages into {}", args.folder.display()))
            .caused_by(error)
    };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), &args.folder).map_err(failed)?;
    Ok(0)
}
