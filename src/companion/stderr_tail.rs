//! The last lines that a container wrote on its standard error.

/// Bytes that are kept.
const MOST: usize = 4_096;

/// The last lines that a container wrote on its standard error, in little memory.
#[derive(Debug, Default)]
pub(super) struct StderrTail(String);

impl StderrTail {
    /// One more piece.
    pub fn add(&mut self, piece: &[u8]) {
        self.0.push_str(&String::from_utf8_lossy(piece));
        while self.0.len() > MOST {
            match self.0.find('\n') {
                Some(end) => self.0.drain(..=end),
                None => self.0.drain(..),
            };
        }
    }

    /// The lines as one.
    pub fn text(&self) -> String {
        let lines = self.0.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = StderrTail::default();
        tail.add(b"error: it ");
        tail.add(b"broke\n\n  hint: mend it\n");
        assert_eq!(tail.text(), "error: it broke; hint: mend it");
        for number in 0..10_000 {
            tail.add(format!("line {number}\n").as_bytes());
        }
        assert!(tail.0.len() <= MOST);
        assert!(tail.text().starts_with("line ") && tail.text().ends_with("line 9999"));
        tail.add(&[b'x'; 2 * MOST]);
        assert_eq!(tail.text(), "");
    }
}
