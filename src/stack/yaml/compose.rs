//! From the written tree to values: follows aliases, applies merge keys, refuses duplicate keys.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::events::{Document, Kind, Raw};
use super::scalar::resolve;
use crate::stack::diagnostic::Mark;
use crate::stack::fault::{Fault, Faults};
use crate::stack::node::{Entry, Mapping, Node, Value};

/// The longest total length of all strings of a document, counting each use of an alias. No real
/// stack comes near.
const LONGEST: usize = 64 << 20;

/// The deepest nesting: with aliases, a document can be nested deeper than the parser's own limit.
const DEEPEST: usize = 500;

/// Builds the values of a document.
pub(super) fn compose(document: &Document) -> Result<Node, Faults> {
    let mut composer = Composer {
        document,
        open: HashSet::new(),
        depth: 0,
        aliased: 0,
        steps: 0,
        alias_steps: 0,
        length: 0,
        duplicates: Faults::default(),
    };
    let node = composer.node(0);
    let mut faults = composer.duplicates;
    let top = faults.take(node);
    let nothing = || Node { value: Value::Null, mark: Mark::default() };
    faults.or(top.unwrap_or_else(nothing))
}

struct Composer<'a> {
    document: &'a Document,
    /// Aliases being followed.
    open: HashSet<usize>,
    depth: usize,
    aliased: usize,
    steps: usize,
    alias_steps: usize,
    /// Bytes of all strings so far.
    length: usize,
    duplicates: Faults,
}

