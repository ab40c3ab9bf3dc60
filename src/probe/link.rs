//! One connection that speaks HTTP/1.1.

use std::cell::Cell;
use std::future::{Future, poll_fn};
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
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::wire::{FirstByte, Wire};

/// How long the server gets to close a connection first, as it was asked to.
pub(super) const LINGER: Duration = Duration::from_millis(250);

type Http = http1::Connection<TokioIo<Wire>, Full<Bytes>>;

/// One connection that speaks HTTP/1.1. Whoever uses it drives it: it needs no task of its
/// own, and what the server did to it while it was idle is known before it is used again.
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
    /// None that a peer could cause: nothing is sent yet.
    pub async fn new(stream: TcpStream, counted: Counted) -> hyper::Result<Self> {
        let first_byte = FirstByte::default();
        let io = TokioIo::new(Wire::new(stream, first_byte.clone()));
        let (sender, http) = http1::Builder::new().handshake(io).await?;
        Ok(Self { sender, http: Some(http), rest: None, first_byte, _counted: counted })
    }

    /// When the first byte of the current answer came.
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

    /// The next piece of an answer's body; `None` at its end.
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
            self.progress(cx);
            Poll::Ready(self.http.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Lets the server close first, within [`LINGER`]. Whoever closes first keeps the port
    /// occupied for a minute, and a client that does so at 1,000 requests a second runs out of
    /// ports within half a minute.
    pub async fn part(mut self) {
        let _ = tokio::time::timeout(LINGER, async {
            poll_fn(|cx| {
                self.progress(cx);
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

    /// Lets the connection work until `future` is done. It always gets done: when the
    /// connection is over, all that waits for it fails.
    async fn drive<F: Future>(&mut self, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            self.progress(cx);
            future.as_mut().poll(cx)
        })
        .await
    }

    fn progress(&mut self, cx: &mut Context<'_>) {
        if let Some(http) = &mut self.http
            && http.poll_without_shutdown(cx).is_ready()
        {
            // Errors reach whoever waits for the answer.
            self.rest = self.http.take().map(|http| http.into_parts().io);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use tokio::net::TcpSocket;

    use super::*;

    #[tokio::test]
    async fn a_server_that_closed_first_has_its_port_free_at_once() {
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
        // Without SO_REUSEADDR a port that is still held by a connection cannot be taken.
        TcpSocket::new_v4().unwrap().bind(address).unwrap();
    }
}
