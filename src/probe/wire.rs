//! The bytes of a connection, plain or in TLS, and when the first one came.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// When the first byte of the current response came; shared between a wire and its link.
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

/// A connection that notes when it reads the first byte of its content. HTTP libraries report only
/// the whole head, but breaking before the first byte and breaking in the head are different
/// failures.
#[derive(Debug)]
pub(super) struct Wire {
    io: Io,
    first_byte: FirstByte,
    parts_last: bool,
}

#[derive(Debug)]
enum Io {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Wire {
    pub fn plain(socket: Socket) -> Self {
        Self { io: Io::Plain(socket), first_byte: FirstByte::default(), parts_last: false }
    }

    pub fn tls(stream: TlsStream<Socket>) -> Self {
        let io = Io::Tls(Box::new(stream));
        Self { io, first_byte: FirstByte::default(), parts_last: false }
    }

    pub fn first_byte(&self) -> FirstByte {
        self.first_byte.clone()
    }

    /// To be called when the peer has closed and everything is read: closing then resets what is
    /// left of the connection, so that the peer's port is free immediately. A port in `TIME_WAIT`
    /// would delay a refusal, and TCP retries a few milliseconds later: an outage would look
    /// shorter than it was.
    pub fn leave_nothing(&self) {
        let socket = match &self.io {
            Io::Plain(socket) => socket,
            Io::Tls(stream) => stream.get_ref().0,
        };
        if let Err(error) = socket.0.set_zero_linger() {
            tracing::debug!(%error, "a closed connection lingers");
        }
    }

    /// From now on, shutting it down waits until the peer has closed, and leaves nothing.
    pub fn part_last(&mut self) {
        self.parts_last = true;
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = match &mut self.io {
            Io::Plain(socket) => Pin::new(socket).poll_read(cx, buf),
            Io::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if buf.filled().len() > before && self.first_byte.get().is_none() {
            self.first_byte.0.set(Some(Instant::now()));
        }
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(socket) => Pin::new(socket).poll_write(cx, buf),
            Io::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.parts_last {
            let mut unwanted = [0; 512];
            let mut unwanted = ReadBuf::new(&mut unwanted);
            let read = ready!(self.as_mut().poll_read(cx, &mut unwanted));
            if read.is_err() || unwanted.filled().is_empty() {
                self.leave_nothing();
                return Poll::Ready(Ok(()));
            }
        }
        match &mut self.io {
            Io::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(socket) => Pin::new(socket).poll_write_vectored(cx, bufs),
            Io::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(socket) => socket.is_write_vectored(),
            Io::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

/// A TCP connection that writes immediately, without asking the event loop first: it does not know
/// yet that a new connection is writable, and a request nearly always fits.
#[derive(Debug)]
pub(super) struct Socket(pub TcpStream);

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match rustix::io::write(&self.0, buf) {
            Err(Errno::AGAIN) => Pin::new(&mut self.0).poll_write(cx, buf),
            written => Poll::Ready(written.map_err(io::Error::from)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match rustix::io::writev(&self.0, bufs) {
            Err(Errno::AGAIN) => Pin::new(&mut self.0).poll_write_vectored(cx, bufs),
            written => Poll::Ready(written.map_err(io::Error::from)),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}
