//! The beginning of a response's body, for people.

use crate::wording::{clean, cut};

/// How much of a body is shown, in characters.
const SHOWN: usize = 80;
/// How much of it is kept for that, in bytes.
const KEPT: usize = 4 * SHOWN;

/// Keeps the beginning of a body that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Beginning(Vec<u8>);

impl Beginning {
    /// The next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let room = KEPT.saturating_sub(self.0.len()).min(piece.len());
        self.0.extend_from_slice(&piece[..room]);
    }

    /// It on one line, without control characters; empty if there was none.
    pub fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let words: Vec<&str> = text.split_whitespace().collect();
        cut(&clean(&words.join(" ")), SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_one_short_line() {
        let mut beginning = Beginning::default();
        assert_eq!(beginning.text(), "");
        beginning.feed(b"<h1>Not\n  fou");
        beginning.feed(b"nd</h1>\x1b[2J\xff");
        assert_eq!(beginning.text(), "<h1>Not found</h1> [2J\u{fffd}");
        for _ in 0..100 {
            beginning.feed(&[b'x'; 1_000]);
        }
        assert_eq!(beginning.0.len(), KEPT);
        assert!(beginning.text().chars().count() <= SHOWN);
    }
}
