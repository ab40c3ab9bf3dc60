//! A node that counts hits and can be poisoned, cured and killed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use hyper::StatusCode;

use super::Answer;
use super::respond::{escaped, html, respond};

/// The state of one process.
#[derive(Debug)]
pub struct Node {
    name: String,
    hits: AtomicU64,
    healthy: AtomicBool,
}

impl Node {
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), hits: AtomicU64::new(0), healthy: AtomicBool::new(true) }
    }

    pub fn is_healthy(&self) -> bool {
        self.healthy.load(Ordering::Relaxed)
    }

    /// Counts the hit, also when poisoned.
    pub fn home(&self) -> Answer {
        let hits = self.hits.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.is_healthy() {
            return error(StatusCode::GONE, &format!("{} is sick", self.name));
        }
        let name = escaped(&self.name);
        let page = format!(
            "<html><head><title>Status of {name}</title></head>\
             <body><h1>This is {name}</h1><p>Hits: {hits}</p></body></html>"
        );
        html(StatusCode::OK, page)
    }

    pub fn status(&self) -> Answer {
        let body = format!(
            r#"{{"node": {}, "hits": {}, "healthy": {}}}"#,
            serde_json::Value::from(self.name.as_str()),
            self.hits.load(Ordering::Relaxed),
            self.is_healthy(),
        );
        respond(StatusCode::OK, "application/json", body.into())
    }

    pub fn poison(&self) -> Answer {
        self.healthy.store(false, Ordering::Relaxed);
        html(StatusCode::OK, escaped_sentence(&format!("I'm {} and I don't feel well", self.name)))
    }

    pub fn antidote(&self) -> Answer {
        self.healthy.store(true, Ordering::Relaxed);
        html(StatusCode::OK, escaped_sentence(&format!("I'm {} and I feel well again", self.name)))
    }

    /// Ends the process as a crash does: SIGABRT, without an answer.
    pub fn die(&self) -> ! {
        println!("{} is told to die", self.name);
        std::process::abort()
    }
}

/// A host name has no letter that HTML would read otherwise; the apostrophe stays readable.
fn escaped_sentence(text: &str) -> String {
    escaped(text).replace("&#39;", "'")
}

/// An error page.
pub fn error(status: StatusCode, why: &str) -> Answer {
    let why = escaped_sentence(why);
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Error: {status}</title></head>\
         <body><h1>Error: {status}</h1><pre>{why}</pre></body></html>\n"
    );
    html(status, page)
}
