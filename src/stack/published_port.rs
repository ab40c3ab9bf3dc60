//! A published port of a service.

/// A published port of a service, with the engine's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPort {
    /// Port in the container.
    pub target: u16,
    /// Port on the node; absent if the engine chooses one.
    pub published: Option<u16>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// `ingress` or `host`.
    pub mode: String,
}
