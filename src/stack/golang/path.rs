//! Go's `filepath.Clean` and `filepath.Join` on Unix: lexical, without looking at the disk.

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

/// A path below a folder, in its shortest form.
pub(crate) fn join_path(folder: &str, path: &str) -> String {
    match (folder.is_empty(), path.is_empty()) {
        (_, true) => clean_path(folder),
        (true, false) => clean_path(path),
        (false, false) => clean_path(&format!("{folder}/{path}")),
    }
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
}
