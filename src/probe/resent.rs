//! Packets that the kernel had to send again.

use std::os::fd::AsFd;

use nix::sys::socket::GetSockOpt;
use nix::{getsockopt_impl, sockopt_impl};

sockopt_impl!(
    /// The kernel's facts about a TCP connection (tcp(7)).
    TcpInfo, GetOnly, libc::IPPROTO_TCP, libc::TCP_INFO, libc::tcp_info
);

/// How many segments of a connection the kernel has sent again, the SYN included: the network, or
/// the peer's full queue, lost them.
pub(super) fn resent(socket: &impl AsFd) -> u32 {
    TcpInfo.get(socket).map_or(0, |info| info.tcpi_total_retrans)
}
