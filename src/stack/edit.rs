//! Settings of a service written into its stack files, whose comments and layout stay.
//!
//! A value that is there is replaced where it stands; what is missing is added to the block it
//! belongs to. The result is read again: if anything but the service changed, nothing is written.

use std::collections::BTreeMap;

use super::diagnostic::SourceText;
use super::{Paste, Sources, Stack, load};
use crate::{Error, Place, Result};

/// Stack files with other settings. Nothing is written yet.
#[derive(Debug, Clone)]
pub struct Edited {
    /// The files that change: their names, the texts that were read and the new ones.
    pub files: Vec<(String, [String; 2])>,
    /// The stack that they make.
    pub stack: Stack,
}

/// Puts settings of a service into its stack files.
///
/// # Errors
/// Files that cannot be read, and settings that cannot be placed safely: a value from a variable,
/// an anchor or a block that other services share.
pub fn edit(sources: &Sources, service: &str, settings: &[Paste]) -> Result<Edited> {
    let (names, before) = load::read(sources)?;
    let stack = load::parse_texts(sources, &names, before.clone())?;
    let mut texts = before.clone();
    for setting in settings {
        // Lines move with each setting, so places are looked up again.
        let now = load::parse_texts(sources, &names, texts.clone())?;
        let places = now.setting_places(service);
        let change = change(&places, &texts, setting).map_err(|why| refuse(why, settings))?;
        change.apply(&mut texts);
    }
    let edited = load::parse_texts(sources, &names, texts.clone())
        .map_err(|error| refuse(Refusal::new(error.with_cause()), settings))?;
    if others(&stack, service)? != others(&edited, service)? {
        let why = "other parts of the files share these lines".to_owned();
        return Err(refuse(Refusal::new(why), settings));
    }
    let changed = before.into_iter().zip(texts).filter(|(old, new)| old.text != new.text);
    let files = changed.map(|(old, new)| (old.name, [old.text, new.text])).collect();
    Ok(Edited { files, stack: edited })
}

/// Why a setting cannot be placed, and the line it is about.
struct Refusal {
    why: String,
    place: Option<Place>,
}

impl Refusal {
    fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), place: None }
    }

    fn at(why: impl Into<String>, place: &Place) -> Self {
        Self { why: why.into(), place: Some(place.clone()) }
    }
}

/// The error for settings that cannot be placed, with the lines to paste by hand.
fn refuse(refusal: Refusal, settings: &[Paste]) -> Error {
    let mut error = Error::stack(format!("cannot write the settings: {}", refusal.why));
    if let Some(place) = refusal.place {
        error = error.at(place);
    }
    let lines = Paste::lines(settings).join("\n  ");
    error.hint(format!("put this into its `{}` block by hand:\n  {lines}", Paste::block(settings)))
}

/// Everything that is deployed but the service.
fn others(stack: &Stack, service: &str) -> Result<Vec<serde_json::Value>> {
    const NAMESPACE: &str = "edit";
    let name = format!("{NAMESPACE}_{service}");
    let bodies = stack.services(NAMESPACE)?.into_iter().filter(|body| body.name() != name);
    Ok(bodies.map(|body| body.as_value().clone()).collect())
}

/// A change of one file.
enum Change {
    /// These bytes of a line become others.
    Replace { file: usize, line: usize, from: usize, to: usize, text: String },
    /// These lines come after a line.
    Insert { file: usize, after: usize, lines: Vec<String> },
}

impl Change {
    fn apply(self, texts: &mut [SourceText]) {
        let (file, (start, end), text) = match self {
            Self::Replace { file, line, from, to, text } => {
                let start = line_start(&texts[file].text, line);
                (file, (start + from, start + to), text)
            }
            Self::Insert { file, after, lines } => {
                let whole = &texts[file].text;
                let at = line_start(whole, after + 1);
                let end = if whole.contains("\r\n") { "\r\n" } else { "\n" };
                let mut text: String = lines.iter().flat_map(|line| [line.as_str(), end]).collect();
                if at > 0 && !whole[..at].ends_with('\n') {
                    text = format!("{end}{}", text.trim_end());
                }
                (file, (at, at), text)
            }
        };
        texts[file].text.replace_range(start..end, &text);
    }
}

/// The first byte of a line, counted from 1; the end of the text if it has fewer.
fn line_start(text: &str, line: usize) -> usize {
    let starts = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(starts).nth(line.saturating_sub(1)).unwrap_or(text.len())
}

