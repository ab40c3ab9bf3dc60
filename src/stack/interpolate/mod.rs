//! Variables in values: every string of a file except `version` is a template. In some places the
//! result becomes a number or a boolean.

mod cast;
mod template;
mod unset;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::diagnostic::{Lines, Mark};
use super::fault::{Fault, Faults};
use super::node::{Node, Value};
use super::warning::Warnings;
use template::{Flaw, Oddity, Outcome, Variable};
pub(crate) use unset::Unset;

/// The largest total size of all interpolated strings of one file: a small file can use a large
/// variable many times.
const MOST_BYTES: usize = 64 << 20;

/// What interpolating a stack works with, over all of its files.
pub(crate) struct Interpolation<'a> {
    /// The caller's variables.
    pub(crate) env: &'a BTreeMap<String, String>,
    pub(crate) lines: &'a Lines<'a>,
    pub(crate) warnings: &'a mut Warnings,
    pub(crate) unset: &'a mut Unset,
}

impl Interpolation<'_> {
    /// Replaces the variables in a whole file, in place, and returns where that failed: malformed
    /// templates, missing required variables, results that are not the number or boolean that is
    /// expected. The faults say why.
    pub(crate) fn file(&mut self, top: &mut Node, faults: &mut Faults) -> HashSet<Mark> {
        let mut walk = Walk {
            to: self,
            faults,
            path: String::new(),
            bytes: 0,
            broken: HashSet::new(),
            full: false,
        };
        if let Value::Map(map) = &mut top.value {
            for entry in &mut map.entries {
                walk.path.clear();
                walk.path.push_str(&entry.key);
                walk.node(&mut entry.node);
            }
        }
        walk.broken
    }
}

struct Walk<'w, 'a> {
    to: &'w mut Interpolation<'a>,
    faults: &'w mut Faults,
    path: String,
    bytes: usize,
    broken: HashSet<Mark>,
    /// Whether the file became too large.
    full: bool,
}

