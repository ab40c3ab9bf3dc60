//! Which replicas and which requests a fault applies to. Decisions are a function of a seed and of
//! what is decided on, so that a run can be repeated.

use std::ops::RangeInclusive;

/// A probability with a seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chance {
    /// From 0 (never) to 1 (always).
    pub probability: f64,
    /// Another seed decides differently.
    pub seed: u64,
}

impl Chance {
    /// Everything is hit.
    pub const ALWAYS: Self = Self { probability: 1.0, seed: 0 };

    /// Whether this replica or request is hit.
    pub fn hits(self, what: &[u8]) -> bool {
        // The upper 53 bits: as many as a number between 0 and 1 can hold exactly.
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let drawn = (mixed(self.seed, what) >> 11) as f64 / (1_u64 << 53) as f64;
        drawn < self.probability
    }
}

/// Which replicas have faults: those that are in `slots` and hit by `chance`.
#[derive(Debug)]
pub struct Replicas {
    /// Slots, or none if every slot may be hit.
    pub slots: Option<Vec<RangeInclusive<u32>>>,
    /// The share of those that are hit.
    pub chance: Chance,
}

impl Replicas {
    /// Whether the replica in `slot` is one of them. Without a slot, its host name decides.
    ///
    /// # Errors
    /// If slots are chosen and the replica does not know its own.
    pub fn include(&self, slot: Option<&str>, host: &str) -> Result<bool, String> {
        if let Some(chosen) = &self.slots {
            let slot = slot.ok_or(
                "ROLLPROOF_FAULT_SLOTS needs ROLLPROOF_SLOT, in a stack: \"{{.Task.Slot}}\"",
            )?;
            let number: u32 =
                slot.parse().map_err(|_| format!("ROLLPROOF_SLOT={slot}: expected a number"))?;
            if !chosen.iter().any(|range| range.contains(&number)) {
                return Ok(false);
            }
        }
        Ok(self.chance.hits(slot.unwrap_or(host).as_bytes()))
    }
}

/// 64 evenly spread bits: FNV-1a over the bytes, then the finaliser of `SplitMix64`
/// (<https://prng.di.unimi.it/splitmix64.c>), without which short inputs differ in few bits.
fn mixed(seed: u64, what: &[u8]) -> u64 {
    let start = 0xcbf2_9ce4_8422_2325_u64;
    let bytes = seed.to_le_bytes();
    let hash = bytes
        .iter()
        .chain(what)
        .fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
