//! How a comparison of runs is written: one format a file, and a line in [`COMPARE_FORMATS`].

mod html;
mod text;

use super::style::Style;
use crate::Offset;
use crate::compare::{ComparedScenario, Comparison, Measure, Unit};
use crate::judge::Verdict;
use crate::wording::{count, length, percent};

/// One way to write a comparison.
#[derive(Debug, Clone, Copy)]
pub struct CompareFormat {
    /// Its name, as after `--format`.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// Writes it, with a line end.
    pub write: fn(&Comparison, Style) -> String,
}

/// Every format; the first one is the default.
pub const COMPARE_FORMATS: [CompareFormat; 3] = [
    CompareFormat { name: "text", about: "for people", write: text::write },
    CompareFormat { name: "json", about: "for programs", write: json },
    CompareFormat {
        name: "html",
        about: "a page for the browser, in one file",
        write: html::write,
    },
];

/// The format of this name.
#[must_use]
pub fn find_compare(name: &str) -> Option<&'static CompareFormat> {
    COMPARE_FORMATS.iter().find(|format| format.name == name)
}

fn json(comparison: &Comparison, _: Style) -> String {
    super::json::pretty(comparison)
}

/// A table: a title, and a cell for each run in every row.
struct Table {
    title: String,
    rows: Vec<Row>,
}

struct Row {
    name: String,
    cells: Vec<Cell>,
}

#[derive(Clone)]
struct Cell {
    text: String,
    /// How long it is beside the longest of its row, for a bar.
    share: Option<f64>,
}

impl Table {
    /// All tables of a comparison.
    fn all(comparison: &Comparison) -> Vec<Self> {
        let differences = comparison.differences.iter().map(|one| Row {
            name: one.name.clone(),
            cells: one.values.iter().map(|value| Cell::word(value.as_deref())).collect(),
        });
        let differences = Self { title: "differs".to_owned(), rows: differences.collect() };
        let scenarios = comparison.scenarios.iter().map(Self::of);
        std::iter::once(differences)
            .filter(|table| !table.rows.is_empty())
            .chain(scenarios)
            .collect()
    }

    fn of(scenario: &ComparedScenario) -> Self {
        let verdicts = scenario.verdicts.iter();
        let verdicts = verdicts.map(|verdict| Cell::word(verdict.map(Verdict::as_str)));
        let verdict = Row { name: "verdict".to_owned(), cells: verdicts.collect() };
        let measures = scenario
            .measures
            .iter()
            .map(|measure| Row { name: measure.name.clone(), cells: cells(measure) });
        Self {
            title: scenario.name.replace('-', " "),
            rows: std::iter::once(verdict).chain(measures).collect(),
        }
    }
}

impl Cell {
    fn word(text: Option<&str>) -> Self {
        let text = text.filter(|text| !text.is_empty()).unwrap_or("–");
        Self { text: text.to_owned(), share: None }
    }
}

/// What was measured, and from the second run on how much more or less than in the first.
fn cells(measure: &Measure) -> Vec<Cell> {
    let most = measure.values.iter().flatten().copied().fold(0.0, f64::max);
    let first = measure.values.first().copied().flatten();
    let cell = |(index, value): (usize, &Option<f64>)| {
        let Some(value) = *value else { return Cell::word(None) };
        let mut text = words(measure.unit, value);
        let changed =
            first.filter(|first| index > 0 && *first > 0.0 && measure.unit == Unit::Seconds);
        if let Some(first) = changed {
            let change = value / first - 1.0;
            // What rounds to nothing is not worth a sign.
            if change.abs() >= 0.01 {
                let sign = if change > 0.0 { "+" } else { "−" };
                let share = (change.abs() * 100.0).round() / 100.0;
                text = format!("{text} ({sign}{})", percent(share));
            }
        }
        let share = (measure.unit == Unit::Seconds && most > 0.0).then(|| value / most);
        Cell { text, share }
    };
    measure.values.iter().enumerate().map(cell).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they are counts")]
fn words(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Seconds => length(Offset::from_secs_f64(value)),
        Unit::Requests | Unit::Replicas => count(value as u64),
    }
}
