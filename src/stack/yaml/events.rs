//! The parser's events as a tree that still has its aliases and tags.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::stack::fault::Fault;
use crate::stack::mark::Mark;

/// Prefix of YAML's own tags.
const CORE: &str = "tag:yaml.org,2002:";

/// The nodes of one document; children come after their parents, the top is the first.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) nodes: Vec<Raw>,
}

/// A node as written.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    /// The explicit tag, short for YAML's own ones (`!!str`).
    pub(super) tag: Option<String>,
}

/// What sort of node; children are indices into the document.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar {
        text: Arc<str>,
        plain: bool,
    },
    List(Vec<usize>),
    /// Keys and values in turn.
    Map(Vec<usize>),
    /// The name is for the comparison of keys; the target may contain the alias itself.
    Alias {
        target: usize,
    },
}

/// Reads the first document; nothing if there is none.
pub(super) fn read(text: &str, file: u32) -> Result<Option<Document>, Fault> {
    let mut document = Document::default();
    let mut anchors: HashMap<usize, usize> = HashMap::new();
    let mut open: Vec<usize> = Vec::new();
    for item in Parser::new_from_str(text) {
        let (event, span) = item.map_err(|error| {
            let mark = mark_of(error.marker().line(), error.marker().col(), file);
            Fault::at(mark, format!("yaml: {}", error.info()))
        })?;
        let mark = mark_of(span.start.line(), span.start.col(), file);
        let (kind, anchor, tag) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                (Kind::Scalar { text: Arc::from(&*text), plain }, anchor, tag)
            }
            Event::SequenceStart(_, anchor, tag) => (Kind::List(Vec::new()), anchor, tag),
            Event::MappingStart(_, anchor, tag) => (Kind::Map(Vec::new()), anchor, tag),
            Event::Alias(anchor) => {
                let Some(target) = anchors.get(&anchor) else {
                    return Err(Fault::at(mark, "yaml: unknown anchor referenced"));
                };
                (Kind::Alias { target: *target }, 0, None)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
                continue;
            }
            Event::DocumentEnd => {
                allowed(text, &span, file)?;
                return Ok(Some(document));
            }
            Event::StreamEnd => break,
            _ => continue,
        };
        let index = document.nodes.len();
        if let Some(parent) = open.last().and_then(|parent| document.nodes.get_mut(*parent)) {
            match &mut parent.kind {
                Kind::List(children) | Kind::Map(children) => children.push(index),
                Kind::Scalar { .. } | Kind::Alias { .. } => {}
            }
        }
        if anchor != 0 {
            anchors.insert(anchor, index);
        }
        if matches!(kind, Kind::List(_) | Kind::Map(_)) {
            open.push(index);
        }
        document.nodes.push(Raw { kind, mark, tag: tag.as_deref().and_then(short) });
    }
    Ok(None)
}

/// The tag in the form yaml.v3 compares; none for the non-specific `!`.
fn short(tag: &Tag) -> Option<String> {
    let full = format!("{}{}", tag.handle(), tag.suffix());
    if full == "!" || full.is_empty() {
        return None;
    }
    Some(match full.strip_prefix(CORE) {
        Some(name) => format!("!!{name}"),
        None => full,
    })
}

/// Characters that libyaml's reader refuses, in the part of the file that was read.
fn allowed(text: &str, end: &Span, file: u32) -> Result<(), Fault> {
    let (mut line, mut column) = (1, 1);
    for (index, c) in text.chars().enumerate() {
        if index >= end.end.index() {
            break;
        }
        let fine = matches!(c,
            '\t' | '\n' | '\r' | '\u{20}'..='\u{7E}' | '\u{85}' | '\u{A0}'..='\u{D7FF}'
            | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
        if !fine {
            return Err(Fault::at(
                Mark { file, line, column },
                "yaml: control characters are not allowed",
            ));
        }
        if c == '\n' {
            (line, column) = (line + 1, 1);
        } else {
            column += 1;
        }
    }
    Ok(())
}

fn mark_of(line: usize, column: usize, file: u32) -> Mark {
    let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Mark { file, line: clip(line), column: clip(column).saturating_add(1) }
}