/// How a setting gets into the files.
fn change(
    places: &BTreeMap<String, Place>,
    texts: &[SourceText],
    setting: &Paste,
) -> Result<Change, Refusal> {
    let file_of = |place: &Place| {
        let is_it = |text: &SourceText| place.file.to_str() == Some(text.name.as_str());
        texts.iter().position(is_it).ok_or_else(|| Refusal::at("its file is not known", place))
    };
    if let Some(place) = places.get(setting.name) {
        let (from, to) = value_of(place)?;
        let file = file_of(place)?;
        return Ok(Change::Replace {
            file,
            line: place.line,
            from,
            to,
            text: setting.value.clone(),
        });
    }
    // The innermost block that is there, and what is missing inside it.
    let block = setting.name.split_once('.').map(|(block, _)| block);
    let deploy = setting.is_in_deploy().then_some("deploy");
    let mut known = [block, deploy, Some("service")].into_iter().flatten();
    let (parent, place) = known
        .find_map(|name| Some((name, places.get(name)?)))
        .ok_or_else(|| Refusal::new("the service is not in the files"))?;
    let lines = match parent {
        "service" => Paste::lines_of_service(std::slice::from_ref(setting)),
        "deploy" => Paste::lines(std::slice::from_ref(setting)),
        _ => vec![format!("{}: {}", setting.key(), setting.value)],
    };
    let file = file_of(place)?;
    add(&texts[file].text, place, file, &lines)
}

/// Adds lines to the block whose key is at a place.
fn add(text: &str, place: &Place, file: usize, lines: &[String]) -> Result<Change, Refusal> {
    let after_key = after_key(place)?;
    let rest = place.text[after_key..].trim_start();
    if let Some(inside) = rest.strip_prefix('{') {
        let open = place.text.len() - inside.len();
        let [line] = lines else {
            return Err(Refusal::at("the block is written in one line", place));
        };
        let empty = inside.trim_start().starts_with('}');
        let text = if empty { line.clone() } else { format!("{line}, ") };
        return Ok(Change::Replace { file, line: place.line, from: open, to: open, text });
    }
    // An anchor of the block stands before its lines.
    let rest = rest
        .strip_prefix('&')
        .map_or(rest, |rest| rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start());
    if !(rest.is_empty() || rest.starts_with('#')) {
        return Err(Refusal::at("the block is not written as lines of its own", place));
    }
    let own = indent(&place.text);
    let body = text.lines().enumerate().skip(place.line);
    let is_blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    let mut inside = body
        .filter(|(_, line)| !is_blank(line))
        .take_while(|(_, line)| indent(line) > own)
        .map(|(index, line)| (index + 1, indent(line)));
    let Some((first, depth)) = inside.next() else {
        return Err(Refusal::at("the block has no lines of its own", place));
    };
    let after = inside.last().map_or(first, |(line, _)| line);
    let lines = lines.iter().map(|line| format!("{:depth$}{line}", "")).collect();
    Ok(Change::Insert { file, after, lines })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The byte after the colon of the key at a place.
fn after_key(place: &Place) -> Result<usize, Refusal> {
    let start = place.text.char_indices().nth(place.column.saturating_sub(1));
    let start = start.map_or(place.text.len(), |(at, _)| at);
    let rest = &place.text[start..];
    let key = rest.len()
        - rest.trim_start_matches(|c: char| c.is_alphanumeric() || "_-.".contains(c)).len();
    if key == 0 || !rest[key..].starts_with(':') {
        return Err(Refusal::at("the setting is not written as `key: value`", place));
    }
    Ok(start + key + 1)
}

/// The bytes of the value of the key at a place: a plain or quoted scalar on the same line.
fn value_of(place: &Place) -> Result<(usize, usize), Refusal> {
    let after = after_key(place)?;
    let rest = &place.text[after..];
    let from = after + rest.len() - rest.trim_start().len();
    let value = &place.text[from..];
    let quote = value.chars().next().filter(|sign| matches!(sign, '"' | '\''));
    let length = match quote {
        Some(quote) => value[1..].find(quote).map(|at| at + 2),
        None => value.find([' ', '\t', ',', '}', '\r']).or(Some(value.len())),
    };
    let plain = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'))
    };
    let length = length.filter(|length| {
        let inner = value[..*length].trim_matches(['"', '\'']);
        from > after && !inner.is_empty() && plain(inner)
    });
    let Some(length) = length else {
        let why = if value.contains("${") || value.starts_with('$') {
            "the value comes from a variable"
        } else {
            "the value is not a plain one on the line of its key"
        };
        return Err(Refusal::at(why, place));
    };
    let follows = value[length..].trim_start();
    let ends = follows.is_empty() || follows.starts_with(['#', ',', '}']);
    if !ends {
        return Err(Refusal::at("the value is not a plain one on the line of its key", place));
    }
    Ok((from, from + length))
}
