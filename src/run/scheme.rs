//! What an address is asked in, and where that is usual.

use crate::stack::PublishedPort;

/// What an address is asked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// In TLS.
    Https,
    /// With bytes of the user's.
    Tcp,
    /// As a WebSocket.
    Ws,
    /// The same in TLS.
    Wss,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Http, Self::Https, Self::Tcp, Self::Ws, Self::Wss];

    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Ws => "ws",
            Self::Wss => "wss",
        }
    }

    /// What is usual at this port.
    pub(super) fn of(port: &PublishedPort) -> Self {
        match port.published.map(Self::of_number) {
            Some(Self::Https) => Self::Https,
            _ => Self::of_number(port.target),
        }
    }

    /// What is usual at a port of this number.
    pub(super) fn of_number(number: u16) -> Self {
        if matches!(number, 443 | 8443) { Self::Https } else { Self::Http }
    }
}
