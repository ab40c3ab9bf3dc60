//! The JSON schema of `rollproof.yml`, from the options themselves.

use clap::{Arg, Command};
use serde_json::{Map, Value, json};

use super::check::{is_flag, is_list};
use super::section::{Section, options};
use crate::report::FORMATS;

/// The schema. `root` is the whole command line.
pub(in crate::cli) fn schema(root: &Command) -> Value {
    let all = options(root);
    let mut sections = Map::new();
    for section in Section::ALL {
        let about = section.about();
        let value = match section {
            Section::Scenarios => json!({
                "description": about, "type": ["array", "string"], "items": {"type": "string"},
            }),
            Section::Formats => {
                let file = json!({"type": ["string", "null"]});
                let names = FORMATS.iter().map(|format| {
                    let mut file = file.clone();
                    file["description"] = json!(format.about());
                    (format.name().to_owned(), file)
                });
                json!({
                    "description": about, "type": ["object", "null"],
                    "properties": names.collect::<Map<_, _>>(), "additionalProperties": false,
                })
            }
            _ => {
                let own = all.iter().filter(|(of, _)| *of == section);
                let keys = own.filter_map(|(_, arg)| Some((arg.get_long()?.to_owned(), key(arg))));
                json!({
                    "description": about, "type": ["object", "null"],
                    "properties": keys.collect::<Map<_, _>>(), "additionalProperties": false,
                })
            }
        };
        sections.insert(section.name().to_owned(), value);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rollproof.yml",
        "description": "Options of rollproof that need not be typed. A key is the long name of an option.",
        "type": ["object", "null"],
        "properties": sections,
        "additionalProperties": false,
    })
}

fn key(arg: &Arg) -> Value {
    let about = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let about = about.split(" [default: ").next().unwrap_or_default();
    let choices: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let one = match (is_flag(arg), choices.is_empty()) {
        (true, _) => json!({"type": "boolean"}),
        (false, false) => json!({"enum": choices}),
        (false, true) => json!({"type": ["string", "number", "boolean"]}),
    };
    let mut value =
        if is_list(arg) { json!({"anyOf": [one, {"type": "array", "items": one}]}) } else { one };
    value["description"] = json!(about);
    value
}
