//! A connection to Redis that shows replies as they are: a check has to see LOADING and NOAUTH.

use std::fmt;
use std::str::FromStr;

use hyper::Uri;
use hyper::body::Bytes;
use redis_protocol::bytes::BytesMut;
use redis_protocol::resp2::decode::decode_bytes_mut;
use redis_protocol::resp2::encode::extend_encode;
pub use redis_protocol::resp2::types::BytesFrame as Reply;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Where a Redis is, as in `redis://user:password@host:6379/0`. It is shown without the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisUrl {
    host: String,
    port: u16,
    user: Option<String>,
    password: Option<String>,
    /// The number of the database.
    pub database: u32,
}

impl FromStr for RedisUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected an address such as redis://localhost:6379/0".to_owned();
        let text = if text.contains("://") { text.to_owned() } else { format!("redis://{text}") };
        let url: Uri = text.parse().map_err(|_| wrong())?;
        let authority = url.authority().filter(|_| url.scheme_str() == Some("redis"));
        let authority = authority.ok_or_else(wrong)?;
        let (login, place) =
            authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let given = |text: &str| Some(unescaped(text)).filter(|text| !text.is_empty());
        let (host, port) = match place.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
            None => (place, 6379),
        };
        let database = match url.path().trim_matches('/') {
            "" => 0,
            number => number.parse().map_err(|_| wrong())?,
        };
        Ok(Self {
            host: if host.is_empty() { "localhost" } else { host }.to_owned(),
            port,
            user: given(user),
            password: given(password),
            database,
        })
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// `%40` is `@`.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = (*first == b'%').then(|| after.get(..2)).flatten();
        let byte = hex
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An open connection.
#[derive(Debug)]
pub struct Redis {
    stream: TcpStream,
    received: BytesMut,
}

impl Redis {
    /// Connects, logs in and chooses the database, as far as the address asks for it.
    ///
    /// # Errors
    /// If it cannot be reached, or refuses; the text of Redis is kept.
    pub async fn connect(url: &RedisUrl) -> Result<Self, String> {
        let stream = super::connect(&url.host, url.port).await?;
        let mut redis = Self { stream, received: BytesMut::new() };
        if let Some(password) = &url.password {
            let mut login = vec!["AUTH"];
            login.extend(url.user.as_deref());
            login.push(password);
            redis.ask(&login).await?;
        }
        if url.database > 0 {
            redis.ask(&["SELECT", &url.database.to_string()]).await?;
        }
        Ok(redis)
    }

    /// Sends a command and waits for its reply.
    ///
    /// # Errors
    /// If the connection is lost or the reply is an error.
    pub async fn ask(&mut self, command: &[&str]) -> Result<Reply, String> {
        self.send(command).await?;
        self.next().await
    }

    /// Sends a command.
    ///
    /// # Errors
    /// If the connection is lost.
    pub async fn send(&mut self, command: &[&str]) -> Result<(), String> {
        let words =
            command.iter().map(|word| Reply::BulkString(Bytes::copy_from_slice(word.as_bytes())));
        let mut bytes = BytesMut::new();
        extend_encode(&mut bytes, &Reply::Array(words.collect()), false)
            .map_err(|error| error.to_string())?;
        self.stream.write_all(&bytes).await.map_err(|error| super::reason(&error))
    }

    /// Waits for the next reply or message.
    ///
    /// # Errors
    /// If the connection is lost or the reply is an error.
    pub async fn next(&mut self) -> Result<Reply, String> {
        loop {
            // A server of another kind answers something else.
            let decoded = decode_bytes_mut(&mut self.received)
                .map_err(|_| "the answer is not that of a Redis".to_owned())?;
            match decoded {
                Some((Reply::Error(error), _, _)) => return Err(error.to_string()),
                Some((reply, _, _)) => return Ok(reply),
                None => {}
            }
            let read = self.stream.read_buf(&mut self.received).await;
            if read.map_err(|error| super::reason(&error))? == 0 {
                return Err("the connection was closed".to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_defaults_and_hide_the_password() {
        for (text, shown, database) in [
            ("redis://localhost:6379/0", "localhost:6379", 0),
            ("redis://cache", "cache:6379", 0),
            ("redis://u:p%40%3a@cache:7000/15", "cache:7000", 15),
            ("redis://:pw@[::1]:7000", "[::1]:7000", 0),
            ("redis://[::1]", "[::1]:6379", 0),
            ("127.0.0.1:1", "127.0.0.1:1", 0),
        ] {
            let url: RedisUrl = text.parse().unwrap();
            assert_eq!((url.to_string().as_str(), url.database), (shown, database), "{text}");
        }
        let url: RedisUrl = "redis://u:p%40%3a%@cache".parse().unwrap();
        assert_eq!((url.user.as_deref(), url.password.as_deref()), (Some("u"), Some("p@:%")));
        for text in ["http://cache", "redis://cache:port", "redis://cache/first", "redis://", ""] {
            assert!(text.parse::<RedisUrl>().is_err(), "{text}");
        }
    }
}
