//! The parser's events as a tree with its aliases and tags still in place.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::dialect::{Layout, Repaired, check_anchor, check_escapes, flow_text};
use crate::stack::diagnostic::Mark;
use crate::stack::fault::Fault;

/// The prefix of YAML's own tags.
const CORE: &str = "tag:yaml.org,2002:";

/// The nodes of one document. The top node is the first; children come after their parents.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) nodes: Vec<Raw>,
    /// Where another document begins that is not empty.
    pub(super) next: Option<Mark>,
}

/// A node as written.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) kind: Kind,
    pub(super) mark: Mark,
    /// The explicit tag; YAML's own tags are in the short form (`!!str`).
    pub(super) tag: Option<String>,
}

/// The kind of node; children are indices into the document.
#[derive(Debug)]
pub(super) enum Kind {
    Scalar {
        text: Arc<str>,
        plain: bool,
    },
    List(Vec<usize>),
    /// Keys and values, alternating.
    Map(Vec<usize>),
    /// The target may contain the alias itself.
    Alias {
        target: usize,
    },
}

/// The most lines to repair.
const MOST_REPAIRS: usize = 200;

/// Reads the first document; `None` if there is none.
pub(super) fn read(text: &str, file: u32) -> Result<Option<Document>, Fault> {
    let mut repaired = Repaired::new(text);
    for _ in 0..MOST_REPAIRS {
        match attempt(&repaired, file) {
            Ok(document) => return Ok(document),
            Err(Failure::Fault(fault)) => return Err(fault),
            Err(Failure::Parser(fault, error)) => {
                repaired = repaired.repair(&error).ok_or(fault)?;
            }
        }
    }
    Err(Fault::at(mark_of(1, 0, file), "yaml: too many lines with unusual indentation"))
}

/// Why reading failed.
enum Failure {
    /// The client refuses it too.
    Fault(Fault),
    /// The parser refuses it.
    Parser(Fault, Box<ScanError>),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

fn attempt(source: &Repaired<'_>, file: u32) -> Result<Option<Document>, Failure> {
    let (text, original) = (&*source.text, &*source.original);
    let mut reader = Reader { text, file, ..Reader::default() };
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    let mut parser = Parser::new_from_str_with_options(text, options);
    while let Some(item) = parser.next() {
        let (event, span) = item.map_err(|error| {
            let mark = mark_of(error.marker().line(), error.marker().col(), file);
            let fault = Fault::at(mark, format!("yaml: {}", error.info()));
            Failure::Parser(fault, Box::new(error))
        })?;
        match event {
            Event::DocumentEnd => {
                let end = span.end.index();
                allowed(original, end, file)?;
                reader.layout.check(original, end, file)?;
                reader.document.next = next_document(&mut parser, file);
                return Ok(Some(reader.document));
            }
            Event::StreamEnd => break,
            event => reader.event(event, &span)?,
        }
    }
    Ok(None)
}

/// Where the next document begins, unless it is empty. What is wrong with it does not matter, as
/// nobody reads it.
fn next_document<'a>(
    parser: &mut impl Iterator<Item = Result<(Event<'a>, Span), ScanError>>,
    file: u32,
) -> Option<Mark> {
    let Some(Ok((Event::DocumentStart(..), span))) = parser.next() else { return None };
    match parser.next() {
        Some(Ok((Event::Scalar(..), written))) if written.is_empty() => None,
        Some(Ok((Event::DocumentEnd | Event::StreamEnd, _))) | None => None,
        _ => Some(mark_of(span.start.line(), span.start.col(), file)),
    }
}

#[derive(Default)]
struct Reader<'a> {
    text: &'a str,
    file: u32,
    document: Document,
    layout: Layout,
    /// Nodes by the parser's number for their anchor.
    anchors: HashMap<usize, usize>,
    /// Collections that are still open, and whether they are flow collections.
    open: Vec<(usize, bool)>,
}

