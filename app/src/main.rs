//! The replicated application that `rollproof` updates: it says which container answers, and it
//! stops without losing a request that it has accepted.

mod answer;
mod faults;
mod identity;
mod options;
mod probe;
mod server;
mod stop;

use std::process::ExitCode;

use options::{Command, Options};

fn main() -> ExitCode {
    match Options::read(std::env::args_os(), |name| std::env::var(name).ok()).and_then(run) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("rollproof-app: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: Options) -> Result<ExitCode, String> {
    // One thread is enough for a replica, and six replicas share the machine with the prober.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start the runtime: {error}"))?;
    let code = match options.command {
        Command::Help => {
            print!("{}", options::HELP);
            ExitCode::SUCCESS
        }
        Command::Version => {
            println!("rollproof-app {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Command::Health(target) => runtime.block_on(probe::run(&target)),
        Command::Serve(serve) => runtime.block_on(server::run(*serve))?,
    };
    // Do not wait for a name lookup that still runs on another thread.
    runtime.shutdown_background();
    Ok(code)
}
