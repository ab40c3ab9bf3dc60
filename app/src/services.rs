//! The servers behind the application: a database, a cache with the queue of tasks, and mail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::backends::postgres::PostgresUrl;
use crate::backends::redis::{Redis, RedisUrl, Reply};
use crate::backends::{connect, reason, within};

/// The longest wait for one server. A health check should end before the time limits that people
/// give it: 5 s is usual.
const LIMIT: Duration = Duration::from_secs(2);

/// The list of the tasks that wait, in Redis.
pub const QUEUE: &str = "rollproof:tasks";
/// The number of tasks that were done.
pub const DONE: &str = "rollproof:tasks:done";

/// Which servers there are.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// A PostgreSQL.
    pub database: Option<PostgresUrl>,
    /// A Redis.
    pub cache: Option<RedisUrl>,
    /// The host and port of a mail server.
    pub mail: Option<(String, u16)>,
}

/// How many tasks there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tasks {
    /// Waiting.
    pub queued: i64,
    /// Done since Redis was emptied.
    pub done: i64,
}

/// The name of a check, and why it failed.
type CheckResult = (String, Result<(), String>);

impl Services {
    /// Reads the servers through `variable`, which looks up an environment variable.
    ///
    /// # Errors
    /// If an address is not valid. The address is not repeated: it may contain a password.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let text = |name: &str| variable(name).filter(|value| !value.is_empty());
        let named = |name: &'static str| move |why: String| format!("{name}: {why}");
        Ok(Self {
            database: text("ROLLPROOF_DATABASE_URL")
                .map(|url| PostgresUrl::parse(&url).map_err(named("ROLLPROOF_DATABASE_URL")))
                .transpose()?,
            cache: text("ROLLPROOF_CACHE_URL")
                .map(|url| url.parse().map_err(named("ROLLPROOF_CACHE_URL")))
                .transpose()?,
            mail: text("ROLLPROOF_MAIL_SERVER")
                .map(|server| {
                    server
                        .rsplit_once(':')
                        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
                        .ok_or("ROLLPROOF_MAIL_SERVER: expected HOST:PORT")
                })
                .transpose()?,
        })
    }

    /// Whether the database answers a query, if there is one.
    pub async fn database(&self) -> Option<Result<(), String>> {
        let database = self.database.as_ref()?;
        let answer = within(LIMIT, database.answers()).await;
        Some(answer.map_err(|why| format!("{database}: {why}")))
    }

    /// The cache and the database, as far as there are any.
    pub async fn ready(&self) -> Vec<CheckResult> {
        let (cache, database) = tokio::join!(self.cache(), self.database());
        [("Cache(alias='default')", cache), ("Database(alias='default')", database)]
            .into_iter()
            .filter_map(|(name, result)| Some((name.to_owned(), result?)))
            .collect()
    }

    /// Everything: also the name service, mail and files.
    pub async fn all(&self) -> Vec<CheckResult> {
        let host = host_name();
        let (mut results, name, mail) = tokio::join!(self.ready(), resolves(&host), self.mail());
        results.push((format!("DNS(hostname='{host}')"), name));
        results.extend(mail.map(|result| ("Mail(alias='default')".to_owned(), result)));
        results.push(("Storage(alias='default')".to_owned(), storage()));
        results
    }

    /// Puts a task that takes `length` into the queue.
    ///
    /// # Errors
    /// If there is no cache, or it does not answer.
    pub async fn enqueue(&self, length: Duration) -> Result<(), String> {
        let task = humantime::format_duration(length).to_string();
        self.ask_cache(
            |mut redis| async move { redis.ask(&["LPUSH", QUEUE, &task]).await.map(drop) },
        )
        .await
    }

    /// How many tasks there are.
    ///
    /// # Errors
    /// If there is no cache, or it does not answer.
    pub async fn tasks(&self) -> Result<Tasks, String> {
        self.ask_cache(|mut redis| async move {
            let queued = number(&redis.ask(&["LLEN", QUEUE]).await?);
            let done = number(&redis.ask(&["GET", DONE]).await?);
            Ok(Tasks { queued, done })
        })
        .await
    }

    async fn ask_cache<T, F>(&self, ask: impl FnOnce(Redis) -> F) -> Result<T, String>
    where
        F: Future<Output = Result<T, String>>,
    {
        let cache =
            self.cache.as_ref().ok_or("there is no queue: ROLLPROOF_CACHE_URL is not set")?;
        within(LIMIT, async { ask(Redis::connect(cache).await?).await })
            .await
            .map_err(|why| format!("{cache}: {why}"))
    }

    /// Whether the cache gives back what it got.
    async fn cache(&self) -> Option<Result<(), String>> {
        self.cache.as_ref()?;
        let key = unique("rollproof:health");
        let stored = self.ask_cache(|mut redis| async move {
            redis.ask(&["SET", &key, "well", "EX", "10"]).await?;
            let read = redis.ask(&["GET", &key]).await?;
            redis.ask(&["DEL", &key]).await?;
            match read {
                Reply::BulkString(value) if *value == *b"well" => Ok(()),
                _ => Err("it did not give back what it got".to_owned()),
            }
        });
        Some(stored.await)
    }

    async fn mail(&self) -> Option<Result<(), String>> {
        let (host, port) = self.mail.as_ref()?;
        let greeting = async {
            let mut line = String::new();
            let mut server = BufReader::new(connect(host, *port).await?);
            server.read_line(&mut line).await.map_err(|error| reason(&error))?;
            if line.starts_with("220") { Ok(()) } else { Err(format!("it said {:?}", line.trim())) }
        };
        Some(within(LIMIT, greeting).await.map_err(|why| format!("{host}:{port}: {why}")))
    }
}

fn number(reply: &Reply) -> i64 {
    match reply {
        Reply::Integer(number) => *number,
        Reply::BulkString(text) => {
            std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
        }
        _ => 0,
    }
}

/// The name of this machine or container.
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned())
}

/// A name that no other check uses: two at once would remove each other's value.
pub fn unique(prefix: &str) -> String {
    static CHECKS: AtomicU64 = AtomicU64::new(0);
    let number = CHECKS.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{}-{number}", host_name(), std::process::id())
}

async fn resolves(host: &str) -> Result<(), String> {
    let lookup = async {
        tokio::net::lookup_host((host, 0)).await.map(drop).map_err(|error| reason(&error))
    };
    within(LIMIT, lookup).await
}

/// Writes, reads and removes a file.
fn storage() -> Result<(), String> {
    let path = std::env::temp_dir().join(unique("rollproof-storage"));
    let tried = std::fs::write(&path, "well").and_then(|()| std::fs::read(&path));
    let removed = std::fs::remove_file(&path);
    match tried.and_then(|read| removed.map(|()| read)) {
        Ok(read) if read == b"well" => Ok(()),
        Ok(_) => Err("it did not give back what it got".to_owned()),
        Err(error) => Err(reason(&error)),
    }
}
