//! Who sent requests to a task after its signal.

/// Who sent requests to a task that had got its stop signal or was gone. Swarm takes a task out
/// of its DNS and its virtual address two seconds before the signal, so whoever still asks it
/// has kept something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A proxy: that has connections of its own, too.
    Proxy,
    /// A client without a proxy.
    Client,
    /// Some of each.
    Either,
}

impl Holder {
    /// The two together.
    pub(super) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Either }
    }

    /// As it continues a cause's sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Proxy => ", by a proxy that still held its address or a connection to it",
            Self::Client => ", by a client that still held its address",
            Self::Either => ", by a client or proxy that still held its address",
        }
    }
}
