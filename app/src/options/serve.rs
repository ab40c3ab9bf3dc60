//! `serve`: the server's options.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::time::Duration;

use crate::faults::Faults;
use crate::identity::Identity;
use crate::pages::Routes;
use crate::services::Services;
use crate::workers::BOOT_FAILURE;

use super::values::{Lookup, duration, pick, port, text, value};

/// How to serve.
#[derive(Debug)]
pub struct Serve {
    /// Where to listen.
    pub address: SocketAddr,
    /// Where to listen too.
    pub also: Vec<SocketAddr>,
    /// The longest wait for open requests after the signal to stop.
    pub stop_timeout: Duration,
    /// How many worker processes there are; none to serve in this process.
    pub workers: Option<u16>,
    /// The number of this worker, if it is one.
    pub worker: Option<u16>,
    /// The process that started it.
    pub parent: Option<i32>,
    /// Which pages there are.
    pub routes: Routes,
    /// The faults.
    pub faults: Faults,
    /// The replica's identity.
    pub identity: Identity,
    /// The servers behind it.
    pub services: Services,
}

impl Serve {
    /// The socket to accept connections from: a worker gets it from its parent.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn listener(&self) -> std::io::Result<TcpListener> {
        if self.worker.is_some() {
            return std::io::stdin().as_fd().try_clone_to_owned().map(TcpListener::from);
        }
        tokio::net::TcpListener::bind(self.address).await?.into_std()
    }

    /// The exit code of a failure before it serves: a worker's tells its parent to give up.
    pub fn boot_failure(&self, code: u8) -> u8 {
        if self.worker.is_some() { BOOT_FAILURE } else { code }
    }
}

/// The flags as given.
#[derive(Debug, Default)]
pub struct Flags {
    listen: Option<String>,
    port: Option<String>,
    stop_timeout: Option<String>,
    workers: Option<String>,
    playground: bool,
}

impl Flags {
    /// Takes a flag, and its value, if it is one of these.
    pub fn take(&mut self, name: &str, parser: &mut lexopt::Parser) -> Result<bool, String> {
        let flag = match name {
            "--listen" => &mut self.listen,
            "-p" | "--port" => &mut self.port,
            "--stop-timeout" => &mut self.stop_timeout,
            "-w" | "--workers" => &mut self.workers,
            "--playground" => {
                self.playground = true;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        *flag = Some(value(parser)?);
        Ok(true)
    }

    pub fn port(&self, variable: Lookup) -> Result<u16, String> {
        let given = pick("--port", self.port.clone(), "ROLLPROOF_PORT", variable, port)?;
        Ok(given.unwrap_or(8000))
    }

    pub fn serve(self, variable: Lookup) -> Result<Serve, String> {
        let listen = pick("--listen", self.listen.clone(), "ROLLPROOF_LISTEN", variable, |text| {
            text.parse().map_err(|_| "expected an IP address".to_owned())
        })?;
        let address = listen.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let address = SocketAddr::new(address, self.port(variable)?);
        let playground = match text(variable, "ROLLPROOF_PLAYGROUND").as_deref() {
            None | Some("0" | "false") => self.playground,
            Some("1" | "true") => true,
            Some(other) => {
                return Err(format!("ROLLPROOF_PLAYGROUND={other}: expected true or false"));
            }
        };
        let stop_timeout = pick(
            "--stop-timeout",
            self.stop_timeout,
            "ROLLPROOF_STOP_TIMEOUT",
            variable,
            duration,
        )?;
        let workers = pick("--workers", self.workers, "ROLLPROOF_WORKERS", variable, |text| {
            let count = text.parse().ok().filter(|count| (1..=256).contains(count));
            count.ok_or_else(|| "expected a number of processes from 1 to 256".to_owned())
        })?;
        let worker = text(variable, "ROLLPROOF_WORKER").and_then(|number| number.parse().ok());
        let parent =
            text(variable, "ROLLPROOF_WORKER_PARENT").and_then(|number| number.parse().ok());
        let mut faults = Faults::read(variable)?;
        if let Some(pause) = text(variable, "ROLLPROOF_WORKER_PAUSE").filter(|_| worker.is_some()) {
            faults.start_delay += duration(&pause)?;
        }
        Ok(Serve {
            address,
            also: Vec::new(),
            stop_timeout: stop_timeout.unwrap_or(Duration::from_secs(8)),
            workers: workers.filter(|_| worker.is_none()),
            worker,
            parent: parent.filter(|_| worker.is_some()),
            routes: if playground { Routes::Playground } else { Routes::Plain },
            faults,
            identity: Identity::read(variable)?,
            services: Services::read(variable)?,
        })
    }
}
