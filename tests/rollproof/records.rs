//! The recorded runs of `tests/records`, and what a hostile service makes of one.

use std::path::{Path, PathBuf};

use rollproof::judge::{Judgement, Limits, judge};
use rollproof::record::{RecordReader, Run};
use rollproof::report::{Recorded, Style, find};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Every recorded run.
pub const RECORDS: [&str; 8] = [
    "app-and-proxy-updated",
    "host-port-start-first",
    "host-routed-nothing-serves",
    "image-unresolvable-29",
    "link-of-a-node-cut",
    "new-version-404",
    "proxy-container-killed",
    "scaled-down",
];

/// What a service can put into names, headers, bodies and error messages: markup of every format,
/// terminal escapes, control characters, characters that XML forbids, and text that runs backwards.
pub const HOSTILE: &str = "<script>alert('x')</script><b>\"&amp;]]>-->\x1b[31m\x1b]0;title\x07\x00\r\n\
     ::error file=/etc/passwd::owned%0A\n`code` | *a* [b](javascript:alert(1)) $(id) ${{ secrets }} \
     \u{85}\u{202e}\u{fffe}\u{ffff},\"=1+1\n# EOF\n";

/// A record and its judgement.
pub struct Judged {
    pub run: Run,
    pub judgement: Judgement,
}

impl Judged {
    pub fn of(run: Run) -> Self {
        let judgement = judge(&run, &Limits::default());
        Self { run, judgement }
    }

    /// Writes it in a format.
    pub fn write(&self, format: &str) -> String {
        let recorded = Recorded { run: &self.run, judgement: &self.judgement };
        find(format).unwrap().write(recorded, Style::default())
    }
}

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name)
}

pub fn recorded(name: &str) -> Judged {
    Judged::of(RecordReader::open(&folder(name)).unwrap())
}

pub fn all_recorded() -> impl Iterator<Item = (&'static str, Judged)> {
    RECORDS.into_iter().map(|name| (name, recorded(name)))
}

/// The same run of a service that does what it can to break a report: all text that comes from it,
/// from the stack or from the engine ends with [`HOSTILE`].
pub fn hostile(run: &Run) -> Run {
    Run {
        meta: poison(&run.meta),
        events: run.events.iter().map(poison).collect(),
        shots: run
            .shots
            .iter()
            .map(|(facts, shots)| (poison(facts), shots.iter().map(poison).collect()))
            .collect(),
        incomplete: run.incomplete.clone(),
    }
}

fn poison<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut json = serde_json::to_value(value).unwrap();
    poison_json(&mut json, "");
    serde_json::from_value(json).unwrap()
}

fn poison_json(value: &mut Value, key: &str) {
    const TEXTS: [&str; 18] = [
        "name", "text", "service", "change", "message", "error", "image", "output", "version",
        "replica", "url", "files", "hostname", "caveats", "test", "kernel", "hints", "places",
    ];
    match value {
        Value::String(text) if TEXTS.contains(&key) => text.push_str(HOSTILE),
        Value::Array(values) => values.iter_mut().for_each(|value| poison_json(value, key)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let key = if key == "places" { key } else { name.as_str() };
                poison_json(value, key);
            }
        }
        _ => {}
    }
}
