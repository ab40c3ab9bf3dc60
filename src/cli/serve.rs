//! `rollproof serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use tokio::net::TcpListener;

use super::values::listen_address;
use super::{interrupts, output};
use crate::error::{Error, Result};
use crate::serve::{Shown, serve};
use crate::site::StateFolder;

/// Show the recorded runs in the browser: their verdicts over time, and the page of each
///
/// Answers on this machine only, unless --listen names another address. Whoever reaches that address
/// can read the runs: there is no login.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof serve                        the runs of this folder\n  \
    rollproof serve /srv/ci/runs           the runs of another one\n  \
    rollproof serve --listen 127.0.0.1:0   on a port that is free")]
pub(super) struct ServeArgs {
    /// Folder with the runs in it [default: those of this folder]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Address to answer on
    #[arg(long, value_name = "ADDRESS", value_parser = listen_address, default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, 8098)))]
    listen: SocketAddr,
}

pub(super) async fn run(args: ServeArgs) -> Result<u8> {
    let interrupt = interrupts::listen_quietly("stopped")?;
    let runs = match args.folder {
        Some(folder) if !folder.is_dir() => {
            return Err(Error::usage(format!("there is no folder {}", folder.display())));
        }
        // A state folder has its runs in a folder of their own.
        Some(folder) if folder.join("runs").is_dir() => folder.join("runs"),
        Some(folder) => folder,
        None => StateFolder::find()?.runs(),
    };
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Error::environment(format!("cannot listen on {}", args.listen))
            .caused_by(error)
            .hint("--listen 127.0.0.1:0 takes a port that is free")
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);
    output::put_line(format!("answering on http://{address}/"))?;
    if !address.ip().is_loopback() {
        anstream::eprintln!("note: whoever reaches {address} can read the runs");
    }
    let shown = Shown { runs, local: address.ip().is_loopback() };
    tokio::select! {
        () = serve(listener, shown) => Ok(0),
        () = interrupt.cancelled() => Ok(0),
    }
}