impl Walk<'_, '_> {
    fn node(&mut self, node: &mut Node) {
        let length = self.path.len();
        match &mut node.value {
            Value::Text(text) => {
                let text = text.clone();
                if text.contains('$') && !self.full {
                    match self.text(&text, node.mark) {
                        Ok(value) => node.value = value,
                        Err((fault, what)) => {
                            self.broken.insert(node.mark);
                            self.faults.push_once(fault, what);
                        }
                    }
                }
            }
            // The client does not interpolate below keys that are not strings.
            Value::Map(map) if map.odd_key.is_none() => {
                for entry in &mut map.entries {
                    self.path.push('.');
                    self.path.push_str(&entry.key);
                    self.node(&mut entry.node);
                    self.path.truncate(length);
                }
            }
            Value::List(items) => {
                for item in items {
                    self.path.push_str(".[]");
                    self.node(item);
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
    }

    /// The value of a string, or the fault and what it is about.
    fn text(&mut self, text: &Arc<str>, mark: Mark) -> Result<Value, (Fault, &'static str)> {
        let Outcome { text: new, error, oddities, plain } = template::substitute(text, self.to.env);
        let hash = template::has_password_hash(text);
        if let Some(error) = error {
            return Err((self.refused(text, mark, &error, hash), "template"));
        }
        if hash {
            let message = format!(
                "{}: docker takes the parts of this password hash for variables, and drops them",
                self.path
            );
            self.to.warnings.push_with(mark, message, HASH_HINT);
        } else {
            for oddity in oddities {
                self.warn(&oddity, mark);
            }
            for variable in &plain {
                let at = self.to.lines.search(mark, variable.written, 4 * text.len() + 200);
                self.to.unset.note(variable, at.unwrap_or(mark), &self.path, self.to.warnings);
            }
        }
        self.bytes += new.len();
        if self.bytes > MOST_BYTES {
            self.full = true;
            let fault = Fault::at(mark, "the interpolated file is too large")
                .hint(format!("variables may add at most {} MiB in total", MOST_BYTES >> 20));
            return Err((fault, "size"));
        }
        if *new == **text {
            return Ok(Value::Text(text.clone()));
        }
        let Some(cast) = cast::for_path(&self.path) else {
            return Ok(Value::Text(Arc::from(new)));
        };
        cast.apply(&new).map_err(|message| {
            let message = format!(
                "error while interpolating {}: failed to cast to expected type: {message}",
                self.path
            );
            let unset = plain.iter().find(|variable| !variable.set);
            let fault = Fault::at(mark, message);
            let fault = match unset {
                Some(Variable { name, .. }) => {
                    fault.hint(format!("the variable {name} is not set and becomes empty"))
                }
                None => fault,
            };
            (fault, "cast")
        })
    }

    fn refused(&self, text: &str, mark: Mark, flaw: &Flaw, hash: bool) -> Fault {
        let (quoted, hint) = match flaw {
            Flaw::Dollar if hash => (text, HASH_HINT),
            Flaw::Dollar => (text, "write `$$` for a `$` that begins no variable"),
            Flaw::Missing(message) => {
                (&**message, "set the variable; docker stack deploy does not read a `.env` file")
            }
        };
        let message = format!(
            "invalid interpolation format for {}: {quoted:?}; you may need to escape any $ with another $",
            self.path
        );
        Fault::at(mark, message).hint(hint)
    }

    fn warn(&mut self, oddity: &Oddity, mark: Mark) {
        let path = &self.path;
        let message = match oddity {
            Oddity::Lost(Flaw::Missing(error)) => format!(
                "{path}: docker loses the error {error:?} because a later variable in the same text resolves"
            ),
            Oddity::Lost(Flaw::Dollar) => {
                let message = format!(
                    "{path}: docker drops a `$` that begins no variable, because a later variable in the same text resolves"
                );
                return self.to.warnings.push_with(mark, message, "write `$$` for it");
            }
            Oddity::DefaultInError(text) => format!(
                "{path}: docker reads ${{{text}}} as a default after the first \"-\", not as a required variable"
            ),
        };
        self.to.warnings.push(mark, message);
    }
}

const HASH_HINT: &str = "write `$$` for each `$` of a password hash";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn run(text: &str) -> Result<Node, Faults> {
        let mut node = yaml::parse(text, 0)?;
        let env = BTreeMap::from([("N".to_owned(), "010".to_owned())]);
        let mut faults = Faults::default();
        let mut interpolation = Interpolation {
            env: &env,
            lines: &Lines::of(&[]),
            warnings: &mut Warnings::default(),
            unset: &mut Unset::default(),
        };
        interpolation.file(&mut node, &mut faults);
        faults.or(node)
    }

    #[test]
    fn every_template_that_is_wrong_is_named_once() {
        let text = "x-a: &a \"$\"\nservices: {a: {user: *a, hostname: *a, \
                    deploy: {replicas: '${X}'}, command: '${Y:?why}'}}";
        let faults = run(text).unwrap_err();
        assert_eq!(faults.into_error(&[]).all().count(), 3);
        assert!(run("x-a: '$$ $N ${X:-1}'").is_ok());
    }

    fn text(node: &Node) -> &str {
        match &node.value {
            Value::Text(text) => text,
            other => panic!("{other:?} is not a string"),
        }
    }

    #[test]
    fn casts_only_where_the_text_changed_and_the_path_is_listed() {
        let node =
            run("services: {a: {deploy: {replicas: '$N'}, init: '$N', user: '$N'}}").unwrap();
        let service = node.get("services").unwrap().get("a").unwrap();
        let replicas = service.get("deploy").unwrap().get("replicas").unwrap();
        assert!(matches!(replicas.value, Value::Int(10)));
        assert_eq!(text(service.get("user").unwrap()), "010");
        let node = run("services: {a: {deploy: {replicas: '3'}}}").unwrap();
        let service = node.get("services").unwrap().get("a").unwrap();
        assert_eq!(text(service.get("deploy").unwrap().get("replicas").unwrap()), "3");
    }

    #[test]
    fn a_bomb_of_variables_is_refused() {
        let line = "x".repeat(1 << 20);
        let mut text = format!("x-a: &a \"{line}$$\"\nx-b: [");
        text.push_str(&"*a,".repeat(80));
        text.push(']');
        assert!(run(&text).is_err());
    }
}
