//! The streams of requests that a run can have.

use clap::ValueEnum;

/// A stream of requests that a run can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum StreamKind {
    /// Through the proxy, a new connection for each request
    ProxyFresh,
    /// Through the proxy, over kept connections
    ProxyKeepalive,
    /// Through the proxy, POST over kept connections: what a proxy does not repeat
    ProxyPost,
    /// Through the proxy, requests in flight for longer than a task takes to stop
    ProxySlow,
    /// From inside the network to the service's name, a new connection for each request
    OverlayFresh,
    /// From inside the network to the service's name, over kept connections
    OverlayKeepalive,
    /// From inside the network to each replica by itself
    EachReplica,
    /// To a target that no update touches, on the same machine and network
    Control,
}

impl StreamKind {
    /// Every kind, in the order of reports.
    pub const ALL: [Self; 8] = [
        Self::ProxyFresh,
        Self::ProxyKeepalive,
        Self::ProxyPost,
        Self::ProxySlow,
        Self::OverlayFresh,
        Self::OverlayKeepalive,
        Self::EachReplica,
        Self::Control,
    ];

    /// Its name in the record, in reports and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ProxyFresh => "proxy-fresh",
            Self::ProxyKeepalive => "proxy-keepalive",
            Self::ProxyPost => "proxy-post",
            Self::ProxySlow => "proxy-slow",
            Self::OverlayFresh => "overlay-fresh",
            Self::OverlayKeepalive => "overlay-keepalive",
            Self::EachReplica => "each-replica",
            Self::Control => "control",
        }
    }

    /// Whether it is sent from inside the stack's network, by a task of this program's own.
    #[must_use]
    pub fn is_from_inside(self) -> bool {
        matches!(self, Self::OverlayFresh | Self::OverlayKeepalive | Self::EachReplica)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_and_the_record_use_one_name() {
        for kind in StreamKind::ALL {
            assert_eq!(kind.to_possible_value().unwrap().get_name(), kind.name());
        }
        assert_eq!(StreamKind::value_variants(), StreamKind::ALL);
    }
}
