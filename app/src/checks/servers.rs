//! Servers that are not HTTP: a port, Redis, PostgreSQL.

use std::time::Duration;

use super::Found;
use crate::backends::postgres::PostgresUrl;
use crate::backends::redis::{Redis, RedisUrl, Reply};
use crate::backends::{connect, within};

/// The port accepts a connection. Whether a process then answers is another question: the kernel
/// accepts for a process that hangs.
pub async fn tcp(host: &str, port: u16, limit: Duration) -> Found {
    match within(limit, connect(host, port)).await {
        Ok(_) => Found::well(format!("{host}:{port} accepts connections")),
        Err(why) => Found::ill(1, format!("{host}:{port}: {why}")),
    }
}

/// Redis answers PONG, and neither LOADING nor NOAUTH nor anything else.
pub async fn redis(url: &RedisUrl, limit: Duration) -> Found {
    let ping = async { Redis::connect(url).await?.ask(&["PING"]).await };
    match within(limit, ping).await {
        Ok(Reply::SimpleString(reply)) if *reply == *b"PONG" => Found::well(format!("{url}: PONG")),
        Ok(_) => Found::ill(1, format!("{url}: the answer is not PONG")),
        Err(why) => Found::ill(1, format!("{url}: {why}")),
    }
}

/// PostgreSQL accepts connections, in the words and codes of `pg_isready`.
pub async fn postgres(address: &str, url: Option<&PostgresUrl>, limit: Duration) -> Found {
    let Some(url) = url else { return Found::ill(3, format!("{address} - no attempt")) };
    match within(limit, url.accepts()).await {
        Ok(true) => Found::well(format!("{url} - accepting connections")),
        Ok(false) => Found::ill(1, format!("{url} - rejecting connections")),
        Err(why) => Found::ill(2, format!("{url} - no response ({why})")),
    }
}
