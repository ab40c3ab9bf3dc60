//! Addresses of replicas: loopback addresses that no other simulated engine of this machine uses.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpListener};

use super::ids::Ids;
use crate::error::{Error, Result};

/// Who listens on this port of a block's first address has the block.
const CLAIM: u16 = 47_811;
/// The most blocks of 254 addresses.
const BLOCKS: usize = 64;

/// Loopback addresses. On Linux every address in 127.0.0.0/8 is this machine; elsewhere only
/// 127.0.0.1 is, which all replicas then share.
#[derive(Debug)]
pub(super) struct Addresses {
    free: VecDeque<Ipv4Addr>,
    /// Held as long as the addresses are used.
    claims: Vec<TcpListener>,
    own: Ipv4Addr,
}

impl Addresses {
    /// Claims a block. The first address is the engine's own.
    pub(super) fn claim(ids: &mut Ids) -> Result<Self> {
        let mut addresses =
            Self { free: VecDeque::new(), claims: Vec::new(), own: Ipv4Addr::LOCALHOST };
        if cfg!(target_os = "linux") {
            addresses.own = addresses.claim_block(ids).ok_or_else(|| {
                Error::environment("no block of loopback addresses is free")
                    .hint("a simulated engine needs 127.0.0.0/8 on the interface lo")
            })?;
        }
        Ok(addresses)
    }

    fn claim_block(&mut self, ids: &mut Ids) -> Option<Ipv4Addr> {
        for _ in 0..64 {
            let (a, b) = (ids.below(200), ids.below(250));
            let [a, b] = [u8::try_from(a + 20).ok()?, u8::try_from(b + 1).ok()?];
            let first = Ipv4Addr::new(127, a, b, 1);
            if let Ok(claim) = TcpListener::bind((first, CLAIM)) {
                self.claims.push(claim);
                self.free.extend((2..=254).map(|last| Ipv4Addr::new(127, a, b, last)));
                return Some(first);
            }
        }
        None
    }

    /// The address of the engine, where published ports are open.
    pub(super) fn own(&self) -> Ipv4Addr {
        self.own
    }

    /// An address for a replica or a service.
    pub(super) fn take(&mut self, ids: &mut Ids) -> Ipv4Addr {
        if self.own == Ipv4Addr::LOCALHOST {
            return self.own;
        }
        // The one that was free the longest: somebody may still ask the last replica that had it.
        if self.free.len() < 32 && self.claims.len() < BLOCKS {
            self.claim_block(ids);
        }
        self.free.pop_front().unwrap_or(self.own)
    }

    /// An address is not used any more.
    pub(super) fn give_back(&mut self, address: Ipv4Addr) {
        if address != self.own {
            self.free.push_back(address);
        }
    }
}
