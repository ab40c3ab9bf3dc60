//! A worker of a queue: its event loop runs, it answers a ping, and it takes tasks. The first
//! failure ends the check; each kind has an exit code of its own.

use std::time::Duration;

use tokio::time::timeout;

use super::{Found, files};
use crate::backends::redis::RedisUrl;
use crate::options::WorkerCheck;
use crate::pidbox::Mailbox;

const LIVENESS: u8 = 1;
const PING: u8 = 2;
const READINESS: u8 = 4;

pub async fn check(check: WorkerCheck) -> Found {
    let mut said = Vec::new();
    if let Some(file) = &check.liveness {
        match files::age(file, Some(check.max_age)) {
            Ok(_) => said.push("The event loop appears to be running.".to_owned()),
            Err(why) => return Found::ill(LIVENESS, why),
        }
    }
    if let Some(broker) = &check.broker {
        match ping(broker, &check.name, check.ping_timeout).await {
            Ok(()) => said.push(format!("{}: PONG.", check.name)),
            Err(why) => return Found::ill(PING, why),
        }
    }
    if let Some(file) = &check.readiness {
        if !file.exists() {
            let file = file.display();
            let why = format!("File '{file}' does not exist - worker is not ready.");
            return Found::ill(READINESS, why);
        }
        said.push("The worker appears ready to process tasks.".to_owned());
    }
    if said.is_empty() {
        said.push("Everything was skipped.".to_owned());
    }
    Found::well(said.join(" "))
}

/// The time for removing what a ping that got no reply has left in the broker.
const CLEAN_UP: Duration = Duration::from_millis(500);

async fn ping(broker: &RedisUrl, name: &str, limit: Duration) -> Result<(), String> {
    let mailbox = Mailbox::new();
    let answer = timeout(limit, mailbox.ping(broker, name)).await;
    // A broker that cannot be reached has nothing to remove.
    let _ = timeout(CLEAN_UP, mailbox.remove(broker)).await;
    match answer {
        Ok(Ok(())) => Ok(()),
        Ok(Err(why)) => Err(format!("No ping to '{name}' through {broker}: {why}.")),
        Err(_) => Err(format!("No reply to ping from '{name}' after {}s.", limit.as_secs_f64())),
    }
}
