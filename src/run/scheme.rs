//! Whether an address is asked in TLS, and where that is usual.

use crate::stack::PublishedPort;

/// Whether an address is asked in TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Without TLS.
    Http,
    /// In TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
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
