//! Connections: what they speak, and who closes them.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2::RecvStream;
use hyper::Request;
use hyper::body::Incoming;
use hyper::http::response::Parts;

use super::http1::Http1Link;
use super::http2::Http2Link;
use super::raw::RawLink;
use super::wire::Wire;
use crate::record::Outcome;

/// How long to wait for the server to close a connection first, as the request asks.
pub(super) const LINGER: Duration = Duration::from_millis(250);

/// A connection, by what it speaks.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most are the large one, and a box costs each request"
)]
pub(super) enum Link {
    Http1(Http1Link),
    Http2(Http2Link),
    Raw(RawLink),
}

/// The body of a response.
pub(super) enum Incomings {
    Http1(Incoming),
    Http2(RecvStream),
}

impl Link {
    /// HTTP over a connection on which nothing was sent yet.
    ///
    /// # Errors
    /// When it broke at once.
    pub async fn new(
        wire: Wire,
        http2: bool,
        kept: bool,
        counted: Counted,
    ) -> Result<Self, Outcome> {
        if http2 {
            return Http2Link::new(wire, kept, counted).await.map(Self::Http2);
        }
        let link = Http1Link::new(wire, counted).await.map_err(|_| Outcome::Reset)?;
        Ok(Self::Http1(link))
    }

    /// When the first byte of the current response came; in HTTP/2, when its head was complete.
    pub fn first_byte(&self) -> Option<Instant> {
        match self {
            Self::Http1(link) => link.first_byte(),
            Self::Http2(link) => link.first_byte(),
            Self::Raw(link) => link.first_byte(),
        }
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(&mut self, request: Request<Bytes>) -> Result<(Parts, Incomings), Outcome> {
        match self {
            Self::Http1(link) => {
                let (head, body) = link.send(request).await?.into_parts();
                Ok((head, Incomings::Http1(body)))
            }
            Self::Http2(link) => {
                let (head, body) = link.send(request).await?.into_parts();
                Ok((head, Incomings::Http2(body)))
            }
            // Nobody asks it for HTTP.
            Self::Raw(_) => Err(Outcome::Cut),
        }
    }

    /// The next piece of a response body; `None` at its end.
    pub async fn piece(&mut self, body: &mut Incomings) -> Option<Result<Bytes, Outcome>> {
        match (self, body) {
            (Self::Http1(link), Incomings::Http1(body)) => link.piece(body).await,
            (Self::Http2(link), Incomings::Http2(body)) => link.piece(body).await,
            // A body comes from its own connection.
            _ => None,
        }
    }

    /// Whether another request can be sent over it now.
    pub async fn is_free(&mut self) -> bool {
        match self {
            Self::Http1(link) => link.is_free().await,
            Self::Http2(link) => link.is_free().await,
            Self::Raw(link) => link.is_free().await,
        }
    }

    /// Lets the server close first, within [`LINGER`]. The side that closes first keeps the port
    /// occupied for a minute: at 1,000 requests a second, a client that closes first runs out of
    /// ports within half a minute.
    pub async fn part(self) {
        match self {
            Self::Http1(link) => link.part().await,
            Self::Http2(link) => link.part().await,
            Self::Raw(link) => link.part().await,
        }
    }
}

/// Counts an open link for as long as it lives.
#[derive(Debug)]
pub(super) struct Counted(Rc<Cell<usize>>);

impl Counted {
    pub fn by(count: &Rc<Cell<usize>>) -> Self {
        count.set(count.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
