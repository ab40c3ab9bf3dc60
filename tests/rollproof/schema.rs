//! `docs/schema`: what is written is what is described, and nothing else is written.

use std::collections::BTreeSet;

use jsonschema::{Retrieve, Uri, Validator};
use rollproof::Offset;
use rollproof::record::{Event, Outcome, Tolerances};
use serde_json::{Value, json};

use crate::judge_story::{VERIFY_END, good_rollback, good_verify, nothing};
use crate::records::{Judged, all_recorded, folder, hostile};
use crate::schema_values::Optional;

fn read(name: &str) -> Value {
    let path = format!("{}/docs/schema/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The schema as a reader may use it: fields can be added later.
fn open(name: &str) -> Validator {
    jsonschema::validator_for(&read(name)).unwrap()
}

/// The same for this version: a field that is not described is an error.
pub fn closed(name: &str) -> Validator {
    let mut schema = read(name);
    close(&mut schema);
    let options = jsonschema::options().with_retriever(Beside);
    options.with_base_uri("docs:///schema.json").build(&schema).unwrap()
}

/// Finds the schemas that a schema refers to: files in its folder, closed as well.
struct Beside;

impl Retrieve for Beside {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let name = uri.path().as_str().trim_matches('/').strip_suffix(".json");
        let mut schema = read(name.ok_or("no schema of this folder")?);
        close(&mut schema);
        Ok(schema)
    }
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.values_mut().for_each(close);
            if fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

#[track_caller]
pub fn valid(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}: {errors:#?}");
}

fn json(value: impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn report(judged: &Judged) -> Value {
    serde_json::from_str(&judged.write("json")).unwrap()
}

#[test]
fn reports_are_as_described() {
    let schema = closed("report");
    for (name, judged) in all_recorded() {
        valid(&schema, &report(&judged), name);
        valid(&schema, &report(&Judged::of(hostile(&judged.run))), name);
    }
    for mut story in [good_verify(), good_rollback()] {
        story.shots(VERIFY_END, nothing);
        let former = Judged::of(story.run.clone()).judgement;
        story.run.meta.limits = Optional::All.limits();
        story.run.meta.against = Some(former.as_former(Tolerances::default()));
        valid(&schema, &report(&Judged::of(story.finish())), "a story");
    }
}

#[test]
fn records_are_as_described() {
    let (meta, event, shot) = (closed("meta"), closed("event"), closed("shot"));
    for (name, _) in all_recorded() {
        for file in std::fs::read_dir(folder(name)).unwrap() {
            let file = file.unwrap();
            let (text, of) = (std::fs::read_to_string(file.path()).unwrap(), file.file_name());
            let schema = match of.to_str().unwrap() {
                "meta.json" => &meta,
                "events.jsonl" => &event,
                of if of.starts_with("shots-") => &shot,
                _ => continue,
            };
            for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
                valid(schema, &value.unwrap(), name);
            }
        }
    }
    let mut story = good_verify();
    story.shots(VERIFY_END, nothing);
    let former = Judged::of(story.run.clone()).judgement;
    story.run.meta.limits = Optional::All.limits();
    story.run.meta.against = Some(former.as_former(Tolerances::default()));
    story.run.meta.streams[0].takes = Some(4.0);
    let run = story.finish();
    valid(&meta, &serde_json::to_value(&run.meta).unwrap(), "a story");
    for one in &run.events {
        valid(&event, &serde_json::to_value(one).unwrap(), "a story");
    }
    for one in run.shots.iter().flat_map(|(_, shots)| shots) {
        valid(&shot, &serde_json::to_value(one).unwrap(), "a story");
    }
}

/// Recorded runs show only the optional fields that they happen to have.
#[test]
fn every_optional_field_is_described_and_none_is_required() {
    let [meta, event, shot, report] = ["meta", "event", "shot", "report"].map(closed);
    let mut story = good_verify();
    story.shots(VERIFY_END, |at, shot| {
        if (12.0..13.0).contains(&at) {
            shot.outcome = Outcome::Refused;
        }
    });
    let former = Judged::of(story.finish()).judgement;
    for optional in [Optional::All, Optional::None] {
        let what = format!("{optional:?}");
        valid(&meta, &json(optional.meta(&former)), &what);
        valid(&shot, &json(optional.shot()), &what);
        for kind in optional.events() {
            valid(&event, &json(Event { at: Offset::ZERO, seen: Offset::ZERO, kind }), &what);
        }
        valid(&report, &json(optional.judgement(&former)), &what);
    }
    let all = Optional::All;
    for (name, value) in [
        ("meta", json(all.meta(&former))),
        ("shot", json(all.shot())),
        ("report", json(all.judgement(&former))),
    ] {
        let schema = read(name);
        let mut missing = Vec::new();
        not_there(&schema, &schema, &value, name, &mut missing);
        assert!(missing.is_empty(), "described, and not in a value that has it all: {missing:#?}");
    }
}

/// The fields that a schema describes and a value does not have.
fn not_there(whole: &Value, schema: &Value, value: &Value, path: &str, missing: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str() {
        Some(place) => whole.pointer(place.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match value.get(name) {
            None | Some(Value::Null) => missing.push(path),
            Some(value) => not_there(whole, inner, value, &path, missing),
        }
    }
    if schema["items"].is_object() {
        match value.get(0) {
            None => missing.push(format!("{path}[]")),
            Some(value) => not_there(whole, &schema["items"], value, path, missing),
        }
    }
}

#[test]
fn fields_can_be_added_and_none_can_be_renamed() {
    let schema = open("report");
    let (_, judged) = all_recorded().next().unwrap();
    let mut later = report(&judged);
    later["added_later"] = json!(1);
    valid(&schema, &later, "a later version");
    let verdict = later.as_object_mut().unwrap().remove("verdict").unwrap();
    assert!(!schema.is_valid(&later));
    later["verdict"] = verdict;
    later["scenarios"][0]["verdict"] = json!("maybe");
    assert!(!schema.is_valid(&later));
}

/// The causes, the outcomes and the kinds of events are described one by one.
#[test]
fn every_outcome_and_kind_of_event_is_described() {
    let outcomes = read("shot")["properties"]["outcome"]["enum"].clone();
    let all = rollproof::record::Outcome::ALL.map(rollproof::record::Outcome::as_str);
    assert_eq!(outcomes, json!(all));
    let kinds = &read("event")["properties"]["kind"]["oneOf"];
    let of = |kind: &Value| kind["properties"]["type"]["const"].as_str().unwrap().to_owned();
    let described: BTreeSet<String> = kinds.as_array().unwrap().iter().map(of).collect();
    let written = Optional::All.events().into_iter();
    let written: BTreeSet<String> =
        written.map(|kind| json(kind)["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(written, described);
    assert_eq!(described.len(), 24, "one for each variant of `EventKind`");
}
