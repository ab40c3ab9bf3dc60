//! Connections that are held: WebSockets (RFC 6455) and streams of server-sent events.

use std::time::Instant;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::HeaderMap;
use hyper::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout_at;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::fault::ConnectFault;
use super::flight::{INSTANCE, note_replica};
use super::holder::Holder;
use super::link::{Incomings, LINGER, Link};
use super::reach::wire;
use super::stream::Stream;
use super::wire::Wire;
use crate::record::{Outcome, Shot};

/// A connection that is held, by what it speaks.
pub(super) enum Line {
    WebSocket(Box<WebSocketStream<Wire>>),
    Events(Box<(Link, Incomings)>),
}

/// What came over a connection.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heard {
    Pong(u64),
    Other,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineEnd {
    pub clean: bool,
    /// A WebSocket's code, if there was one.
    pub code: Option<u16>,
}

impl LineEnd {
    const CUT: Self = Self { clean: false, code: None };

    /// A WebSocket that was closed with this frame.
    fn closed(frame: Option<&CloseFrame>) -> Self {
        let code = frame.map(|frame| u16::from(frame.code));
        Self { clean: code.is_none_or(is_farewell), code }
    }
}

/// Whether a server that closes a WebSocket with this code means to, and has not failed: done, going
/// away, restarting, asking to come back later, or what the application defines (RFC 6455, section
/// 7.4, and the registry that it founds).
fn is_farewell(code: u16) -> bool {
    matches!(code, 1000 | 1001 | 1005 | 1012 | 1013 | 3000..)
}

/// Opens a connection. Notes in the shot what that showed.
pub(super) async fn open(
    stream: &Stream,
    number: u64,
    begun: Instant,
    shot: &mut Shot,
) -> Result<Line, ConnectFault> {
    let wire = wire(stream, None, number, begun, shot).await?;
    let limit = (begun + stream.plan.timeout).into();
    let opening = async {
        if stream.plan.is_websocket() {
            websocket(stream, wire, number, shot).await
        } else {
            events(stream, wire, number, shot).await
        }
    };
    let opened = timeout_at(limit, opening).await.unwrap_or(Err(Outcome::Timeout));
    opened.map_err(ConnectFault::Outcome)
}

async fn websocket(
    stream: &Stream,
    wire: Wire,
    number: u64,
    shot: &mut Shot,
) -> Result<Line, Outcome> {
    let first_byte = wire.first_byte();
    let mut request = stream.request(number).map(drop);
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    if let Ok(key) = HeaderValue::from_str(&generate_key()) {
        headers.insert(SEC_WEBSOCKET_KEY, key);
    }
    match client_async(request, wire).await {
        Ok((socket, response)) => {
            let good = stream.plan.expect.status.unwrap_or(200);
            judge(stream, response.headers(), good, shot)?;
            shot.status = Some(response.status().as_u16());
            Ok(Line::WebSocket(Box::new(socket)))
        }
        Err(tungstenite::Error::Http(response)) => {
            let status = response.status().as_u16();
            judge(stream, response.headers(), status, shot)?;
            Err(Outcome::WrongStatus)
        }
        Err(error) => {
            tracing::debug!(%error, "a WebSocket was not opened");
            Err(if first_byte.get().is_none() { Outcome::Reset } else { Outcome::Cut })
        }
    }
}

async fn events(
    stream: &Stream,
    wire: Wire,
    number: u64,
    shot: &mut Shot,
) -> Result<Line, Outcome> {
    let mut link = Link::new(wire, stream.plan.http2, true, stream.pool.counted()).await?;
    let mut request = stream.request(number);
    let accept = HeaderValue::from_static("text/event-stream");
    request.headers_mut().entry(ACCEPT).or_insert(accept);
    let (head, body) = link.send(request).await?;
    judge(stream, &head.headers, head.status.as_u16(), shot)?;
    let kind = head.headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with(b"text/event-stream") {
        return Err(Outcome::WrongHeader);
    }
    Ok(Line::Events(Box::new((link, body))))
}

