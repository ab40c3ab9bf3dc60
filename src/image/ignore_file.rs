//! A `.dockerignore` file.

use std::path::Path;

use super::ignore_pattern::IgnorePattern;
use crate::{Error, Place, Result};

/// What a `.dockerignore` file leaves out of a build context.
#[derive(Debug, Clone, Default)]
pub struct IgnoreFile {
    patterns: Vec<IgnorePattern>,
}

impl IgnoreFile {
    /// Reads the text of the file, which `file` names in errors.
    ///
    /// # Errors
    /// A pattern that Docker refuses too, with its place.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let mut patterns = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            // A comment begins in the first column, before any space is taken away.
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            patterns.push(IgnorePattern::parse(line).map_err(|why| {
                let indent = line.chars().take_while(|next| next.is_whitespace()).count();
                Error::usage(format!("a pattern that Docker does not understand: {why}")).at(
                    Place {
                        file: file.to_owned(),
                        line: index + 1,
                        column: indent + 1,
                        text: line.to_owned(),
                    },
                )
            })?);
        }
        Ok(Self { patterns })
    }

    /// Whether `path` (relative to the context, with slashes) is left out: the last pattern that
    /// matches it or a folder above it decides.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let matches = |pattern: &IgnorePattern| {
            let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            pattern.matches(path) || folders.any(|folder| pattern.matches(folder))
        };
        let last = self.patterns.iter().rev().find(|pattern| matches(pattern));
        last.is_some_and(|pattern| !pattern.takes_back)
    }

    /// Whether something in a folder that is left out may be taken back in.
    #[must_use]
    pub fn takes_back(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.takes_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored<'a>(text: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let file = IgnoreFile::parse(Path::new(".dockerignore"), text).unwrap();
        paths.iter().copied().filter(|path| file.ignores(path)).collect()
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let paths = ["README.md", "README-secret.md", "README-x.md", "notes.md", "a/b.md"];
        assert_eq!(
            ignored("*.md\n!README*.md\nREADME-secret.md", &paths),
            ["README-secret.md", "notes.md"]
        );
        assert_eq!(ignored("*.md\nREADME-secret.md\n!README*.md", &paths), ["notes.md"]);
    }

    #[test]
    fn what_is_in_an_ignored_folder_is_ignored_until_taken_back() {
        let paths = ["a", "a/b", "a/b/c", "a/keep", "b/a"];
        assert_eq!(ignored("a", &paths), ["a", "a/b", "a/b/c", "a/keep"]);
        assert_eq!(ignored("a\n!a/keep", &paths), ["a", "a/b", "a/b/c"]);
        assert_eq!(ignored("a\n!**/c", &paths), ["a", "a/b", "a/keep"]);
        assert_eq!(ignored("*\n!b", &paths), ["a", "a/b", "a/b/c", "a/keep"]);
    }

    #[test]
    fn comments_spaces_and_line_ends_are_as_docker_reads_them() {
        let text = "\u{feff}# all\r\n\r\n  a \r\n # b\r\n! c\r\n";
        assert_eq!(ignored(text, &["a", "b", "# b", "c"]), ["a", "# b"]);
    }

    #[test]
    fn a_broken_pattern_is_shown_in_its_place() {
        let error = IgnoreFile::parse(Path::new("x/.dockerignore"), "a\n  [b\n").unwrap_err();
        let place = error.place().unwrap();
        assert_eq!(place.to_string(), "x/.dockerignore:2:3");
        assert_eq!(place.text, "  [b");
    }
}
