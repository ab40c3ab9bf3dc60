//! The replicated application that `rollproof` updates: it says which container answers, it stops
//! without losing a request that it has accepted, and it misbehaves on request. It is also a worker
//! of a queue, and the health checks of both.

mod backends;
mod checks;
mod faults;
mod identity;
mod options;
mod pages;
mod pidbox;
mod server;
mod services;
mod stand_in;
mod stop;
mod work;
mod workers;

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::ExitCode;

use options::{Command, Refused};
use stand_in::StandIn;

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let command = match StandIn::of_image() {
        Some(stand_in) => {
            let args: Vec<OsString> = std::env::args_os().collect();
            stand_in.command(&args, stand_in::descends_from_first(), variable)
        }
        None => Command::read(std::env::args_os(), variable),
    };
    match command.and_then(|command| run(command).map_err(Refused::from)) {
        Ok(code) => code,
        Err(refused) => {
            eprintln!("rollproof-app: {}", refused.message);
            ExitCode::from(refused.code)
        }
    }
}

fn run(command: Command) -> Result<ExitCode, String> {
    if let Command::Instead(program, args) = &command {
        let error = std::process::Command::new(program).args(args).exec();
        return Err(format!("cannot start {program}: {error}"));
    }
    if matches!(command, Command::Serve(_) | Command::Work(_)) {
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        for name in options::unknown(names) {
            eprintln!("rollproof-app: {name} is ignored: there is no such variable");
        }
    }
    // One thread is enough for a replica, and six replicas share the machine with the prober.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let code = match command {
        Command::Print(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Command::Version => {
            println!("rollproof-app {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        // It was started above.
        Command::Instead(..) => ExitCode::SUCCESS,
        Command::Health(target) => runtime.block_on(checks::health(&target)),
        Command::Check(check) => runtime.block_on(checks::run(*check)).print(),
        Command::Work(work) => runtime.block_on(work::run(*work))?,
        Command::Serve(serve) => match serve.workers {
            Some(count) => runtime.block_on(workers::run(*serve, count))?,
            None => runtime.block_on(server::run(*serve))?,
        },
    };
    // Do not wait for a name lookup that still runs on another thread.
    runtime.shutdown_background();
    Ok(code)
}
