//! Connections that stay open: a WebSocket that repeats what it hears, and a stream of events.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::Full;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, watch};
use tokio::time::interval;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame};

use super::Answer;
use super::respond::text;

/// How often the stream of events has one.
const TICK: Duration = Duration::from_millis(500);

/// How connections that stay open end once the replica stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    Open,
    /// As their protocols end.
    Closed,
    /// In the middle: the fault is switched on.
    Cut,
}

/// Connections that stay open, and how they are told to end.
#[derive(Debug)]
pub struct Held(watch::Sender<End>);

impl Default for Held {
    fn default() -> Self {
        Self(watch::Sender::new(End::Open))
    }
}

impl Held {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.receiver_count()
    }

    /// Tells all of them to end in this way.
    pub fn end(&self, end: End) {
        self.0.send_replace(end);
    }

    /// Waits until there are none.
    pub async fn ended(&self) {
        self.0.closed().await;
    }

    /// Answers a request to open a WebSocket, which then repeats what it hears.
    pub fn socket<B>(&self, mut request: Request<B>) -> Answer {
        let Some(accept) = accept_key(request.headers()) else {
            let mut response =
                text(StatusCode::UPGRADE_REQUIRED, "this is a WebSocket\n".to_owned());
            response.headers_mut().insert(UPGRADE, HeaderValue::from_static("websocket"));
            return response;
        };
        let end = self.0.subscribe();
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(stream) = upgrade.await {
                let stream = TokioIo::new(stream);
                let socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
                repeat(socket, end).await;
            }
        });
        let mut response = Answer::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        response
    }

    /// A stream of server-sent events: their numbers.
    pub fn events(&self) -> Response<Events> {
        let (sender, events) = mpsc::channel(1);
        tokio::spawn(tick(sender, self.0.subscribe()));
        let mut response = Response::new(Events(events));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        // nginx would keep the events until a buffer is full.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

/// What the server has to say to a request to open a WebSocket (RFC 6455, section 4.2.2); none if
/// it is no such request.
fn accept_key(headers: &HeaderMap) -> Option<HeaderValue> {
    let is = |name, wanted: &str| {
        headers.get(name).is_some_and(|value: &HeaderValue| {
            value.as_bytes().eq_ignore_ascii_case(wanted.as_bytes())
        })
    };
    if !is(UPGRADE, "websocket") || !is(SEC_WEBSOCKET_VERSION, "13") {
        return None;
    }
    let key = headers.get(SEC_WEBSOCKET_KEY)?;
    HeaderValue::from_str(&derive_accept_key(key.as_bytes())).ok()
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

/// Repeats what it hears, until one of the two ends it. Pings are answered by the library.
async fn repeat(mut socket: Socket, mut end: watch::Receiver<End>) {
    let end = loop {
        tokio::select! {
            end = ending(&mut end) => break end,
            heard = socket.next() => match heard {
                Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            },
        }
    };
    if end == End::Closed {
        let frame = CloseFrame { code: CloseCode::Away, reason: "the replica stops".into() };
        if socket.close(Some(frame)).await.is_ok() {
            // The client says goodbye, too.
            while let Some(Ok(_)) = socket.next().await {}
        }
    }
}

/// Sends events until it is told to end, or the client has left.
async fn tick(sender: mpsc::Sender<Result<Bytes, Cut>>, mut end: watch::Receiver<End>) {
    let mut ticks = interval(TICK);
    let mut number = 0_u64;
    loop {
        tokio::select! {
            end = ending(&mut end) => {
                if end == End::Cut {
                    // It fails only if the client has left.
                    let _ = sender.send(Err(Cut)).await;
                }
                return;
            }
            () = sender.closed() => return,
            _ = ticks.tick() => {}
        }
        let event = format!("id: {number}\ndata: {number}\n\n");
        if sender.send(Ok(event.into())).await.is_err() {
            return;
        }
        number += 1;
    }
}

/// Waits until connections have to end, and tells how.
async fn ending(end: &mut watch::Receiver<End>) -> End {
    end.wait_for(|end| *end != End::Open).await.map_or(End::Cut, |end| *end)
}

/// Why a stream of events breaks off: the fault is switched on.
#[derive(Debug)]
pub struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut because of ROLLPROOF_DROP_ON_STOP")
    }
}

impl std::error::Error for Cut {}

/// The body of a stream of events.
#[derive(Debug)]
pub struct Events(mpsc::Receiver<Result<Bytes, Cut>>);

impl Body for Events {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(cx).map(|event| event.map(|event| event.map(Frame::data)))
    }
}