impl<'a> Composer<'a> {
    fn raw(&self, index: usize) -> &'a Raw {
        &self.document.nodes[index]
    }

    fn node(&mut self, index: usize) -> Result<Node, Fault> {
        let raw = self.raw(index);
        self.step(raw.mark)?;
        self.deeper(raw.mark)?;
        let node = match &raw.kind {
            Kind::Scalar { text, plain } => {
                self.length += text.len();
                if self.length > LONGEST {
                    let message = "yaml: document contains excessive aliasing";
                    return Err(Fault::at(raw.mark, message));
                }
                let value = resolve(text, *plain, raw.tag.as_deref())
                    .map_err(|message| Fault::at(raw.mark, format!("yaml: {message}")))?;
                Node { value, mark: raw.mark }
            }
            Kind::List(items) => {
                let items = items.iter().map(|item| self.node(*item)).collect::<Result<_, _>>()?;
                Node { value: Value::List(items), mark: raw.mark }
            }
            Kind::Map(children) => {
                let mut map = Mapping::default();
                self.fill(&mut map, children, None)?;
                Node { value: Value::Map(map), mark: raw.mark }
            }
            Kind::Alias { target } => self.alias(index, *target)?,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn deeper(&mut self, mark: Mark) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::at(mark, "yaml: nested too deeply"));
        }
        Ok(())
    }

    fn alias(&mut self, index: usize, target: usize) -> Result<Node, Fault> {
        self.enter(index)?;
        let node = self.node(target)?;
        self.leave(index);
        Ok(node)
    }

    fn enter(&mut self, alias: usize) -> Result<(), Fault> {
        if !self.open.insert(alias) {
            return Err(Fault::at(self.raw(alias).mark, "yaml: anchor value contains itself"));
        }
        self.aliased += 1;
        Ok(())
    }

    fn leave(&mut self, alias: usize) {
        self.open.remove(&alias);
        self.aliased -= 1;
    }

    /// The client's own limit against alias bombs (yaml.v3 `allowedAliasRatio`): a small file may
    /// consist almost entirely of aliases, a large one only by a tenth.
    fn step(&mut self, mark: Mark) -> Result<(), Fault> {
        self.steps += 1;
        if self.aliased > 0 {
            self.alias_steps += 1;
        }
        if self.alias_steps > 100 && self.steps > 1000 {
            #[expect(clippy::cast_precision_loss, reason = "a ratio of counts far below 2^52")]
            let (aliased, steps) = (self.alias_steps as f64, self.steps as f64);
            let allowed = 0.99 - 0.89 * ((steps - 400_000.0) / 3_600_000.0).clamp(0.0, 1.0);
            if aliased / steps > allowed {
                return Err(Fault::at(mark, "yaml: document contains excessive aliasing"));
            }
        }
        Ok(())
    }

    /// Adds the entries of a written mapping. With `taken`, the mapping is merged into another one,
    /// and the keys in `taken` keep their values.
    fn fill(
        &mut self,
        map: &mut Mapping,
        children: &'a [usize],
        mut taken: Option<&mut HashSet<Arc<str>>>,
    ) -> Result<(), Fault> {
        self.note_duplicates(children);
        let mut places: HashMap<Arc<str>, usize> =
            map.entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)).collect();
        let mut merge = None;
        for pair in children.chunks_exact(2) {
            let (key, value) = (pair[0], pair[1]);
            if self.is_merge(key) {
                merge = Some(value);
                continue;
            }
            let mark = self.raw(key).mark;
            let written = self.written_key(key);
            let name = match self.node(key)?.value {
                Value::Text(name) if self.is_string(key) => name,
                Value::List(_) | Value::Map(_) => {
                    return Err(Fault::at(mark, "yaml: invalid map key"));
                }
                // A merged mapping goes into one with string keys, where yaml.v3 turns any
                // scalar into a string. Otherwise the key makes the whole mapping unusable.
                _ => {
                    if taken.is_none() {
                        map.odd_key.get_or_insert(mark);
                    }
                    written
                }
            };
            if let Some(taken) = taken.as_deref_mut()
                && !taken.insert(name.clone())
            {
                continue;
            }
            let node = self.node(value)?;
            if let Some(at) = places.get(&name) {
                map.entries[*at].node = node;
            } else {
                places.insert(name.clone(), map.entries.len());
                map.entries.push(Entry { key: name, mark, node });
            }
        }
        if let Some(merge) = merge {
            let mut own;
            let taken = if let Some(taken) = taken {
                taken
            } else {
                self.steps += children.len() / 2;
                own = places.into_keys().collect();
                &mut own
            };
            self.merge(map, merge, taken)?;
        }
        Ok(())
    }

    fn merge(
        &mut self,
        map: &mut Mapping,
        index: usize,
        taken: &mut HashSet<Arc<str>>,
    ) -> Result<(), Fault> {
        let items = match &self.raw(index).kind {
            Kind::List(items) => items.as_slice(),
            _ => &[index],
        };
        for item in items {
            let raw = self.raw(*item);
            self.step(raw.mark)?;
            self.deeper(raw.mark)?;
            match &raw.kind {
                Kind::Map(children) => self.fill(map, children, Some(taken))?,
                Kind::Alias { target } if matches!(self.raw(*target).kind, Kind::Map(_)) => {
                    self.enter(*item)?;
                    if let Kind::Map(children) = &self.raw(*target).kind {
                        self.fill(map, children, Some(taken))?;
                    }
                    self.leave(*item);
                }
                _ => {
                    return Err(Fault::at(
                        raw.mark,
                        "yaml: map merge requires map or sequence of maps as the value",
                    ));
                }
            }
            self.depth -= 1;
        }
        Ok(())
    }

    fn is_merge(&self, key: usize) -> bool {
        let raw = self.raw(key);
        match &raw.kind {
            Kind::Scalar { text, plain } if &**text == "<<" => match raw.tag.as_deref() {
                None => *plain,
                Some(tag) => tag == "!!merge",
            },
            _ => false,
        }
    }

    /// Whether a key that reads as a string has no tag but `!!str` (yaml.v3 `isStringMap`).
    fn is_string(&self, key: usize) -> bool {
        let raw = match self.raw(key) {
            Raw { kind: Kind::Alias { target }, .. } => self.raw(*target),
            raw => raw,
        };
        raw.tag.as_deref().is_none_or(|tag| tag == "!!str")
    }

    /// A scalar key as written; for an alias, the scalar it refers to.
    fn written_key(&self, key: usize) -> Arc<str> {
        match &self.raw(key).kind {
            Kind::Scalar { text, .. } => text.clone(),
            Kind::Alias { target } => match &self.raw(*target).kind {
                Kind::Scalar { text, .. } => text.clone(),
                _ => Arc::from(""),
            },
            _ => Arc::from(""),
        }
    }

    /// yaml.v3 compares the kind and the characters as written: `1` and `"1"` are the same key.
    fn note_duplicates(&mut self, children: &[usize]) {
        let mut seen: HashMap<(u8, &str, usize), Mark> = HashMap::new();
        for key in children.iter().step_by(2) {
            let raw = self.raw(*key);
            let (identity, name) = match &raw.kind {
                Kind::Scalar { text, .. } => ((0, &**text, 0), &**text),
                Kind::List(_) => ((1, "", 0), ""),
                Kind::Map(_) => ((2, "", 0), ""),
                Kind::Alias { target } => ((3, "", *target), ""),
            };
            if let Some(first) = seen.insert(identity, raw.mark) {
                self.duplicates.push(Fault::at(
                    raw.mark,
                    format!("yaml: mapping key {name:?} already defined at line {}", first.line),
                ));
            }
        }
    }
}
