//! What must not be shown of a container's output: the values of its environment, which may be secrets.

use serde_json::Value;

use super::services::items;

/// A value of at least so many characters is masked wherever it stands.
const ANYWHERE: usize = 8;
/// A shorter one, where it stands as a word of its own, if it has at least so many.
const AS_A_WORD: usize = 4;
/// A number of at most so many digits is a port or a count, unless its name says that it is secret.
const COUNT: usize = 5;
/// What the names of secrets have in them. The shortest of their values is masked as a word.
const SECRET: [&str; 9] =
    ["PASS", "PWD", "SECRET", "TOKEN", "KEY", "AUTH", "CREDENTIAL", "PRIVATE", "PIN"];
/// Words that tell nothing.
const PLAIN: [&str; 6] = ["true", "false", "none", "null", "root", "/root"];

/// What replaces a value.
const MASKED: &str = "…";

/// Replaces values of an environment in text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    anywhere: Vec<String>,
    words: Vec<String>,
}

impl Mask {
    /// Masks the environment of a container as the engine describes it.
    pub(super) fn of_container(container: &Value) -> Self {
        Self::of(items(&container["Config"]["Env"]).filter_map(Value::as_str))
    }

    /// Masks the values of these entries, each `NAME=VALUE`.
    pub(super) fn of<'a>(environment: impl Iterator<Item = &'a str>) -> Self {
        let mut mask = Self::default();
        for (name, value) in environment.filter_map(|entry| entry.split_once('=')) {
            let name = name.to_uppercase();
            let secret = SECRET.iter().any(|word| name.contains(word));
            // Output is looked at line by line.
            for line in value.lines().map(str::trim).filter(|line| !line.is_empty()) {
                mask.add(line, secret);
            }
        }
        // A value may contain another one.
        mask.anywhere.sort_by_key(|value| std::cmp::Reverse(value.len()));
        mask.words.sort_by_key(|value| std::cmp::Reverse(value.len()));
        mask
    }

    fn add(&mut self, value: &str, secret: bool) {
        let length = value.chars().count();
        let count = length <= COUNT && value.chars().all(|c| c.is_ascii_digit());
        let plain = count || PLAIN.contains(&value.to_lowercase().as_str());
        if length >= ANYWHERE || secret && length >= AS_A_WORD {
            self.anywhere.push(value.to_owned());
        } else if secret || length >= AS_A_WORD && !plain {
            self.words.push(value.to_owned());
        }
    }

    /// The text with every value replaced.
    #[must_use]
    pub fn apply(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for value in &self.anywhere {
            if masked.contains(value.as_str()) {
                masked = masked.replace(value.as_str(), MASKED);
            }
        }
        for word in &self.words {
            masked = replace_word(&masked, word);
        }
        masked
    }

    /// The same for text of which the engine keeps the beginning, which then ends with `...`: a value
    /// may be cut off there.
    pub(super) fn apply_to_beginning(&self, text: &str) -> String {
        let masked = self.apply(text);
        let Some(kept) = masked.strip_suffix("...") else { return masked };
        let cut_off = |value: &String| {
            let starts = value.char_indices().map(|(end, _)| &value[..end]).rev();
            starts
                .take_while(|start| start.chars().count() >= ANYWHERE)
                .find(|start| kept.ends_with(start))
                .map(str::len)
        };
        match self.anywhere.iter().filter_map(cut_off).max() {
            Some(length) => format!("{}{MASKED}", &kept[..kept.len() - length]),
            None => masked,
        }
    }
}

/// Replaces a word where no letter, digit or `_` stands next to it.
fn replace_word(text: &str, word: &str) -> String {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joined = before.chars().next_back().or_else(|| replaced.chars().next_back());
        let alone = !joined.is_some_and(inside) && !after.chars().next().is_some_and(inside);
        replaced.push_str(before);
        replaced.push_str(if alone { MASKED } else { word });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(environment: &[&str]) -> Mask {
        Mask::of(environment.iter().copied())
    }

    #[test]
    fn long_values_are_masked_wherever_they_stand() {
        let mask = mask(&["TOKEN=s3cr3t-t0ken=", "URL=http://s3cr3t-t0ken=@db", "N=true"]);
        assert_eq!(
            mask.apply("no answer from http://s3cr3t-t0ken=@db: no"),
            "no answer from …: no"
        );
        assert_eq!(mask.apply("bad xs3cr3t-t0ken=x, true"), "bad x…x, true");
        assert_eq!(mask.apply_to_beginning("x s3cr3t-t0k..."), "x …", "cut off by the engine");
        assert_eq!(mask.apply_to_beginning("x s3cr3..."), "x s3cr3...");
    }

    #[test]
    fn short_values_are_masked_as_words() {
        let mask = mask(&["USER_NAME=alice", "DB_PASSWORD=x1", "PIN=4711", "PORT=8000", "A=on"]);
        for (text, masked) in [
            ("hello alice, malice", "hello …, malice"),
            ("x1 x12 \"x1\"", "… x12 \"…\""),
            ("pin4711x", "pin…x"),
            ("listening on :8000, on", "listening on :8000, on"),
            ("alicealice alice_ (alice)", "alicealice alice_ (…)"),
            ("", ""),
        ] {
            assert_eq!(mask.apply(text), masked, "{text}");
        }
    }

    #[test]
    fn each_line_of_a_value_is_masked() {
        let mask = mask(&["PRIVATE_KEY=-----BEGIN-----\nMIIEvQIBADAN\n\nq==\n"]);
        assert_eq!(mask.apply("key: MIIEvQIBADAN q=="), "key: … …");
    }
}
