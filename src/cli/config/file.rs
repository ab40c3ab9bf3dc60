//! A `rollproof.yml`, read: its settings, each with its place.

use std::path::{Path, PathBuf};

use super::section::Section;
use crate::error::{Error, Result};
use crate::stack::{Fault, Mark, Node, SourceText, Value, parse_yaml};
use crate::yaml_file;

/// The file's name.
pub(in crate::cli) const NAME: &str = "rollproof.yml";
const HINT: &str = "docs/configuration.md lists the keys, docs/schema/config.json is their schema";

/// A configuration file.
#[derive(Debug)]
pub(super) struct ConfigFile {
    pub(super) path: PathBuf,
    pub(super) settings: Vec<Setting>,
    source: [SourceText; 1],
}

/// One setting: the long name of an option, and its values.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) section: Section,
    pub(super) key: String,
    pub(super) mark: Mark,
    pub(super) values: Vec<Given>,
}

/// One value as it would be typed.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) mark: Mark,
}

impl ConfigFile {
    /// Reads a file; absent if there is none.
    ///
    /// # Errors
    /// A file that cannot be read, or is no YAML of this form, with its place.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let name = path.display().to_string();
        let bytes = match yaml_file::read(path) {
            Ok(bytes) => bytes,
            // A link that leads nowhere was meant to lead somewhere.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !path.is_symlink() => {
                return Ok(None);
            }
            Err(error) => {
                return Err(Error::usage(format!("cannot read {name}")).caused_by(error));
            }
        };
        let source = [SourceText::decode(&name, &bytes)?];
        let mut file = Self { path: path.to_owned(), settings: Vec::new(), source };
        match file.settings() {
            Ok(settings) => file.settings = settings,
            Err(fault) => return Err(file.refuse(fault)),
        }
        Ok(Some(file))
    }

    /// The error for a mistake in this file.
    pub(super) fn refuse(&self, fault: Fault) -> Error {
        self.refuse_with(fault, Vec::new())
    }

    /// The same with advice.
    pub(super) fn refuse_with(&self, fault: Fault, advice: Vec<String>) -> Error {
        advice.into_iter().fold(fault.into_error(&self.source), Error::hint).hint(HINT)
    }

    /// The same for a value that must not be shown.
    pub(super) fn refuse_discreetly(&self, mark: Mark, message: &str) -> Error {
        let place = SourceText::find(&self.source, mark);
        let error = Error::stack(message).hint(HINT);
        match place {
            Some(place) => error.at(crate::Place { text: String::new(), ..place }),
            None => error,
        }
    }

    /// A path in the file counts from the file's folder; `-` is none.
    pub(super) fn beside(&self, path: &str) -> String {
        if path == "-" {
            return path.to_owned();
        }
        let folder = self.path.parent().unwrap_or(Path::new(""));
        folder.join(path).to_string_lossy().into_owned()
    }

    fn settings(&self) -> Result<Vec<Setting>, Fault> {
        let text = &self.source[0].text;
        let blank = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        // All keys may be commented out.
        if text.lines().all(blank) {
            return Ok(Vec::new());
        }
        let top = parse_yaml(text, 0)?;
        let mut settings = Vec::new();
        for entry in top.as_map().into_iter().flat_map(|map| &map.entries) {
            let Some(section) = Section::find(&entry.key) else {
                let names = Section::ALL.map(Section::name);
                return Err(unknown(
                    entry.mark,
                    &format!("there is no section `{}`", entry.key),
                    &entry.key,
                    &names,
                ));
            };
            if matches!(entry.node.value, Value::Null) {
                continue;
            }
            match section {
                Section::Scenarios => settings.push(Setting {
                    section,
                    key: "scenario".to_owned(),
                    mark: entry.mark,
                    values: self.values("scenarios", &entry.node)?,
                }),
                Section::Formats => settings.push(Setting {
                    section,
                    key: "format".to_owned(),
                    mark: entry.mark,
                    values: self.formats(&entry.node)?,
                }),
                _ => settings.extend(self.options(section, &entry.node)?),
            }
        }
        Ok(settings)
    }

    fn options(&self, section: Section, node: &Node) -> Result<Vec<Setting>, Fault> {
        let name = section.name();
        let map = node
            .as_map()
            .filter(|map| map.odd_key.is_none())
            .ok_or_else(|| Fault::at(node.mark, format!("`{name}` must be keys with values")))?;
        let setting = |entry: &crate::stack::Entry| {
            Ok(Setting {
                section,
                key: entry.key.to_string(),
                mark: entry.mark,
                values: self.values(&entry.key, &entry.node)?,
            })
        };
        map.entries.iter().map(setting).collect()
    }

    /// `formats` maps names of formats to files; without a file a format goes to standard output.
    fn formats(&self, node: &Node) -> Result<Vec<Given>, Fault> {
        let map = node.as_map().filter(|map| map.odd_key.is_none()).ok_or_else(|| {
            Fault::at(node.mark, "`formats` must be names of formats with files")
                .hint("for example `junit: junit.xml`")
        })?;
        let format = |entry: &crate::stack::Entry| {
            let text = match &entry.node.value {
                Value::Null => entry.key.to_string(),
                _ => format!("{}={}", entry.key, self.beside(&self.text(&entry.key, &entry.node)?)),
            };
            Ok(Given { text, mark: entry.mark })
        };
        map.entries.iter().map(format).collect()
    }

    /// One value, or several in a list.
    fn values(&self, key: &str, node: &Node) -> Result<Vec<Given>, Fault> {
        let one = |node: &Node| Ok(Given { text: self.text(key, node)?, mark: node.mark });
        match &node.value {
            Value::List(list) => list.iter().map(one).collect(),
            _ => Ok(vec![one(node)?]),
        }
    }

    /// A value as it stands in the file: `1.10` is not `1.1`.
    fn text(&self, key: &str, node: &Node) -> Result<String, Fault> {
        match &node.value {
            Value::Text(text) => Ok(text.to_string()),
            Value::Bool(value) => Ok(value.to_string()),
            Value::Int(_) | Value::Uint(_) | Value::Float(_) | Value::Time(_) => {
                let place = SourceText::find(&self.source, node.mark);
                let line = place.map(|place| place.text).unwrap_or_default();
                let rest: String = line.chars().skip(node.mark.column as usize - 1).collect();
                let end = rest.find([',', ']', '}', '#']).unwrap_or(rest.len());
                Ok(rest[..end].trim().to_owned())
            }
            Value::Null => Err(Fault::at(node.mark, format!("`{key}` has no value"))),
            Value::List(_) | Value::Map(_) => {
                Err(Fault::at(node.mark, format!("`{key}` must be a value, or a list of values")))
            }
        }
    }
}

/// The mistake of a name that nobody knows.
pub(super) fn unknown<S: AsRef<str>>(mark: Mark, says: &str, name: &str, known: &[S]) -> Fault {
    let fault = Fault::at(mark, says);
    let likeness = |known: &S| strsim::jaro_winkler(name, known.as_ref());
    let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    if let Some(best) = best.filter(|best| likeness(best) > 0.8) {
        return fault.hint(format!("did you mean `{}`?", best.as_ref()));
    }
    if known.is_empty() {
        return fault.hint("this version of rollproof has no key for it");
    }
    let names: Vec<&str> = known.iter().map(AsRef::as_ref).collect();
    fault.hint(format!("known are {}", names.join(", ")))
}
