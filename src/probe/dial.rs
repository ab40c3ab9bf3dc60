//! Opening a TCP connection.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream as Socket};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with, sockopt};
use tokio::net::TcpStream;

/// Opens a connection. On one machine, containers and their bridges included, the handshake is
/// over when the first `connect` returns, though that never says so: asking again tells it, and
/// spares the way through the event loop.
///
/// # Errors
/// Those of the operating system, as they are.
pub(super) async fn dial(
    address: SocketAddr,
    source: Option<IpAddr>,
    no_delay: bool,
) -> io::Result<TcpStream> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(family, SocketType::STREAM, flags, None)?;
    if no_delay {
        sockopt::set_tcp_nodelay(&socket, true)?;
    }
    if let Some(source) = source {
        bind(&socket, &SocketAddr::new(source, 0))?;
    }
    let stands = match connect(&socket, &address) {
        Ok(()) => true,
        Err(Errno::INPROGRESS) => match connect(&socket, &address) {
            Ok(()) => true,
            Err(Errno::ALREADY) => false,
            Err(error) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    let stream = TcpStream::from_std(Socket::from(socket))?;
    if !stands {
        stream.writable().await?;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
    }
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn tells_a_connection_from_a_refusal() {
        for (host, source) in [("127.0.0.1:0", Some([127, 0, 0, 9].into())), ("[::1]:0", None)] {
            let listener = TcpListener::bind(host).unwrap();
            let address = listener.local_addr().unwrap();
            let stream = dial(address, source, true).await.unwrap();
            assert!(stream.nodelay().unwrap());
            let (_, peer) = listener.accept().unwrap();
            assert_eq!(peer, stream.local_addr().unwrap());
            assert!(source.is_none_or(|source| peer.ip() == source));
            drop(listener);
            let error = dial(address, source, false).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        }
    }
}
