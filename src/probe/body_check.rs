//! Comparing a body as it arrives, so that none is ever held.

use super::BodyExpect;

/// Compares the pieces of a body with what is expected.
#[derive(Debug)]
pub(super) struct BodyCheck<'a> {
    wanted: &'a [u8],
    exact: bool,
    matched: usize,
    wrong: bool,
}

impl<'a> BodyCheck<'a> {
    pub fn new(expect: &'a BodyExpect) -> Self {
        let (wanted, exact) = match expect {
            BodyExpect::Any => (&[][..], false),
            BodyExpect::Prefix(text) => (text.as_bytes(), false),
            BodyExpect::Exact(text) => (text.as_bytes(), true),
        };
        Self { wanted, exact, matched: 0, wrong: false }
    }

    /// The next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let left = &self.wanted[self.matched..];
        let common = left.len().min(piece.len());
        self.wrong |= left[..common] != piece[..common];
        self.wrong |= self.exact && piece.len() > left.len();
        self.matched += common;
    }

    /// Whether the whole body, now fed, was as expected.
    pub fn is_right(&self) -> bool {
        !self.wrong && self.matched == self.wanted.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(expect: &BodyExpect, pieces: &[&[u8]]) -> bool {
        let mut check = BodyCheck::new(expect);
        for piece in pieces {
            check.feed(piece);
        }
        check.is_right()
    }

    #[test]
    fn compares_across_pieces() {
        let exact = BodyExpect::Exact("hello".into());
        assert!(check(&exact, &[b"he", b"", b"llo"]));
        assert!(!check(&exact, &[b"hell"]));
        assert!(!check(&exact, &[b"hello", b"!"]));
        assert!(!check(&exact, &[b"help", b"o"]));
        let prefix = BodyExpect::Prefix("hello".into());
        assert!(check(&prefix, &[b"hel", b"lo there"]));
        assert!(!check(&prefix, &[b"hel"]));
        assert!(check(&BodyExpect::Any, &[b"x"]));
        assert!(check(&BodyExpect::Exact(String::new()), &[]));
        assert!(!check(&BodyExpect::Exact(String::new()), &[b"x"]));
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(wanted in "[ab]{0,6}", body in "[ab]{0,8}", cut in 0_usize..9) {
            let cut = cut.min(body.len());
            let pieces = [&body.as_bytes()[..cut], &body.as_bytes()[cut..]];
            prop_assert_eq!(check(&BodyExpect::Exact(wanted.clone()), &pieces), body == wanted);
            prop_assert_eq!(
                check(&BodyExpect::Prefix(wanted.clone()), &pieces),
                body.starts_with(&wanted)
            );
        }
    }
}
