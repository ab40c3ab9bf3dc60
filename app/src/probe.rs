//! The probe for the image's HEALTHCHECK: the binary checks itself, so the image needs no shell.

use std::process::ExitCode;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, USER_AGENT};
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::options::Target;

/// Checks once: healthy if the response is a 2xx and complete in time. `docker inspect` shows what
/// it prints in the health log.
pub async fn run(target: &Target) -> ExitCode {
    let answer = tokio::time::timeout(target.timeout, ask(&target.url)).await;
    let why = match answer {
        Ok(Ok(status)) if status.is_success() => {
            println!("healthy: {} answered {status}", target.url);
            return ExitCode::SUCCESS;
        }
        Ok(Ok(status)) => format!("answered {status}"),
        Ok(Err(error)) => error,
        Err(_) => format!("no response within {}", humantime::format_duration(target.timeout)),
    };
    println!("unhealthy: {} {why}", target.url);
    // Docker reserves 2: 1 is the only documented value for "unhealthy".
    ExitCode::from(1)
}

/// Parses an `http` URL with a host and, optionally, a port that is a number.
fn parse(text: &str) -> Result<Uri, String> {
    let url: Uri = text.parse().map_err(|error| format!("is not valid: {error}"))?;
    let host = url.host().unwrap_or_default();
    // `Uri` accepts anything in place of the port, and then reports no port.
    let port = url.authority().map(Authority::as_str).and_then(|all| all.rsplit_once(host));
    let port_is_number = port.is_some_and(|(_, rest)| rest.is_empty() || url.port_u16().is_some());
    if url.scheme_str() != Some("http") || host.is_empty() || !port_is_number {
        return Err("is not valid: expected a URL such as http://127.0.0.1:8000/health".to_owned());
    }
    Ok(url)
}

async fn ask(url: &str) -> Result<StatusCode, String> {
    let url = parse(url)?;
    let host = url.host().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((bare, url.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| format!("cannot be reached: {error}"))?;
    let failed = |error: hyper::Error| format!("did not respond: {error}");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, url.authority().map_or(host, |authority| authority.as_str()))
        .header(USER_AGENT, concat!("rollproof-app/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let mut response = sender.send_request(request).await.map_err(failed)?;
    while let Some(frame) = response.body_mut().frame().await {
        frame.map_err(failed)?;
    }
    connection.abort();
    Ok(response.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsupported_urls_are_refused() {
        for url in [
            "http://localhost:WRONG-PORT",
            "http://localhost:99999/",
            "https://localhost/",
            "localhost:8000",
            "/health",
            "",
        ] {
            assert!(parse(url).is_err(), "{url}");
        }
        for url in ["http://localhost", "http://127.0.0.1:8000/health?x=1", "http://[::1]:81/"] {
            assert!(parse(url).is_ok(), "{url}");
        }
    }
}
