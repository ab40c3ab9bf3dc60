//! What the engine replies.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::API;

/// Pieces that come one after the other.
pub(in crate::simulated) type Stream = BoxStream<'static, Bytes>;

/// A reply.
pub(in crate::simulated) struct Reply {
    status: u16,
    kind: &'static str,
    body: Content,
}

enum Content {
    Whole(Bytes),
    Stream(Stream),
}

impl Reply {
    /// A JSON document.
    pub(super) fn json(value: &Value) -> Self {
        Self::with(200, value)
    }

    /// Something was created.
    pub(super) fn created(value: &Value) -> Self {
        Self::with(201, value)
    }

    fn with(status: u16, value: &Value) -> Self {
        let body = Content::Whole(Bytes::from(format!("{value}\n")));
        Self { status, kind: "application/json", body }
    }

    /// Done, and nothing to say.
    pub(super) fn done(status: u16) -> Self {
        Self { status, kind: "application/json", body: Content::Whole(Bytes::new()) }
    }

    /// Text.
    pub(super) fn text(text: &'static str) -> Self {
        let body = Content::Whole(Bytes::from_static(text.as_bytes()));
        Self { status: 200, kind: "text/plain; charset=utf-8", body }
    }

    /// An error in the engine's words.
    pub(super) fn error(status: u16, message: impl Into<String>) -> Self {
        Self::with(status, &json!({ "message": message.into() }))
    }

    /// Nothing of that kind has this name or id.
    pub(super) fn not_found(kind: &str, id: &str) -> Self {
        Self::error(404, format!("{kind} {id} not found"))
    }

    /// Pieces that come one after the other.
    pub(super) fn stream(kind: &'static str, stream: Stream) -> Self {
        Self { status: 200, kind, body: Content::Stream(stream) }
    }

    /// A request that cannot be read to its end.
    pub(in crate::simulated) fn unreadable() -> Self {
        Self::error(400, "the request ended early, or is too long")
    }

    /// The response on the wire.
    pub(in crate::simulated) fn into_response(self) -> Response<UnsyncBoxBody<Bytes, Infallible>> {
        let body = match self.body {
            Content::Whole(bytes) => Full::new(bytes).boxed_unsync(),
            Content::Stream(stream) => {
                BodyExt::boxed_unsync(StreamBody::new(stream.map(|piece| Ok(Frame::data(piece)))))
            }
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        for (name, value) in [
            ("api-version", API),
            ("docker-experimental", "false"),
            ("ostype", "linux"),
            ("swarm", "active/manager"),
            ("server", "Docker/28.5.2 (simulated by rollproof)"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}
