//! Responses of each content type.

use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::Answer;

pub fn text(status: StatusCode, body: String) -> Answer {
    respond(status, "text/plain; charset=utf-8", body.into())
}

pub fn html(status: StatusCode, body: String) -> Answer {
    respond(status, "text/html; charset=utf-8", body.into())
}

pub fn json(status: StatusCode, body: &serde_json::Value) -> Answer {
    respond(status, "application/json", body.to_string().into())
}

pub fn respond(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut response = Answer::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Text that HTML shows as it is.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
