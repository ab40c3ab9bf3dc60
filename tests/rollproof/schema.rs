//! `docs/schema`: what is written is what is described, and nothing else is written.

use jsonschema::{Retrieve, Uri, Validator};
use rollproof::Offset;
use rollproof::record::{AllowedFailed, Tolerances, UserLimits};
use serde_json::{Value, json};

use crate::judge_story::{VERIFY_END, good_rollback, good_verify, nothing};
use crate::records::{Judged, all_recorded, folder, hostile};

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
        story.run.meta.limits = every_limit();
        story.run.meta.against = Some(former.as_former(Tolerances::default()));
        valid(&schema, &report(&Judged::of(story.finish())), "a story");
    }
}

fn every_limit() -> UserLimits {
    let second = Some(Offset::from_millis(1_000));
    UserLimits {
        allow_failed: Some(AllowedFailed::Requests(5)),
        allow_gap_s: second,
        max_p99_s: second,
        max_duration_s: second,
        min_serving: Some(1),
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
    story.run.meta.limits = every_limit();
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
    assert_eq!(kinds.as_array().unwrap().len(), 24, "one for each variant of `EventKind`");
}
