//! The command line: typed arguments, one file per command, one place where errors are printed.

mod against_args;
mod args;
mod build;
mod calibrate;
mod ci;
mod compare;
mod config;
mod console;
mod deploy;
mod discreet;
mod docker_plugin;
mod doctor;
mod down;
mod dry_run;
mod dry_run_step;
mod event_stream;
mod explain;
mod forecast;
mod format_args;
mod good_response;
mod header;
mod init;
mod interrupts;
mod lab;
mod limit_args;
mod lint;
mod load_args;
mod measure;
mod next_args;
mod output;
mod output_files;
mod plan;
mod probe;
mod probe_agent;
mod report;
mod request_args;
mod resolve_args;
mod result;
mod room;
mod runs;
mod scenarios;
mod serve;
mod shell;
mod simulated_engine;
mod stack;
mod stand_in_args;
mod status;
mod sweep;
mod target_args;
mod tried;
mod try_dry_run;
mod try_scenarios;
mod update;
mod values;
mod verify;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory as _;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use crate::ui::{render_error, stderr_colour};
use crate::wording::clean_lines;
use args::{Cli, Command, GlobalArgs};
use ci::Ci;
use config::{Line, Refusal};
use console::Console;

/// Runs the program with the given arguments, the program's name first, and returns its exit
/// code (`docs/report.md` lists them).
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if docker_plugin::is_plugin(&args) {
        return docker_plugin::run(&args).map_or_else(|error| refuse(&error, None), ExitCode::from);
    }
    let line = match config::read(Cli::command(), &args) {
        Ok(line) => line,
        Err(Refusal::File(error, ci)) => return refuse(&error, ci),
        Err(Refusal::Clap(error)) => {
            // Help and version go to standard output and are no error.
            let code = if error.use_stderr() { ErrorKind::Usage.exit_code() } else { 0 };
            print_clap(&error, &args);
            return ExitCode::from(code);
        }
    };
    let Line { cli, file, ci } = line;
    let Some(command) = cli.command else {
        let _ = Cli::command().print_help();
        return ExitCode::from(ErrorKind::Usage.exit_code());
    };
    match start(command, cli.global, file) {
        Ok(code) => ExitCode::from(code),
        Err(error) => refuse(&error, ci),
    }
}

/// Prints what clap says. It repeats what was typed as it is, and that may be an escape sequence.
fn print_clap(error: &clap::Error, args: &[OsString]) {
    let is_plain = |arg: &OsString| !arg.to_string_lossy().contains(char::is_control);
    if args.iter().all(is_plain) {
        let _ = error.print();
    } else {
        anstream::eprintln!("{}", clean_lines(&error.render().to_string()).trim_end());
    }
}

fn refuse(error: &Error, ci: Option<Ci>) -> ExitCode {
    let text = render_error(error, stderr_colour());
    anstream::eprintln!("{}", text.trim_end());
    Ci::here(ci).tell_mistake(error);
    error.exit_code()
}

fn start(command: Command, global: GlobalArgs, file: Option<PathBuf>) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::environment("cannot start the runtime").caused_by(error))?;
    let code = runtime.block_on(dispatch(command, global, file));
    // A blocked thread must not keep the program from ending.
    runtime.shutdown_background();
    code
}

/// What Ctrl-C does. Commands that only read and write files have nothing to clean up and never look
/// whether the user wants them to stop: there, a signal ends the program as it ends any other.
fn interrupts_of(command: &Command) -> Result<CancellationToken> {
    match command {
        Command::Report(_)
        | Command::Compare(_)
        | Command::Runs(_)
        | Command::Open(_)
        | Command::Explain(_)
        | Command::Scenarios(_)
        | Command::Stack(_)
        | Command::Plan(_)
        | Command::Lint(_)
        | Command::Init(_) => Ok(CancellationToken::new()),
        _ => interrupts::listen(),
    }
}

async fn dispatch(command: Command, global: GlobalArgs, file: Option<PathBuf>) -> Result<u8> {
    // These need no engine, or only with some arguments, and a first Ctrl-C does not make them fail.
    let command = match command {
        Command::Completions(args) => return shell::completions(&args),
        Command::Man(args) => return shell::man(&args),
        Command::Probe(args) => return probe::run(args, &global).await,
        Command::ProbeAgent => return probe_agent::run().await,
        Command::SimulatedEngine(args) => return simulated_engine::run(&args).await,
        Command::Serve(args) => return serve::run(args).await,
        Command::Status(args) => return status::run(args, global).await,
        command => command,
    };
    let console = &Console::new(global, interrupts_of(&command)?)?;
    if let Some(file) = file {
        console.tell(&format!("using the settings of {}", file.display()));
    }
    let code = match command {
        Command::Build(args) => build::run(args, console).await,
        Command::Deploy(args) => deploy::run(args, console).await,
        Command::Update(args) => update::run(args, console).await,
        Command::BrokenUpdate(args) => update::run_broken(args, console).await,
        Command::Verify(args) => verify::run(args, console).await,
        Command::Scenarios(args) => scenarios::run(&args, console),
        Command::Try(args) => try_scenarios::run(args, console).await,
        Command::Watch(args) => watch::run(args, console).await,
        Command::Down(args) => down::run(&args, console).await,
        Command::Doctor => doctor::run(console).await,
        Command::Lab(args) => lab::run(args.command, console).await,
        Command::Report(args) => report::run(&args, console),
        Command::Compare(args) => compare::run(&args, console),
        Command::Runs(args) => runs::run(&args, console),
        Command::Open(args) => runs::open_page(&args, console),
        Command::Stack(args) => stack::run(args, console),
        Command::Explain(args) => explain::run(&args, console),
        Command::Plan(args) => plan::run(&args, console),
        Command::Calibrate(args) => calibrate::run(&args, console).await,
        Command::Sweep(args) => sweep::run(&args, console).await,
        Command::Lint(args) => lint::run(&args, console).await,
        Command::Init(args) => init::run(args, console),
        Command::Completions(_)
        | Command::Man(_)
        | Command::Probe(_)
        | Command::ProbeAgent
        | Command::SimulatedEngine(_)
        | Command::Serve(_)
        | Command::Status(_) => {
            unreachable!("handled above")
        }
    };
    let written = console.end_events();
    code.and_then(|code| written.map(|()| code))
}
