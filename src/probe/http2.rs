//! Connections that speak HTTP/2, which requests share.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use h2::RecvStream;
use h2::client::{Builder, Connection, SendRequest};
use hyper::{Request, Response};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::link::{Counted, LINGER};
use super::tls;
use super::wire::Wire;
use crate::record::Outcome;

/// How much of a response the server may send before it is read: enough that no response of
/// ordinary size waits.
const WINDOW: u32 = 1 << 20;

/// One request's hold on a connection that speaks HTTP/2. A task of its own drives the connection.
#[derive(Debug)]
pub(super) struct Http2Link {
    sender: SendRequest<Bytes>,
    shared: Rc<Shared>,
    first_byte: Option<Instant>,
    /// Whether it is in the pool already, for others.
    was_shared: bool,
    driver: Option<Driver>,
}

#[derive(Debug)]
struct Shared {
    /// Whether the connection is over.
    over: Cell<bool>,
    _counted: Counted,
}

/// What drives the connection of a single request, and how it learns that the request is over.
#[derive(Debug)]
struct Driver {
    task: JoinHandle<()>,
    done: Option<oneshot::Sender<()>>,
}

/// A request that was given up does not wait for its connection.
impl Drop for Driver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Http2Link {
    /// # Errors
    /// When the connection broke at once.
    pub async fn new(mut wire: Wire, kept: bool, counted: Counted) -> Result<Self, Outcome> {
        if !kept {
            wire.part_last();
        }
        let (sender, connection) = Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .enable_push(false)
            .handshake(wire)
            .await
            .map_err(|_| Outcome::Reset)?;
        let shared = Rc::new(Shared { over: Cell::new(false), _counted: counted });
        let (done, is_done) = oneshot::channel();
        let task = tokio::task::spawn_local(drive(connection, Rc::clone(&shared), is_done));
        // A kept one ends when the server ends it, or with the prober.
        let driver = (!kept).then(|| Driver { task, done: Some(done) });
        Ok(Self { sender, shared, first_byte: None, was_shared: false, driver })
    }

    pub fn first_byte(&self) -> Option<Instant> {
        self.first_byte
    }

    /// The same connection for another request, which takes this one's place in the pool.
    pub fn another(&mut self) -> Self {
        self.was_shared = true;
        Self {
            sender: self.sender.clone(),
            shared: Rc::clone(&self.shared),
            first_byte: None,
            was_shared: true,
            driver: None,
        }
    }

    pub fn was_shared(&self) -> bool {
        self.was_shared
    }

    pub async fn send(&mut self, request: Request<Bytes>) -> Result<Response<RecvStream>, Outcome> {
        match self.exchange(request).await {
            Ok(answer) => {
                self.first_byte = Some(Instant::now());
                Ok(answer)
            }
            Err(error) => Err(self.outcome_of(&error).await),
        }
    }

    async fn exchange(
        &mut self,
        request: Request<Bytes>,
    ) -> Result<Response<RecvStream>, h2::Error> {
        let (head, body) = request.into_parts();
        poll_fn(|cx| self.sender.poll_ready(cx)).await?;
        let head = Request::from_parts(head, ());
        let (answer, mut sending) = self.sender.send_request(head, body.is_empty())?;
        if !body.is_empty() {
            sending.send_data(body, true)?;
        }
        answer.await
    }

    /// The next piece of a response body; `None` at its end.
    pub async fn piece(&mut self, body: &mut RecvStream) -> Option<Result<Bytes, Outcome>> {
        match body.data().await? {
            Ok(piece) => {
                // An error here means that the stream is over, which the next piece says.
                let _ = body.flow_control().release_capacity(piece.len());
                Some(Ok(piece))
            }
            Err(error) => Some(Err(self.outcome_of(&error).await)),
        }
    }

    /// How a request ended that was given up. A request that the server had begun when it sent
    /// GOAWAY only sees that the connection is closed; the connection knows.
    async fn outcome_of(&mut self, error: &h2::Error) -> Outcome {
        let of_connection = poll_fn(|cx| match self.sender.poll_ready(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Some(error)),
            _ => Poll::Ready(None),
        });
        if error.is_go_away() || of_connection.await.is_some_and(|error| error.is_go_away()) {
            Outcome::GoAway
        } else if error.is_reset() {
            Outcome::StreamReset
        } else if self.first_byte.is_some() {
            Outcome::Cut
        } else if error.get_io().is_some_and(|error| tls::is_refusal(error)) {
            Outcome::TlsHandshake
        } else {
            Outcome::Reset
        }
    }

    /// Whether another request can be sent over it now: the server has neither closed it nor said
    /// that it takes no more.
    pub async fn is_free(&mut self) -> bool {
        if self.shared.over.get() {
            return false;
        }
        poll_fn(|cx| {
            let ready = self.sender.poll_ready(cx);
            Poll::Ready(!matches!(ready, Poll::Ready(Err(_))))
        })
        .await
    }

    /// Says that no more requests come, and waits until the server has closed.
    pub async fn part(self) {
        let Some(mut driver) = self.driver else { return };
        drop(self.sender);
        let _ = driver.done.take().map(|done| done.send(()));
        let _ = (&mut driver.task).await;
    }
}

/// Runs a connection until it is over; for [`LINGER`] at most once it is done with.
async fn drive(
    connection: Connection<Wire, Bytes>,
    shared: Rc<Shared>,
    done: oneshot::Receiver<()>,
) {
    let mut connection = std::pin::pin!(connection);
    let run = async {
        if let Err(error) = connection.as_mut().await {
            tracing::debug!(%error, "an HTTP/2 connection ended");
        }
    };
    let enough = async {
        match done.await {
            Ok(()) => tokio::time::sleep(LINGER).await,
            // It is kept: it ends when the server ends it, or with the prober.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = run => {}
        () = enough => {}
    }
    shared.over.set(true);
}
