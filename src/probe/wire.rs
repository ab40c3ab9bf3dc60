//! A TCP connection that knows when the first byte of an answer came.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// When the first byte of the current answer came; shared with whoever asks.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstByte(Rc<Cell<Option<Instant>>>);

impl FirstByte {
    pub fn get(&self) -> Option<Instant> {
        self.0.get()
    }

    /// A new request begins.
    pub fn clear(&self) {
        self.0.set(None);
    }
}

/// A TCP connection that notes the first byte it reads. HTTP libraries tell only when the
/// whole head is there, but a connection that breaks before the first byte and one that
/// breaks in the head are two different failures.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    first_byte: FirstByte,
}

impl Wire {
    pub fn new(stream: TcpStream, first_byte: FirstByte) -> Self {
        Self { stream, first_byte }
    }

    /// To be called when the peer has closed and all is read: closing then resets what is left of
    /// the connection, so that the peer's port for it is free at once. A port in `TIME_WAIT` would
    /// hold back a connection that is refused, and TCP tries again by itself some milliseconds
    /// later: an outage would look shorter than it was.
    pub fn leave_nothing(&self) {
        if let Err(error) = self.stream.set_zero_linger() {
            tracing::debug!(%error, "a closed connection lingers");
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before && self.first_byte.get().is_none() {
            self.first_byte.0.set(Some(Instant::now()));
        }
        polled
    }
}

/// Written at once, without asking the event loop first: it does not know yet that a new
/// connection takes data, and a request nearly always fits.
impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match rustix::io::write(&self.stream, buf) {
            Err(Errno::AGAIN) => Pin::new(&mut self.stream).poll_write(cx, buf),
            written => Poll::Ready(written.map_err(io::Error::from)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match rustix::io::writev(&self.stream, bufs) {
            Err(Errno::AGAIN) => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
            written => Poll::Ready(written.map_err(io::Error::from)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
