//! How a request ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a request ended. Everything except [`Outcome::Ok`] and [`Outcome::Unsent`] is a failure
/// that a user would have noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The expected response, complete and within the deadline.
    Ok,
    /// The expected response, but after the deadline.
    Late,
    /// The name could not be resolved.
    NameLookup,
    /// Connection refused.
    Refused,
    /// No route to the host or network.
    NoRoute,
    /// No connection within the time limit.
    ConnectTimeout,
    /// The server's certificate is for another name.
    #[serde(rename = "tls-wrong-name")]
    TlsName,
    /// The server's certificate was not issued by a trusted authority.
    TlsUntrusted,
    /// The server's certificate has expired, or is not valid yet.
    TlsExpired,
    /// The TLS handshake broke off, or one side refused the other.
    TlsHandshake,
    /// The server ended the HTTP/2 connection with GOAWAY and did not process the request.
    GoAway,
    /// The server reset the request's HTTP/2 stream.
    StreamReset,
    /// Connected, then closed or reset before the first byte of the response.
    Reset,
    /// The response broke off in its headers or body, or a held connection was cut.
    Cut,
    /// A held connection was closed by the server, and no other was open in time.
    Closed,
    /// Connected, but the response was not complete within the time limit.
    Timeout,
    /// Status 502 from the proxy.
    Proxy502,
    /// Status 503 from the proxy.
    Proxy503,
    /// Status 504 from the proxy.
    Proxy504,
    /// A 5xx status from the application.
    AppError,
    /// An unexpected status.
    WrongStatus,
    /// An unexpected body.
    WrongBody,
    /// A response without an expected header.
    WrongHeader,
    /// A response from a version that should not be serving.
    WrongVersion,
    /// Never sent: too many requests were in flight, or this machine lacked a socket or processor
    /// time for it. Not a failure of the service, but a gap in the measurement.
    Unsent,
}

impl Outcome {
    /// Every outcome, in order.
    pub const ALL: [Self; 25] = [
        Self::Ok,
        Self::Late,
        Self::NameLookup,
        Self::Refused,
        Self::NoRoute,
        Self::ConnectTimeout,
        Self::TlsName,
        Self::TlsUntrusted,
        Self::TlsExpired,
        Self::TlsHandshake,
        Self::GoAway,
        Self::StreamReset,
        Self::Reset,
        Self::Cut,
        Self::Closed,
        Self::Timeout,
        Self::Proxy502,
        Self::Proxy503,
        Self::Proxy504,
        Self::AppError,
        Self::WrongStatus,
        Self::WrongBody,
        Self::WrongHeader,
        Self::WrongVersion,
        Self::Unsent,
    ];

    /// Whether a user would have noticed a failure.
    #[must_use]
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Ok | Self::Unsent)
    }

    /// What happened, after "because" or on its own.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "the expected response came in time",
            Self::Late => "the response came too late",
            Self::NameLookup => "the name was not resolved",
            Self::Refused => "the connection was refused",
            Self::NoRoute => "there is no route to the host",
            Self::ConnectTimeout => "no connection was made in time",
            Self::TlsName => "the certificate is for another name",
            Self::TlsUntrusted => "the certificate was not issued by a trusted authority",
            Self::TlsExpired => "the certificate has expired or is not valid yet",
            Self::TlsHandshake => "the TLS handshake broke off or was refused",
            Self::GoAway => "the server ended the HTTP/2 connection with GOAWAY",
            Self::StreamReset => "the server reset the HTTP/2 stream",
            Self::Reset => "the connection was closed or reset before any response",
            Self::Cut => "the response broke off, or was not HTTP",
            Self::Closed => "the server closed the connection, and no other was open in time",
            Self::Timeout => "no complete response came in time",
            Self::Proxy502 | Self::Proxy503 | Self::Proxy504 => "the proxy found no replica",
            Self::AppError => "the application failed",
            Self::WrongStatus => "the response had another status",
            Self::WrongBody => "the response had another body",
            Self::WrongHeader => "the response lacked a header",
            Self::WrongVersion => "another version answered",
            Self::Unsent => "the request was not sent",
        }
    }

    /// The word used in records and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Late => "late",
            Self::NameLookup => "name-lookup",
            Self::Refused => "refused",
            Self::NoRoute => "no-route",
            Self::ConnectTimeout => "connect-timeout",
            Self::TlsName => "tls-wrong-name",
            Self::TlsUntrusted => "tls-untrusted",
            Self::TlsExpired => "tls-expired",
            Self::TlsHandshake => "tls-handshake",
            Self::GoAway => "go-away",
            Self::StreamReset => "stream-reset",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Proxy502 => "proxy502",
            Self::Proxy503 => "proxy503",
            Self::Proxy504 => "proxy504",
            Self::AppError => "app-error",
            Self::WrongStatus => "wrong-status",
            Self::WrongBody => "wrong-body",
            Self::WrongHeader => "wrong-header",
            Self::WrongVersion => "wrong-version",
            Self::Unsent => "unsent",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