impl Reader<'_> {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fault> {
        let mark = mark_of(span.start.line(), span.start.col(), self.file);
        let (start, end) = (span.start.index(), span.end.index());
        match event {
            Event::DocumentStart(_, Some(version)) if (version.major, version.minor) != (1, 1) => {
                return Err(Fault::at(mark, "yaml: found incompatible YAML document"));
            }
            Event::Scalar(text, style, anchor, tag) => {
                if style == ScalarStyle::DoubleQuoted {
                    check_escapes(span.slice(self.text).unwrap_or_default(), mark)?;
                }
                let plain = style == ScalarStyle::Plain;
                let text = if plain { self.flow_text(text, span, mark)? } else { text };
                self.layout.scalar(start, end, plain && !self.expects_key());
                self.add(
                    Kind::Scalar { text: Arc::from(&*text), plain },
                    anchor,
                    tag.as_deref(),
                    mark,
                );
            }
            Event::Anchor(_, name) => check_anchor(&name, mark)?,
            Event::Alias(anchor) => {
                let Some(target) = self.anchors.get(&anchor).copied() else {
                    return Err(Fault::at(mark, "yaml: unknown anchor referenced"));
                };
                self.layout.scalar(start, end, false);
                self.add(Kind::Alias { target }, 0, None, mark);
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::List(Vec::new());
                self.start(kind, style, anchor, tag.as_deref(), span);
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Map(Vec::new());
                self.start(kind, style, anchor, tag.as_deref(), span);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some((index, flow)) = self.open.pop() {
                    self.layout.close(flow, end);
                    if self.in_flow() {
                        self.undo_pair(index);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn start(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: &Span,
    ) {
        let flow = style == StructureStyle::Flow;
        self.layout.open(flow, span.start.index(), span.start.col());
        let mark = mark_of(span.start.line(), span.start.col(), self.file);
        let index = self.add(kind, anchor, tag, mark);
        self.open.push((index, flow));
    }

    fn flow_text<'t>(
        &self,
        text: Cow<'t, str>,
        span: &Span,
        mark: Mark,
    ) -> Result<Cow<'t, str>, Fault> {
        // A scalar that is not written, such as the value in `{a:}`, has an empty span.
        if span.is_empty() || !self.in_flow() {
            return Ok(text);
        }
        let after = span.end.byte_offset().and_then(|at| self.text.get(at..)).unwrap_or_default();
        flow_text(text, after, self.expects_key()).ok_or_else(|| {
            Fault::at(mark, "yaml: did not find expected ',' or closing bracket")
                .hint("quote strings that contain a colon or a question mark")
        })
    }

    fn in_flow(&self) -> bool {
        self.open.last().is_some_and(|(_, flow)| *flow)
    }

    /// `[a:]` is a list of one string for yaml.v3, and a list of one mapping for the parser.
    fn undo_pair(&mut self, index: usize) {
        let Some(Raw { kind: Kind::Map(children), mark, .. }) = self.document.nodes.get(index)
        else {
            return;
        };
        let &[key, _] = children.as_slice() else { return };
        let Some(Raw { kind: Kind::Scalar { text, plain: true }, mark: at, .. }) =
            self.document.nodes.get(key)
        else {
            return;
        };
        // A mapping in braces begins before its first key.
        if text.ends_with(':') && at == mark {
            let kind = Kind::Scalar { text: text.clone(), plain: true };
            self.document.nodes[index].kind = kind;
        }
    }

    /// Adds a node to the innermost open collection.
    fn add(&mut self, kind: Kind, anchor: usize, tag: Option<&Tag>, mark: Mark) -> usize {
        let index = self.document.nodes.len();
        let parent = self.open.last().and_then(|(at, _)| self.document.nodes.get_mut(*at));
        if let Some(Raw { kind: Kind::List(children) | Kind::Map(children), .. }) = parent {
            children.push(index);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, index);
        }
        self.document.nodes.push(Raw { kind, mark, tag: tag.and_then(short) });
        index
    }

    /// Whether the next node is a key.
    fn expects_key(&self) -> bool {
        let parent = self.open.last().and_then(|(at, _)| self.document.nodes.get(*at));
        matches!(parent, Some(Raw { kind: Kind::Map(children), .. }) if children.len() % 2 == 0)
    }
}

/// The tag in the form that yaml.v3 compares; `None` for the non-specific `!`.
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

/// Refuses characters that libyaml's reader refuses, in the part of the file that was read.
fn allowed(text: &str, end: usize, file: u32) -> Result<(), Fault> {
    let (mut line, mut column) = (1, 1);
    for (index, c) in text.chars().enumerate() {
        if index >= end {
            break;
        }
        let passes = matches!(c,
            '\t' | '\n' | '\r' | '\u{20}'..='\u{7E}' | '\u{85}' | '\u{A0}'..='\u{D7FF}'
            | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
        if !passes {
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
