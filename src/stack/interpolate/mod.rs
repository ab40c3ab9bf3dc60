//! Variables in values: every string of a file except `version` is a template. In some places the
//! result becomes a number or a boolean.

mod cast;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::Fault;
use super::diagnostic::Mark;
use super::diagnostic::Warnings;
use super::node::{Node, Value};
use template::{Oddity, Outcome};

/// The largest total size of all interpolated strings of one file: a small file can use a large
/// variable many times.
const MOST_BYTES: usize = 64 << 20;

/// Replaces the variables in a whole file, in place.
///
/// # Errors
/// Malformed templates, missing required variables, results that are not the number or boolean
/// that is expected.
pub(crate) fn interpolate(
    top: &mut Node,
    env: &BTreeMap<String, String>,
    warnings: &mut Warnings,
) -> Result<(), Fault> {
    let Value::Map(map) = &mut top.value else { return Ok(()) };
    let mut walk = Walk { env, warnings, path: String::new(), bytes: 0 };
    for entry in &mut map.entries {
        walk.path.clear();
        walk.path.push_str(&entry.key);
        walk.node(&mut entry.node)?;
    }
    Ok(())
}

struct Walk<'a> {
    env: &'a BTreeMap<String, String>,
    warnings: &'a mut Warnings,
    path: String,
    bytes: usize,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node) -> Result<(), Fault> {
        let length = self.path.len();
        match &mut node.value {
            Value::Text(text) => {
                let text = text.clone();
                if text.contains('$') {
                    node.value = self.text(&text, node.mark)?;
                }
            }
            // The client does not interpolate below keys that are not strings.
            Value::Map(map) if map.odd_key.is_none() => {
                for entry in &mut map.entries {
                    self.path.push('.');
                    self.path.push_str(&entry.key);
                    self.node(&mut entry.node)?;
                    self.path.truncate(length);
                }
            }
            Value::List(items) => {
                for item in items {
                    self.path.push_str(".[]");
                    self.node(item)?;
                    self.path.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &Arc<str>, mark: Mark) -> Result<Value, Fault> {
        let Outcome { text: new, error, oddities } = template::substitute(text, self.env);
        if let Some(error) = error {
            return Err(Fault::at(
                mark,
                format!(
                    "invalid interpolation format for {}: {error:?}; you may need to escape any $ with another $",
                    self.path
                ),
            ));
        }
        for oddity in oddities {
            self.warn(&oddity, mark);
        }
        self.bytes += new.len();
        if self.bytes > MOST_BYTES {
            return Err(Fault::at(mark, "the interpolated file is too large")
                .hint(format!("variables may add at most {} MiB in total", MOST_BYTES >> 20)));
        }
        if *new == **text {
            return Ok(Value::Text(text.clone()));
        }
        let Some(cast) = cast::for_path(&self.path) else {
            return Ok(Value::Text(Arc::from(new)));
        };
        cast.apply(&new).map_err(|message| {
            Fault::at(
                mark,
                format!(
                    "error while interpolating {}: failed to cast to expected type: {message}",
                    self.path
                ),
            )
        })
    }

    fn warn(&mut self, oddity: &Oddity, mark: Mark) {
        let path = &self.path;
        let message = match oddity {
            Oddity::LostError(error) => format!(
                "{path}: docker loses the error {error:?} because a later variable in the same text resolves"
            ),
            Oddity::DefaultInError(text) => format!(
                "{path}: docker reads ${{{text}}} as a default after the first \"-\", not as a required variable"
            ),
        };
        self.warnings.push(mark, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    fn run(text: &str) -> Result<Node, Fault> {
        let mut node = yaml::parse(text, 0)?;
        let env = BTreeMap::from([("N".to_owned(), "010".to_owned())]);
        interpolate(&mut node, &env, &mut Warnings::default())?;
        Ok(node)
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
