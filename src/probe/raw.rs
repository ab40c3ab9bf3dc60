//! TCP without HTTP: a connection is made, and on request something is said and an answer expected.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};

use super::expect::BodyCheck;
use super::link::{Counted, LINGER};
use super::wire::{FirstByte, Wire};
use crate::record::Outcome;

/// A connection whose content is not HTTP.
#[derive(Debug)]
pub(super) struct RawLink {
    wire: Wire,
    first_byte: FirstByte,
    _counted: Counted,
}

impl RawLink {
    pub fn new(wire: Wire, counted: Counted) -> Self {
        Self { first_byte: wire.first_byte(), wire, _counted: counted }
    }

    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get()
    }

    /// Says something, if there is something to say, and waits for an answer that is right or
    /// cannot become right any more. Without anything to say or to expect, to be connected is
    /// enough.
    pub async fn converse(&mut self, words: &[u8], mut check: BodyCheck<'_>) -> Outcome {
        self.first_byte.clear();
        if !words.is_empty() && self.wire.write_all(words).await.is_err() {
            return Outcome::Reset;
        }
        if words.is_empty() && !check.wants_bytes() {
            return Outcome::Ok;
        }
        let mut buffer = [0; 4096];
        loop {
            match self.wire.read(&mut buffer).await {
                Ok(0) | Err(_) if self.first_byte().is_none() => return Outcome::Reset,
                Ok(0) | Err(_) => return Outcome::Cut,
                Ok(length) => check.feed(&buffer[..length]),
            }
            match check.decided() {
                Some(true) => return Outcome::Ok,
                Some(false) => return Outcome::WrongBody,
                None => {}
            }
        }
    }

    /// Whether it is open, and nothing came that nobody asked for.
    pub async fn is_free(&mut self) -> bool {
        poll_fn(|cx| {
            let mut byte = [0; 1];
            let mut buffer = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut self.wire).poll_read(cx, &mut buffer).is_pending())
        })
        .await
    }

    /// Closes it, and waits until the server has closed too.
    pub async fn part(mut self) {
        let _ = tokio::time::timeout(LINGER, async {
            self.wire.shutdown().await?;
            let mut unwanted = [0; 512];
            while self.wire.read(&mut unwanted).await? > 0 {}
            self.wire.leave_nothing();
            Ok::<_, std::io::Error>(())
        })
        .await;
    }
}
