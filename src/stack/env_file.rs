//! Environment files as `docker` reads them: raw lines, no quotes, no variables.

use std::collections::BTreeMap;

/// The client's scanner gives up at longer lines.
const LONGEST_LINE: usize = 64 * 1024;

/// The variables of a file. A name alone takes the caller's value, or is left out.
///
/// # Errors
/// The client's reason for refusing the file.
pub(crate) fn parse(
    bytes: &[u8],
    variables: &BTreeMap<String, String>,
) -> Result<Vec<(String, Option<String>)>, String> {
    let mut pairs = Vec::new();
    let count = bytes.split(|byte| *byte == b'\n').count();
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let last = index + 1 == count;
        if raw.len() + usize::from(!last) > LONGEST_LINE || (last && raw.len() == LONGEST_LINE) {
            return Err("bufio.Scanner: token too long".into());
        }
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let Ok(line) = std::str::from_utf8(raw) else {
            return Err(format!("invalid utf8 bytes at line {}: {raw:?}", index + 1));
        };
        let line = if index == 0 { line.strip_prefix('\u{FEFF}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (line, None),
        };
        if key.is_empty() {
            return Err(format!("no variable name on line '{line}'"));
        }
        if key.contains([' ', '\t']) {
            return Err(format!("variable '{key}' contains whitespaces"));
        }
        if let Some(value) = value.or_else(|| variables.get(line).map(String::as_str)) {
            pairs.push((key.to_owned(), Some(value.to_owned())));
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let variables = BTreeMap::from([("SET".to_owned(), "v".to_owned())]);
        let text = "\u{FEFF}A=1\r\n  B = 2\n";
        assert!(parse(text.as_bytes(), &variables).is_err());
        let text = "\u{FEFF}A=1\r\n\n # no\n  B=\"x\" $Y \nSET\nUNSET\nC=a=b\nD=";
        let pairs = parse(text.as_bytes(), &variables).unwrap();
        let shown: Vec<String> = pairs
            .into_iter()
            .map(|(key, value)| format!("{key}={}", value.unwrap_or_default()))
            .collect();
        assert_eq!(shown, ["A=1", "B=\"x\" $Y ", "SET=v", "C=a=b", "D="]);
    }

    #[test]
    fn refusals() {
        let none = BTreeMap::new();
        for (text, expected) in [
            (&b"=1"[..], "no variable name on line '=1'"),
            (b"export E=1", "variable 'export E' contains whitespaces"),
            (b"A=\xFF", "invalid utf8 bytes at line 1: [65, 61, 255]"),
        ] {
            assert_eq!(parse(text, &none), Err(expected.to_owned()));
        }
        let long = format!("A={}", "x".repeat(70_000));
        assert!(parse(long.as_bytes(), &none).is_err());
    }
}
