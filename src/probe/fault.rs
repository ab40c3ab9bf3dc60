//! Which outcome an operating system's error is.

use std::io;

use nix::errno::Errno;

use crate::record::Outcome;

/// How an attempt to connect failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectFault {
    /// The path or the server did not want us.
    Outcome(Outcome),
    /// This machine had no descriptor, port or memory for a socket: nothing was sent, and it
    /// says nothing about the service.
    NoSocket,
}

impl ConnectFault {
    pub fn of(error: &io::Error) -> Self {
        let Some(errno) = error.raw_os_error().map(Errno::from_raw) else {
            return Self::Outcome(Outcome::NoRoute);
        };
        Self::Outcome(match errno {
            Errno::EMFILE
            | Errno::ENFILE
            | Errno::ENOBUFS
            | Errno::ENOMEM
            | Errno::EADDRNOTAVAIL
            | Errno::EADDRINUSE => return Self::NoSocket,
            Errno::ECONNREFUSED => Outcome::Refused,
            Errno::ETIMEDOUT => Outcome::ConnectTimeout,
            // The connection stood, and was reset before its first use.
            Errno::ECONNRESET | Errno::ECONNABORTED | Errno::EPIPE | Errno::ENOTCONN => {
                Outcome::Reset
            }
            // EHOSTUNREACH, ENETUNREACH, ENETDOWN; a firewall's EPERM, EACCES; a family the
            // machine does not have.
            _ => Outcome::NoRoute,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_network_from_this_machine() {
        let of = |errno: Errno| ConnectFault::of(&io::Error::from_raw_os_error(errno as i32));
        assert_eq!(of(Errno::ECONNREFUSED), ConnectFault::Outcome(Outcome::Refused));
        assert_eq!(of(Errno::EHOSTUNREACH), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::ENETUNREACH), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::EPERM), ConnectFault::Outcome(Outcome::NoRoute));
        assert_eq!(of(Errno::ETIMEDOUT), ConnectFault::Outcome(Outcome::ConnectTimeout));
        assert_eq!(of(Errno::ECONNRESET), ConnectFault::Outcome(Outcome::Reset));
        assert_eq!(of(Errno::EMFILE), ConnectFault::NoSocket);
        assert_eq!(of(Errno::EADDRNOTAVAIL), ConnectFault::NoSocket);
    }
}
