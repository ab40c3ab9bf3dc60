//! A service's attachment to a network.

use super::Texts;

/// A service's attachment to a network.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ServiceNetwork {
    pub(crate) aliases: Vec<String>,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) ipv4_address: String,
    pub(crate) ipv6_address: String,
}
