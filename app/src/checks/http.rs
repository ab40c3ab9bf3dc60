//! A page answers.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::timeout;

use super::Found;
use crate::backends::http::{Trouble, get, get_followed};
use crate::options::{Endpoint, Expected, Target};

/// As many redirects as the requests library for Python follows.
const REDIRECTS: u32 = 30;

pub async fn check(endpoint: Endpoint, limit: Duration) -> Found {
    match endpoint.expected {
        Expected::Up => up(endpoint.url.unwrap_or_default(), limit).await,
        Expected::Ok => ok(endpoint.url, limit).await,
    }
}

/// Below 400 after redirects. Failures have the names that the requests library gives them.
async fn up(url: String, limit: Duration) -> Found {
    let name = match timeout(limit, get_followed(&url, REDIRECTS)).await {
        Ok(Ok(status)) if status.as_u16() < 400 => {
            return Found::well(format!("UP, response status code: {}", status.as_u16()));
        }
        Ok(Ok(status)) => {
            return Found::ill(1, format!("DOWN, response status code: {}", status.as_u16()));
        }
        Ok(Err(Trouble::Url(_))) if url.contains("://") && !url.starts_with("http://") => {
            "InvalidSchema"
        }
        Ok(Err(Trouble::Url(_))) => "InvalidURL",
        Ok(Err(Trouble::Connect(_) | Trouble::Response(_))) => "ConnectionError",
        Ok(Err(Trouble::Redirects(_))) => "TooManyRedirects",
        Err(_) => "ReadTimeout",
    };
    Found::ill(1, format!("DOWN ({name})"))
}

/// Exactly 200.
async fn ok(url: Result<String, String>, limit: Duration) -> Found {
    let status = match url {
        Ok(url) => match timeout(limit, get(&url)).await {
            Ok(answer) => answer.map_err(|trouble| format!("{url} {trouble}")),
            Err(_) => {
                Err(format!("{url}: no response within {}", humantime::format_duration(limit)))
            }
        },
        Err(why) => Err(why),
    };
    match status {
        Ok(status) => {
            let code = u8::from(status.as_u16() != 200);
            Found { code, line: format!("Health check status: {}", status.as_u16()) }
        }
        Err(why) => Found::ill(1, format!("Health check failed: {why}")),
    }
}

/// A 2xx, complete in time.
pub async fn health(target: &Target) -> ExitCode {
    let why = match timeout(target.timeout, get(&target.url)).await {
        Ok(Ok(status)) if status.is_success() => {
            println!("healthy: {} answered {status}", target.url);
            return ExitCode::SUCCESS;
        }
        Ok(Ok(status)) => format!("answered {status}"),
        Ok(Err(trouble)) => trouble.to_string(),
        Err(_) => format!("no response within {}", humantime::format_duration(target.timeout)),
    };
    println!("unhealthy: {} {why}", target.url);
    // Docker reserves 2: 1 is the only documented value for "unhealthy".
    ExitCode::from(1)
}
