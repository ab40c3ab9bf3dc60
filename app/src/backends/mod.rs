//! The servers that the application and the checks talk to.

pub mod http;
pub mod postgres;
pub mod redis;

use std::time::Duration;

use tokio::net::TcpStream;

/// Connects to a host and port, with a short reason on failure.
pub async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((bare, port)).await.map_err(|error| reason(&error))
}

/// What went wrong, without the number that the operating system adds.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    text.strip_prefix("failed to lookup address information: ")
        .map_or_else(|| lower(text), |why| format!("host not found: {}", lower(why)))
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().collect::<String>() + letters.as_str()
    })
}

/// The result of `asking`, or that there was none in time.
pub async fn within<T>(
    limit: Duration,
    asking: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| {
        Err(format!("no response within {}", humantime::format_duration(limit)))
    })
}
