//! Connections that speak HTTP/1.1.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt;

use super::link::{Counted, LINGER};
use super::tls;
use super::wire::{FirstByte, Wire};
use crate::record::Outcome;

type Http = http1::Connection<TokioIo<Wire>, Full<Bytes>>;

/// One connection that speaks HTTP/1.1. Its user drives it: it needs no task of its own, and what
/// the server did to it while it was idle is known before it is used again.
#[derive(Debug)]
pub(super) struct Http1Link {
    sender: SendRequest<Full<Bytes>>,
    /// `None` once HTTP on it is over.
    http: Option<Http>,
    /// What is left of it then.
    rest: Option<TokioIo<Wire>>,
    first_byte: FirstByte,
    _counted: Counted,
}

impl Http1Link {
    /// # Errors
    /// None that a peer could cause: nothing has been sent yet.
    pub async fn new(wire: Wire, counted: Counted) -> hyper::Result<Self> {
        let first_byte = wire.first_byte();
        let (sender, http) = http1::Builder::new().handshake(TokioIo::new(wire)).await?;
        Ok(Self { sender, http: Some(http), rest: None, first_byte, _counted: counted })
    }

    /// When the first byte of the current response came.
    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte.get()
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(&mut self, request: Request<Bytes>) -> Result<Response<Incoming>, Outcome> {
        self.first_byte.clear();
        let answer = self.sender.send_request(request.map(Full::new));
        self.drive(answer).await.map_err(|error| match self.first_byte() {
            Some(_) => Outcome::Cut,
            None if tls::is_refusal(&error) => Outcome::TlsHandshake,
            None => Outcome::Reset,
        })
    }

    /// The next piece of a response body; `None` at its end.
    pub async fn piece(&mut self, body: &mut Incoming) -> Option<Result<Bytes, Outcome>> {
        loop {
            let frame = self.drive(poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx))).await?;
            match frame.map(hyper::body::Frame::into_data) {
                Ok(Ok(piece)) => return Some(Ok(piece)),
                // Trailers.
                Ok(Err(_)) => {}
                Err(_) => return Some(Err(Outcome::Cut)),
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

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::rc::Rc;

    use tokio::net::{TcpSocket, TcpStream};

    use super::super::wire::Socket;

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
        let mut link =
            Http1Link::new(Wire::plain(Socket(stream)), Counted::by(&Rc::default())).await.unwrap();
        let mut body = link.send(Request::default()).await.unwrap().into_body();
        assert_eq!(link.piece(&mut body).await.unwrap().unwrap(), "ok");
        server.join().unwrap();
        link.part().await;
        // Without SO_REUSEADDR, a port that a connection still holds cannot be bound.
        TcpSocket::new_v4().unwrap().bind(address).unwrap();
    }
}