/// Notes who answered, and says what is wrong with the answer's head.
fn judge(
    stream: &Stream,
    headers: &HeaderMap,
    status: u16,
    shot: &mut Shot,
) -> Result<(), Outcome> {
    let expect = &stream.plan.expect;
    note_replica(stream, headers, shot);
    shot.status = Some(status);
    let from_app = headers.contains_key(INSTANCE);
    let wrong = expect
        .head(status, shot.version.as_deref(), from_app, stream.app_known.get())
        .or_else(|| expect.missing_header(headers).map(|_| Outcome::WrongHeader))
        .or_else(|| (!stream.patterns.fit(headers)).then_some(Outcome::WrongHeader));
    if let Some(witness) = &stream.witness {
        witness.borrow_mut().head(headers, expect);
    }
    if let Some(outcome) = wrong {
        return Err(outcome);
    }
    stream.app_known.set(stream.app_known.get() || from_app);
    Ok(())
}

impl Line {
    /// Sends the pings that are due, and tells what comes, until the other side ends it.
    pub async fn hold(
        &mut self,
        stream: &Stream,
        holder: &Holder,
        pings: UnboundedReceiver<u64>,
    ) -> LineEnd {
        match self {
            Self::WebSocket(socket) => hold_websocket(socket, stream, holder, pings).await,
            Self::Events(events) => loop {
                let (link, body) = &mut **events;
                match link.piece(body).await {
                    Some(Ok(_)) => holder.heard(Heard::Other, stream.clock.now()),
                    Some(Err(_)) => return LineEnd::CUT,
                    None => return LineEnd { clean: true, code: None },
                }
            },
        }
    }

    /// Ends it from this side, or answers a server that has said goodbye and closes it then.
    pub async fn leave(self) {
        let part = async {
            if let Self::WebSocket(socket) = self {
                let mut socket = *socket;
                // It fails if it is over.
                let _ = socket.close(None).await;
                while let Some(Ok(_)) = socket.next().await {}
            }
        };
        let _ = tokio::time::timeout(LINGER, part).await;
    }
}

async fn hold_websocket(
    socket: &mut WebSocketStream<Wire>,
    stream: &Stream,
    holder: &Holder,
    mut pings: UnboundedReceiver<u64>,
) -> LineEnd {
    loop {
        let heard = tokio::select! {
            Some(number) = pings.recv() => {
                let payload = Bytes::copy_from_slice(&number.to_be_bytes());
                if socket.send(Message::Ping(payload)).await.is_err() {
                    // What was sent before the end may still be there to read: a goodbye.
                    return rest(socket).await;
                }
                continue;
            }
            heard = socket.next() => heard,
        };
        let at = stream.clock.now();
        match heard {
            Some(Ok(Message::Pong(payload))) => {
                let number = payload.as_ref().try_into().map(u64::from_be_bytes);
                holder.heard(number.map_or(Heard::Other, Heard::Pong), at);
            }
            Some(Ok(Message::Close(frame))) => return LineEnd::closed(frame.as_ref()),
            Some(Ok(_)) => holder.heard(Heard::Other, at),
            Some(Err(error)) => {
                tracing::debug!(%error, "a WebSocket was cut");
                return LineEnd::CUT;
            }
            None => return LineEnd::CUT,
        }
    }
}

/// How a WebSocket ended over which nothing can be sent any more.
async fn rest(socket: &mut WebSocketStream<Wire>) -> LineEnd {
    let reading = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(frame) = message {
                return LineEnd::closed(frame.as_ref());
            }
        }
        LineEnd::CUT
    };
    tokio::time::timeout(LINGER, reading).await.unwrap_or(LineEnd::CUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_failed_does_not_say_goodbye() {
        let codes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 3000, 4999];
        let clean: Vec<u16> = codes.into_iter().filter(|code| is_farewell(*code)).collect();
        assert_eq!(clean, [1000, 1001, 1012, 1013, 3000, 4999]);
        assert!(LineEnd::closed(None).clean);
    }
}
