//! Connections that speak HTTP/1.1: when their first byte came, who closes them, which are kept.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long to wait for the server to close a connection first, as the request asks.
pub(super) const LINGER: Duration = Duration::from_millis(250);

type Http = http1::Connection<TokioIo<Wire>, Full<Bytes>>;

/// One connection that speaks HTTP/1.1. Its user drives it: it needs no task of its own, and what
/// the server did to it while it was idle is known before it is used again.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once HTTP on it is over.
    http: Option<Http>,
    /// What is left of it then.
    rest: Option<TokioIo<Wire>>,
    first_byte: FirstByte,
    _counted: Counted,
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

impl Link {
    /// # Errors
    /// None that a peer could cause: nothing has been sent yet.
    pub async fn new(stream: TcpStream, counted: Counted) -> hyper::Result<Self> {
        let first_byte = FirstByte::default();
        let io = TokioIo::new(Wire::new(stream, first_byte.clone()));
        let (sender, http) = http1::Builder::new().handshake(io).await?;
        Ok(Self { sender, http: Some(http), rest: None, first_byte, _counted: counted })
    }

    /// When the first byte of the current response came.
    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get()
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Incoming>> {
        self.first_byte.clear();
        let answer = self.sender.send_request(request);
        self.drive(answer).await
    }

    /// The next piece of a response body; `None` at its end.
    pub async fn piece(&mut self, body: &mut Incoming) -> Option<hyper::Result<Bytes>> {
        loop {
            let frame = self.drive(poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(piece)) => return Some(Ok(piece)),
                // Trailers.
                Ok(Err(_)) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Whether another request can be sent over it now.
    pub async fn is_free(&mut self) -> bool {
        poll_fn(|cx| {
            self.advance(cx);
            Poll::Ready(self.http.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Lets the server close first, within [`LINGER`]. The side that closes first keeps the port
    /// occupied for a minute: at 1,000 requests a second, a client that closes first runs out of
    /// ports within half a minute.
    pub async fn part(mut self) {
        let _ = tokio::time::timeout(LINGER, async {
            poll_fn(|cx| {
                self.advance(cx);
                if self.http.is_some() { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            if let Some(rest) = self.rest.take() {
                let mut unwanted = [0; 512];
                let mut wire = rest.into_inner();
                while let Ok(length) = wire.read(&mut unwanted).await {
                    if length == 0 {
                        wire.leave_nothing();
                        break;
                    }
                }
            }
        })
        .await;
    }

    /// Runs the connection until `future` is done. That always happens: when the connection is
    /// over, everything that waits for it fails.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.advance(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    fn advance(&mut self, cx: &mut Context<'_>) {
        if let Some(http) = &mut self.http
            && http.poll_without_shutdown(cx).is_ready()
        {
            // Errors reach the future that waits for the answer.
            self.rest = self.http.take().map(|http| http.into_parts().io);
        }
    }
}

/// Connections that are kept and used in turn. The one that has been idle longest is next, so
/// that each is idle for a while between requests, as a user's would be.
#[derive(Debug)]
pub(super) struct Pool {
    wanted: usize,
    open: Rc<Cell<usize>>,
    idle: RefCell<VecDeque<Link>>,
}

impl Pool {
    /// A pool that opens `wanted` connections before it uses one again.
    pub fn new(wanted: usize) -> Self {
        Self { wanted, open: Rc::default(), idle: RefCell::default() }
    }

    /// Counts a connection as open for as long as the returned value lives.
    pub fn counted(&self) -> Counted {
        Counted::by(&self.open)
    }

    /// A connection to use again, `None` if a new one should be opened; and how many the server
    /// has closed in the meantime. A connection known to be closed is not a failure: no client
    /// would send a request over it.
    pub async fn take(&self) -> (Option<Link>, u64) {
        let mut closed = 0;
        while self.open.get() >= self.wanted {
            let Some(mut link) = self.idle.borrow_mut().pop_front() else { break };
            if link.is_free().await {
                return (Some(link), closed);
            }
            closed += 1;
        }
        (None, closed)
    }

    /// Takes back a connection; drops it if enough are idle. Connections that a burst opened beyond
    /// the wanted number are kept while others are in use: closing and reopening them would be
    /// work that a busy machine cannot spare.
    pub fn put(&self, link: Link) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() < self.wanted {
            idle.push_back(link);
        }
    }
}

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

/// A TCP connection that notes when it reads the first byte. HTTP libraries report only the whole
/// head, but breaking before the first byte and breaking in the head are different failures.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    first_byte: FirstByte,
}

impl Wire {
    pub fn new(stream: TcpStream, first_byte: FirstByte) -> Self {
        Self { stream, first_byte }
    }

    /// To be called when the peer has closed and everything is read: closing then resets what is
    /// left of the connection, so that the peer's port is free immediately. A port in `TIME_WAIT`
    /// would delay a refusal, and TCP retries a few milliseconds later: an outage would look
    /// shorter than it was.
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

/// Writes immediately, without asking the event loop first: it does not know yet that a new
/// connection is writable, and a request nearly always fits.
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tokio::net::TcpSocket;

    use super::*;

    #[tokio::test]
    async fn the_port_of_a_server_that_closed_first_is_free_immediately() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            assert!(peer.read(&mut [0; 1024]).unwrap() > 0);
            peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let mut link = Link::new(stream, Counted::by(&Rc::default())).await.unwrap();
        let mut body = link.send(Request::default()).await.unwrap().into_body();
        assert_eq!(link.piece(&mut body).await.unwrap().unwrap(), "ok");
        server.join().unwrap();
        link.part().await;
        // Without SO_REUSEADDR, a port that a connection still holds cannot be bound.
        TcpSocket::new_v4().unwrap().bind(address).unwrap();
    }
}
