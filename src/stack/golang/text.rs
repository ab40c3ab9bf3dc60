//! Paths (`filepath.Clean` and `filepath.Join` on Unix, which never look at the disk) and commands
//! split into words.

/// The shortest form of a path.
pub(crate) fn clean_path(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(&"..") => parts.push(part),
                Some(_) => {
                    parts.pop();
                }
                None if absolute => {}
                None => parts.push(part),
            },
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// A path relative to a folder, in its shortest form.
pub(crate) fn join_path(folder: &str, path: &str) -> String {
    match (folder.is_empty(), path.is_empty()) {
        (_, true) => clean_path(folder),
        (true, false) => clean_path(path),
        (false, false) => clean_path(&format!("{folder}/{path}")),
    }
}

/// Splits a command into words as the client's `shlex` package does: with quotes, backslashes, and
/// `#` at the start of a word for a comment. Nothing is expanded.
///
/// # Errors
/// An unfinished quote or escape.
pub(crate) fn split_words(text: &str) -> Result<Vec<String>, &'static str> {
    const NO_QUOTE: &str = "EOF found when expecting closing quote";
    const NO_ESCAPED: &str = "EOF found after escape character";
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => {
                chars.by_ref().find(|c| *c == '\n');
            }
            '\\' => word.get_or_insert_default().push(chars.next().ok_or(NO_ESCAPED)?),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(NO_QUOTE)? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next().ok_or(NO_QUOTE)? {
                        '"' => break,
                        '\\' => word.push(chars.next().ok_or(NO_ESCAPED)?),
                        c => word.push(c),
                    }
                }
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shortened() {
        for (path, expected) in [
            ("/a/./b/../c/", "/a/c"),
            ("a//b", "a/b"),
            ("../../a", "../../a"),
            ("/..", "/"),
            ("a/..", "."),
            ("", "."),
        ] {
            assert_eq!(clean_path(path), expected, "{path}");
        }
        assert_eq!(join_path("/w", "./d/"), "/w/d");
        assert_eq!(join_path("/w", ""), "/w");
    }

    #[test]
    fn words() {
        for (text, expected) in [
            ("a b  c", Ok(vec!["a", "b", "c"])),
            (r#"sh -c "a \"b\" c" 'd e'"#, Ok(vec!["sh", "-c", "a \"b\" c", "d e"])),
            ("a#b #c d", Ok(vec!["a#b"])),
            ("a #c\nb", Ok(vec!["a", "b"])),
            (r"a\ b", Ok(vec!["a b"])),
            ("''", Ok(vec![""])),
            ("x''", Ok(vec!["x"])),
            ("", Ok(vec![])),
            ("'a", Err("EOF found when expecting closing quote")),
            ("\"a", Err("EOF found when expecting closing quote")),
            ("a\\", Err("EOF found after escape character")),
        ] {
            let expected = expected
                .map(|words: Vec<&str>| words.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(split_words(text), expected, "{text}");
        }
    }
}
