//! Ids as an engine makes them.

use std::io::Read as _;

use sha2::{Digest as _, Sha256};

/// The digits of a swarm's ids.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// The length of a swarm's ids.
const LENGTH: usize = 25;

/// Makes ids that no other engine makes.
#[derive(Debug)]
pub(super) struct Ids {
    seed: [u8; 16],
    made: u64,
}

impl Ids {
    pub(super) fn new() -> Self {
        let mut seed = [0; 16];
        // Without the system's random numbers, the process and the time have to do.
        let random =
            std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
        if random.is_err() {
            let now = jiff::Timestamp::now().as_nanosecond();
            seed = (now ^ (i128::from(std::process::id()) << 64)).to_le_bytes();
        }
        Self { seed, made: 0 }
    }

    fn next(&mut self) -> [u8; 32] {
        self.made += 1;
        Sha256::new()
            .chain_update(self.seed)
            .chain_update(self.made.to_le_bytes())
            .finalize()
            .into()
    }

    /// The id of a service, a task, a node, a network: 25 letters and digits.
    pub(super) fn swarm(&mut self) -> String {
        let digest = self.next();
        digest.iter().take(LENGTH).map(|byte| char::from(DIGITS[usize::from(*byte) % 36])).collect()
    }

    /// The id of a container: 64 hexadecimal digits.
    pub(super) fn container(&mut self) -> String {
        hex::encode(self.next())
    }

    /// A number below `most`.
    pub(super) fn below(&mut self, most: u16) -> u16 {
        let digest = self.next();
        u16::from_be_bytes([digest[0], digest[1]]) % most.max(1)
    }
}
