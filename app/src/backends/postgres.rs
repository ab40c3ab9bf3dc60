//! PostgreSQL: whether it accepts connections, and whether it answers a query.

use std::fmt;
use std::path::PathBuf;

use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use redis_protocol::bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use fallible_iterator::FallibleIterator as _;

/// `cannot_connect_now`: the server starts up, shuts down or recovers
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const CANNOT_CONNECT_NOW: &[u8] = b"57P03";

/// Where a PostgreSQL is. It is shown without user and password.
#[derive(Debug, Clone, PartialEq)]
pub struct PostgresUrl {
    config: Config,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Tcp(String, u16),
    /// The folder of the socket, and the port that is part of its name.
    Unix(PathBuf, u16),
}

impl PostgresUrl {
    /// From `postgres://user@host:5432/name`, `host=/run/postgresql user=x`, or `HOST:PORT`.
    ///
    /// # Errors
    /// If it is not valid.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "expected an address such as postgres://user@localhost:5432/name".to_owned();
        let text = if text.contains("://") || text.contains('=') {
            text.to_owned()
        } else {
            format!("postgres://{text}")
        };
        let mut config: Config = text.parse().map_err(|_| wrong())?;
        if config.get_user().is_none() {
            config.user("postgres");
        }
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let place = match config.get_hosts() {
            [] => Place::Tcp("localhost".to_owned(), port),
            [Host::Tcp(host)] if host.is_empty() => Place::Tcp("localhost".to_owned(), port),
            [Host::Tcp(host)] => Place::Tcp(host.clone(), port),
            [Host::Unix(folder)] => Place::Unix(folder.clone(), port),
            _ => return Err("expected one host".to_owned()),
        };
        Ok(Self { config, place })
    }

    /// Asks whether it accepts connections, without logging in, as `pg_isready` does.
    ///
    /// # Errors
    /// If there is no answer, or none of a PostgreSQL.
    pub async fn accepts(&self) -> Result<bool, String> {
        match &self.place {
            Place::Tcp(host, port) => self.first_answer(super::connect(host, *port).await?).await,
            Place::Unix(folder, port) => self.first_answer(unix(folder, *port).await?).await,
        }
    }

    /// Logs in and asks `SELECT 1`.
    ///
    /// # Errors
    /// If it cannot be reached, refuses the login or does not answer 1.
    pub async fn answers(&self) -> Result<(), String> {
        match &self.place {
            Place::Tcp(host, port) => self.select_one(super::connect(host, *port).await?).await,
            Place::Unix(folder, port) => self.select_one(unix(folder, *port).await?).await,
        }
    }

    async fn first_answer<S>(&self, mut stream: S) -> Result<bool, String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let failed = |error: std::io::Error| super::reason(&error);
        let user = self.config.get_user().unwrap_or_default();
        let name = self.config.get_dbname().unwrap_or(user);
        let mut bytes = BytesMut::new();
        frontend::startup_message([("user", user), ("database", name)], &mut bytes)
            .map_err(failed)?;
        stream.write_all(&bytes).await.map_err(failed)?;
        let mut received = BytesMut::new();
        loop {
            match Message::parse(&mut received).map_err(|_| "not a PostgreSQL".to_owned())? {
                // A wrong user or database is an answer too: it accepts connections.
                Some(Message::ErrorResponse(error)) => return Ok(!is_code(&error)),
                Some(_) => return Ok(true),
                None => {}
            }
            if stream.read_buf(&mut received).await.map_err(failed)? == 0 {
                return Err("the connection was closed".to_owned());
            }
        }
    }

    async fn select_one<S>(&self, stream: S) -> Result<(), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (client, connection) =
            self.config.connect_raw(stream, NoTls).await.map_err(|error| text(&error))?;
        let connection = tokio::spawn(connection);
        let rows = client.simple_query("SELECT 1").await.map_err(|error| text(&error));
        connection.abort();
        let one = rows?
            .iter()
            .any(|row| matches!(row, SimpleQueryMessage::Row(row) if row.get(0) == Some("1")));
        if one { Ok(()) } else { Err("SELECT 1 did not give 1".to_owned()) }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(folder, port) => write!(f, "{}:{port}", folder.display()),
        }
    }
}

async fn unix(folder: &std::path::Path, port: u16) -> Result<UnixStream, String> {
    let socket = folder.join(format!(".s.PGSQL.{port}"));
    UnixStream::connect(socket).await.map_err(|error| super::reason(&error))
}

fn is_code(error: &ErrorResponseBody) -> bool {
    error
        .fields()
        .iterator()
        .flatten()
        .any(|field| field.type_() == b'C' && field.value_bytes() == CANNOT_CONNECT_NOW)
}

/// The server's own text, or the client's.
fn text(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |answer| answer.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_defaults_and_hide_the_login() {
        for (text, shown) in [
            ("postgres://app:secret@db:5433/app", "db:5433"),
            ("postgresql://db/app", "db:5432"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("db", "db:5432"),
            ("host=/run/postgresql user=x", "/run/postgresql:5432"),
        ] {
            assert_eq!(PostgresUrl::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["db:port", "http://db", "colour=red"] {
            assert!(PostgresUrl::parse(text).is_err(), "{text}");
        }
    }
}
