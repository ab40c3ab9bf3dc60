//! One request over a new connection.

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::header::{CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::http::uri::Authority;
use hyper::{Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;

/// Why there is no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The URL is not valid.
    Url(String),
    /// The connection could not be made.
    Connect(String),
    /// The connection was lost before a complete response, or it is not HTTP.
    Response(String),
    /// Too many redirects.
    Redirects(u32),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(why) => write!(f, "is not valid: {why}"),
            Self::Connect(why) => write!(f, "cannot be reached: {why}"),
            Self::Response(why) => write!(f, "did not respond: {why}"),
            Self::Redirects(limit) => write!(f, "redirects more than {limit} times"),
        }
    }
}

/// Parses an `http` URL with a host and, optionally, a port that is a number.
///
/// # Errors
/// If it is something else.
pub fn parse(text: &str) -> Result<Uri, Trouble> {
    let url: Uri = text.parse().map_err(|error| Trouble::Url(format!("{error}")))?;
    let host = url.host().unwrap_or_default();
    // `Uri` accepts anything in place of the port, and then reports no port.
    let port = url.authority().map(Authority::as_str).and_then(|all| all.rsplit_once(host));
    let port_is_number = port.is_some_and(|(_, rest)| rest.is_empty() || url.port_u16().is_some());
    if url.scheme_str() != Some("http") || host.is_empty() || !port_is_number {
        let expected = "expected a URL such as http://127.0.0.1:8000/health";
        return Err(Trouble::Url(expected.to_owned()));
    }
    Ok(url)
}

/// The status of the response to a GET, once its body is complete. Redirects are not followed.
///
/// # Errors
/// If there is no complete response.
pub async fn get(url: &str) -> Result<StatusCode, Trouble> {
    once(&parse(url)?).await.map(|(status, _)| status)
}

/// The same, following up to `limit` redirects.
///
/// # Errors
/// If there is no complete response.
pub async fn get_followed(url: &str, limit: u32) -> Result<StatusCode, Trouble> {
    let mut url = parse(url)?;
    for _ in 0..=limit {
        let (status, location) = once(&url).await?;
        match location.filter(|_| matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)) {
            Some(location) => url = joined(&url, &location)?,
            None => return Ok(status),
        }
    }
    Err(Trouble::Redirects(limit))
}

/// The target of a redirect, which may be a path only.
fn joined(url: &Uri, location: &str) -> Result<Uri, Trouble> {
    if location.contains("://") {
        return parse(location);
    }
    let host = url.authority().map_or("", Authority::as_str);
    if let Some(rest) = location.strip_prefix("//") {
        return parse(&format!("http://{rest}"));
    }
    if location.starts_with('/') {
        return parse(&format!("http://{host}{location}"));
    }
    let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    parse(&format!("http://{host}{folder}/{location}"))
}

async fn once(url: &Uri) -> Result<(StatusCode, Option<String>), Trouble> {
    let host = url.host().unwrap_or_default();
    let stream =
        super::connect(host, url.port_u16().unwrap_or(80)).await.map_err(Trouble::Connect)?;
    let failed = |error: hyper::Error| Trouble::Response(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let connection = tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(HOST, url.authority().map_or(host, Authority::as_str))
        .header(USER_AGENT, concat!("rollproof-app/", env!("CARGO_PKG_VERSION")))
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| Trouble::Url(error.to_string()))?;
    let mut response = sender.send_request(request).await.map_err(failed)?;
    while let Some(frame) = response.body_mut().frame().await {
        frame.map_err(failed)?;
    }
    connection.abort();
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    Ok((response.status(), location.map(str::to_owned)))
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

    #[test]
    fn a_redirect_may_be_relative() {
        let url = parse("http://a:81/b/c?d").unwrap();
        for (location, expected) in [
            ("http://x/y", "http://x/y"),
            ("//x/y", "http://x/y"),
            ("/y", "http://a:81/y"),
            ("y?z", "http://a:81/b/y?z"),
        ] {
            assert_eq!(joined(&url, location).unwrap().to_string(), expected);
        }
        assert!(joined(&url, "https://x/").is_err());
    }
}
