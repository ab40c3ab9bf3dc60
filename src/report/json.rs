//! The judgement as JSON: `report.json`, `--json` and `--format json`.

use serde::Serialize;

use super::format::{JudgementFormat, Material};
use super::style::Style;

/// One JSON object with a line end. `docs/report.md` describes its fields: within a schema
/// version fields are added, never renamed.
pub const JSON: JudgementFormat =
    JudgementFormat { name: "json", about: "everything, for programs", write };

fn write(material: Material, _: Style) -> String {
    match material {
        Material::One(judgement) => pretty(judgement),
        Material::Several(pooled) => pretty(pooled),
    }
}

#[expect(clippy::expect_used, reason = "writing plain values into memory cannot fail")]
pub(super) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("it is plain values");
    text.push('\n');
    text
}
