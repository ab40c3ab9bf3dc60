//! The command line: typed arguments, one file per command, one place where errors are printed.

mod args;
mod beside;
mod broken_update;
mod build;
mod console;
mod deploy;
mod deployment;
mod doctor;
mod down;
mod examples;
mod existing;
mod facts;
mod images;
mod interrupts;
mod lab;
mod load_args;
mod output;
mod plan;
mod prepare;
mod probe;
mod probe_agent;
mod probing;
mod report;
mod session;
mod stack;
mod stack_args;
mod stream_choice;
mod target_args;
mod update;
mod verdict;
mod verify;
mod watch;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

use crate::error::{Error, ErrorKind, Result};
use crate::ui::{render_error, stderr_colour};
use args::{Cli, Command};
use console::Console;

/// Runs the program with the given arguments, the program's name first, and returns its exit
/// code: 0 pass, 1 fail, 2 wrong usage or invalid stack, 3 inconclusive, 4 environment, 130
/// interrupted.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no error.
            let code = if error.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match start(cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let text = render_error(&error, stderr_colour());
            anstream::eprintln!("{}", text.trim_end());
            error.exit_code()
        }
    }
}

fn start(cli: Cli) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::environment("cannot start the runtime").caused_by(error))?;
    let code = runtime.block_on(async {
        if let Command::Probe(args) = cli.command {
            // It needs no engine, and ends with a summary at the first Ctrl-C.
            return probe::run(args, &cli.global).await;
        }
        if let Command::ProbeAgent = cli.command {
            return probe_agent::run().await;
        }
        let console = Console::new(cli.global)?;
        dispatch(cli.command, &console).await
    });
    // A blocked thread must not keep the program from ending.
    runtime.shutdown_background();
    code
}

async fn dispatch(command: Command, console: &Console) -> Result<u8> {
    match command {
        Command::Build(args) => build::run(args, console).await,
        Command::Deploy(args) => deploy::run(args, console).await,
        Command::Update(args) => update::run(args, console).await,
        Command::BrokenUpdate(args) => broken_update::run(args, console).await,
        Command::Verify(args) => verify::run(args, console).await,
        Command::Watch(args) => watch::run(args, console).await,
        Command::Down(args) => down::run(&args, console).await,
        Command::Doctor => doctor::run(console).await,
        Command::Lab(args) => lab::run(args.command, console).await,
        Command::Probe(args) => probe::run(args, &console.global).await,
        Command::ProbeAgent => probe_agent::run().await,
        Command::Report(args) => report::run(&args, console),
        Command::Stack(args) => stack::run(args, console),
    }
}
