//! A comparison as a page, in the look of a run's page.

use askama::Template;

use super::{Row, Table};
use crate::compare::Comparison;
use crate::report::html::STYLE;
use crate::report::style::Style;
use crate::wording::clean_lines;

#[derive(Template)]
#[template(path = "compare/compare.html")]
struct CompareView {
    style: &'static str,
    title: String,
    runs: Vec<RunView>,
    letters: Vec<String>,
    tables: Vec<TableView>,
}

struct RunView {
    letter: String,
    id: String,
    verdict: &'static str,
    started: String,
    service: String,
    headline: String,
}

struct TableView {
    title: String,
    rows: Vec<RowView>,
}

struct RowView {
    name: String,
    cells: Vec<CellView>,
}

struct CellView {
    text: String,
    /// The class of the verdict that it is; empty for anything else.
    verdict: &'static str,
    /// The length of its bar, in percent; zero for none.
    bar: String,
}

pub(super) fn write(comparison: &Comparison, _: Style) -> String {
    let letters = comparison.letters();
    let runs = comparison.runs.iter().zip(&letters).map(|(run, letter)| RunView {
        letter: letter.clone(),
        id: run.run_id.clone(),
        verdict: run.verdict.as_str(),
        started: run.started_at.clone(),
        service: run.service.clone(),
        headline: run.headline.clone(),
    });
    let tables = Table::all(comparison).into_iter().map(|table| TableView {
        title: if table.title == "differs" { "What differs".to_owned() } else { table.title },
        rows: table.rows.into_iter().map(row).collect(),
    });
    let page = CompareView {
        style: STYLE,
        title: format!("{} runs", comparison.runs.len()),
        runs: runs.collect(),
        letters: letters.clone(),
        tables: tables.collect(),
    };
    // It writes into memory, and none of its filters fails. The template escapes markup; what no
    // reader can see goes here.
    clean_lines(&page.render().unwrap_or_default()).into_owned()
}

fn row(row: Row) -> RowView {
    let is_verdict = row.name == "verdict";
    let cells = row.cells.into_iter().map(|cell| CellView {
        verdict: match cell.text.as_str() {
            "pass" if is_verdict => "pass",
            "fail" if is_verdict => "fail",
            "inconclusive" if is_verdict => "inconclusive",
            _ => "",
        },
        bar: cell.share.map(|share| format!("{:.1}", share * 100.0)).unwrap_or_default(),
        text: cell.text,
    });
    RowView { name: row.name, cells: cells.collect() }
}
