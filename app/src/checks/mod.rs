//! Health checks: what each finds, in one line and an exit code. `docker inspect` shows the line in
//! the health log.

mod cmd;
mod files;
mod grpc;
mod http;
mod servers;
mod worker;

use std::process::ExitCode;

use crate::options::{Check, Target};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// 0 is healthy.
    pub code: u8,
    /// The line.
    pub line: String,
}

impl Found {
    fn well(line: impl Into<String>) -> Self {
        Self { code: 0, line: line.into() }
    }

    fn ill(code: u8, line: impl Into<String>) -> Self {
        Self { code, line: line.into() }
    }

    /// Prints the line, a good one to standard output and a bad one to standard error; Docker keeps
    /// both.
    pub fn print(&self) -> ExitCode {
        if self.code == 0 {
            println!("{}", self.line);
        } else {
            eprintln!("{}", self.line);
        }
        ExitCode::from(self.code)
    }
}

/// Makes a check.
pub async fn run(check: Check) -> Found {
    match check {
        Check::Http { endpoint, timeout } => http::check(endpoint, timeout).await,
        Check::Tcp { host, port, timeout } => servers::tcp(&host, port, timeout).await,
        Check::File { path, max_age } => files::file(&path, max_age),
        Check::Beat { path, max_age } => files::beat(&path, max_age),
        Check::Worker(check) => worker::check(check).await,
        Check::Redis { url, timeout } => servers::redis(&url, timeout).await,
        Check::Postgres { address, url, timeout } => {
            servers::postgres(&address, url.as_ref(), timeout).await
        }
        Check::Grpc { address, service, timeout } => grpc::check(&address, service, timeout).await,
        Check::Cmd { program, args, timeout } => cmd::check(&program, &args, timeout).await,
    }
}

/// Checks a URL once: healthy if the response is a 2xx and complete in time.
pub async fn health(target: &Target) -> ExitCode {
    http::health(target).await
}
