//! Underscores in numbers.

/// Whether underscores stand only where Go allows them in a number: between digits, or between
/// a base prefix and a digit.
pub(crate) fn underscores_fit(unsigned: &str) -> bool {
    let bytes = unsigned.as_bytes();
    let digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'_')
        .all(|(at, _)| digit(at.checked_sub(1)) && digit(Some(at + 1)))
}

#[cfg(test)]
mod tests {
    use super::underscores_fit;

    #[test]
    fn underscores() {
        for (text, expected) in [
            ("1_0", true),
            ("0x_1", true),
            ("10", true),
            ("_1", false),
            ("1_", false),
            ("1__0", false),
            ("1_.5", false),
        ] {
            assert_eq!(underscores_fit(text), expected, "{text}");
        }
    }
}
