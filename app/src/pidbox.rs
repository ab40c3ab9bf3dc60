//! The remote control of Celery workers through Redis, as far as a ping needs it: a worker here
//! answers `celery inspect ping`, and the check here asks Celery's workers. Questions are broadcast
//! on a channel; replies go to a list that the question names. The format is kombu's, version 5
//! (<https://docs.celeryq.dev/projects/kombu/en/stable/reference/kombu.pidbox.html>).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::backends::redis::{Redis, RedisUrl, Reply};
use crate::services::unique;

/// The exchange of the replies.
const REPLIES: &str = "reply.celery.pidbox";
/// The set of a queue's bindings has this name, followed by the exchange's.
const BINDINGS: &str = "_kombu.binding.";
/// Separates routing key, pattern and queue in a binding.
const SEPARATOR: &str = "\u{6}\u{16}";

/// Where to reply to a ping.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    exchange: String,
    routing_key: String,
    ticket: String,
}

/// Where the replies to a ping arrive.
#[derive(Debug)]
pub struct Mailbox {
    id: String,
    queue: String,
}

impl Mailbox {
    pub fn new() -> Self {
        let id = unique("rollproof");
        Self { queue: format!("{id}.{REPLIES}"), id }
    }

    fn binding(&self) -> String {
        format!("{}{SEPARATOR}{SEPARATOR}{}", self.id, self.queue)
    }

    /// Pings the worker `name`, and returns when it has replied.
    ///
    /// # Errors
    /// If the broker cannot be reached or refuses.
    pub async fn ping(&self, broker: &RedisUrl, name: &str) -> Result<(), String> {
        let mut redis = Redis::connect(broker).await?;
        redis.ask(&["SADD", &format!("{BINDINGS}{REPLIES}"), &self.binding()]).await?;
        let question = json!({
            "method": "ping",
            "arguments": {},
            "destination": [name],
            "pattern": null,
            "matcher": null,
            "ticket": self.id,
            "reply_to": { "exchange": REPLIES, "routing_key": self.id },
        });
        let message = envelope(&question, &json!({}), "celery.pidbox", "", &self.id);
        redis.ask(&["PUBLISH", &channel(broker), &message]).await?;
        loop {
            let reply = redis.ask(&["BRPOP", &self.queue, "0"]).await?;
            if popped(&reply).and_then(opened).is_some_and(|body| body.get(name).is_some()) {
                return Ok(());
            }
        }
    }

    /// Removes what a ping leaves in the broker.
    ///
    /// # Errors
    /// If the broker cannot be reached or refuses.
    pub async fn remove(&self, broker: &RedisUrl) -> Result<(), String> {
        let mut redis = Redis::connect(broker).await?;
        redis.ask(&["SREM", &format!("{BINDINGS}{REPLIES}"), &self.binding()]).await?;
        redis.ask(&["DEL", &self.queue]).await.map(drop)
    }
}

/// The channel of the questions.
pub fn channel(broker: &RedisUrl) -> String {
    format!("/{}.celery.pidbox", broker.database)
}

/// The ping in a message, if it is one for the worker `name`.
pub fn question(message: &Reply, name: &str) -> Option<Question> {
    let Reply::Array(parts) = message else { return None };
    let [_, _, Reply::BulkString(text)] = parts.as_slice() else { return None };
    let body = opened(text)?;
    let for_all = body.get("destination").is_none_or(Value::is_null);
    let for_this = || body["destination"].as_array()?.iter().any(|it| it == name).then_some(());
    if body["method"] != "ping" || !(for_all || for_this().is_some()) {
        return None;
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Some(Question {
        exchange: text(&body["reply_to"]["exchange"])?,
        routing_key: text(&body["reply_to"]["routing_key"])?,
        ticket: text(&body["ticket"])?,
    })
}

/// Replies to a ping as the worker `name`.
///
/// # Errors
/// If the broker cannot be reached or refuses.
pub async fn answer(broker: &RedisUrl, question: &Question, name: &str) -> Result<(), String> {
    let mut redis = Redis::connect(broker).await?;
    let (exchange, key) = (question.exchange.as_str(), question.routing_key.as_str());
    let bindings = redis.ask(&["SMEMBERS", &format!("{BINDINGS}{exchange}")]).await?;
    let Reply::Array(bindings) = bindings else { return Ok(()) };
    let headers = json!({ "ticket": question.ticket, "clock": 1 });
    let message = envelope(&json!({ name: { "ok": "pong" } }), &headers, exchange, key, key);
    for binding in bindings {
        let Reply::BulkString(binding) = binding else { continue };
        let binding = String::from_utf8_lossy(&binding);
        let mut parts = binding.split(SEPARATOR);
        if let (Some(bound), Some(_), Some(queue)) = (parts.next(), parts.next(), parts.next())
            && bound == key
        {
            redis.ask(&["LPUSH", queue, &message]).await?;
        }
    }
    Ok(())
}

/// A message as kombu puts it into Redis.
fn envelope(body: &Value, headers: &Value, exchange: &str, key: &str, tag: &str) -> String {
    json!({
        "body": BASE64_STANDARD.encode(body.to_string()),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "body_encoding": "base64",
            "delivery_info": { "exchange": exchange, "routing_key": key },
            "delivery_mode": 1,
            "delivery_tag": tag,
            "priority": 0,
        },
    })
    .to_string()
}

/// The body of such a message.
fn opened(message: &[u8]) -> Option<Value> {
    let message: Value = serde_json::from_slice(message).ok()?;
    serde_json::from_slice(&BASE64_STANDARD.decode(message["body"].as_str()?).ok()?).ok()
}

/// The value that BRPOP gives.
fn popped(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Array(parts) => match parts.as_slice() {
            [_, Reply::BulkString(value)] => Some(value),
            _ => None,
        },
        _ => None,
    }
}
