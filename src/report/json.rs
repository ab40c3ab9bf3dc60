//! The judgement as JSON: `report.json` and `--json`.

use serde::Serialize;

use crate::judge::{Judgement, Pooled};

/// The judgement as one JSON object with a line end. `docs/report.md` describes its fields:
/// within a schema version fields are added, never renamed.
///
/// # Panics
/// Never: a judgement has no maps with keys that are not text, and writing to memory works.
#[must_use]
pub fn json(judgement: &Judgement) -> String {
    pretty(judgement)
}

/// Several runs together as one JSON object with a line end. `docs/report.md` describes its
/// fields.
///
/// # Panics
/// Never: see [`json`].
#[must_use]
pub fn pooled_json(pooled: &Pooled) -> String {
    pretty(pooled)
}

#[expect(clippy::expect_used, reason = "writing plain values into memory cannot fail")]
fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("it is plain values");
    text.push('\n');
    text
}
