//! The judgement as JSON: `report.json` and `--json`.

use crate::judge::Judgement;

/// The judgement as one JSON object with a line end. `docs/report.md` describes its fields:
/// within a schema version fields are added, never renamed.
///
/// # Panics
/// Never: a judgement has no maps with keys that are not text, and writing to memory works.
#[must_use]
#[expect(clippy::expect_used, reason = "writing plain values into memory cannot fail")]
pub fn json(judgement: &Judgement) -> String {
    let mut text = serde_json::to_string_pretty(judgement).expect("a judgement is plain values");
    text.push('\n');
    text
}
