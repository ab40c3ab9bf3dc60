//! What yaml.v3 reads in another way than it looks: tags that it does not know, and documents
//! after the first one.

use super::events::{Document, Kind};
use crate::stack::warning::Warnings;

/// Warns about tags without effect, and about further documents.
pub(super) fn warn(document: &Document, warnings: &mut Warnings) {
    for raw in &document.nodes {
        let Some(tag) = raw.tag.as_deref().filter(|tag| !tag.starts_with("!!")) else { continue };
        let message = match &raw.kind {
            // yaml.v3 reads a scalar with a tag of its own as a string, even `null` and `true`.
            Kind::Scalar { text, plain } if *plain && !super::reads_as_text(text) => {
                format!("docker ignores the tag `{tag}`, and reads `{text}` as a string")
            }
            _ => format!("docker ignores the tag `{tag}`"),
        };
        match tag {
            "!reset" | "!override" => warnings.push_with(
                raw.mark,
                message,
                "only docker compose knows it: docker stack deploy merges the value as if it had no tag",
            ),
            _ => warnings.push(raw.mark, message),
        }
    }
    if let Some(mark) = document.next {
        warnings.push_with(
            mark,
            "docker reads only the first document of a file: what follows is ignored",
            "use one file for each, and name them all: -c one.yml -c two.yml",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn warnings(text: &str) -> Vec<String> {
        let mut warnings = Warnings::default();
        yaml::read(text, 0, &mut warnings).unwrap();
        warnings.finish(&[]).into_iter().map(|warning| warning.message).collect()
    }

    #[test]
    fn tags_without_effect() {
        let ignored = "docker ignores the tag `!reset`";
        for (text, expected) in [
            ("a: !reset []", ignored.to_owned()),
            ("a: !reset {b: c}", ignored.to_owned()),
            ("a: !reset\n  b: c", ignored.to_owned()),
            ("a: !reset text", ignored.to_owned()),
            ("a: !reset \"null\"", ignored.to_owned()),
            ("a: &x !reset [b]\nc: *x\nd: *x", ignored.to_owned()),
            ("a: !reset null", format!("{ignored}, and reads `null` as a string")),
            ("a: !reset", format!("{ignored}, and reads `` as a string")),
            (
                "a: !override 7",
                "docker ignores the tag `!override`, and reads `7` as a string".into(),
            ),
            ("a: !Ref b", "docker ignores the tag `!Ref`".into()),
            (
                "a: !<tag:example.com,2000:x> b",
                "docker ignores the tag `tag:example.com,2000:x`".into(),
            ),
        ] {
            assert_eq!(warnings(text), [expected], "{text}");
        }
        for text in ["a: !!str 1", "a: !!seq []", "a: ! b", "a: '!reset'", "a: \"!override x\""] {
            assert!(warnings(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn documents_after_the_first() {
        for text in ["a: b\n---\nc: d\n", "---\na: b\n---\n[\n", "a: b\n...\n---\nc: d"] {
            assert_eq!(warnings(text).len(), 1, "{text}");
        }
        for text in ["---\na: b\n", "a: b\n...\n", "a: b\n---\n", "a: b\n---\n# only a comment\n"] {
            assert!(warnings(text).is_empty(), "{text}");
        }
    }
}
