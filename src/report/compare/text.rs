//! A comparison for the terminal.

use console::measure_text_width;

use super::Table;
use crate::compare::Comparison;
use crate::report::page::Page;
use crate::report::style::Style;
use crate::wording::{clean, cut};

/// The widest cell: a longer text is cut.
const WIDEST: usize = 30;

pub(super) fn write(comparison: &Comparison, style: Style) -> String {
    let mut page = Page::new(style);
    let letters = comparison.letters();
    for (run, letter) in comparison.runs.iter().zip(&letters) {
        let verdict = style.verdict(run.verdict, run.verdict.as_str());
        let title = style.title(letter);
        page.hanging(&format!("{title}  {}  {verdict}", run.run_id), 4, &run.headline);
    }
    for table in Table::all(comparison) {
        page.blank();
        show(&mut page, &table, &letters);
    }
    page.text()
}

/// A table, in as many parts as the width needs; each has the first run, which the others are
/// measured by.
fn show(page: &mut Page, table: &Table, letters: &[String]) {
    // The name and two cells always have room.
    let widest = ((page.style.columns() - 2) / 3 - 2).min(WIDEST);
    let cell = |text: &str| cut(&clean(text), widest);
    let names: Vec<String> = table.rows.iter().map(|row| cell(&row.name)).collect();
    let wide = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| measure_text_width(&text)).max().unwrap_or(0)
    };
    let title = cell(&table.title);
    let first = wide(&mut names.iter().cloned()).max(measure_text_width(&title));
    let width = |run: usize| {
        let cells = table.rows.iter().filter_map(|row| row.cells.get(run));
        wide(&mut cells.map(|one| cell(&one.text))).max(letters[run].len())
    };
    let widths: Vec<usize> = (0..letters.len()).map(width).collect();
    let room = page.style.columns().saturating_sub(2 + first);
    let mut next = 1;
    loop {
        let mut shown = vec![0];
        let mut used = widths.first().map_or(0, |width| width + 2);
        while next < letters.len() && (shown.len() == 1 || used + widths[next] + 2 <= room) {
            used += widths[next] + 2;
            shown.push(next);
            next += 1;
        }
        let line = |name: &str, text: &dyn Fn(usize) -> String| {
            let mut line = format!("  {name}{:1$}", "", first - measure_text_width(name));
            for run in &shown {
                let text = text(*run);
                let gap = 2 + widths[*run].saturating_sub(measure_text_width(&text));
                line.push_str(&" ".repeat(gap));
                line.push_str(&text);
            }
            line
        };
        let head = line(&title, &|run| letters[run].clone());
        let head = page.style.title(&head);
        page.line(head);
        for (row, name) in table.rows.iter().zip(&names) {
            let text =
                |run: usize| row.cells.get(run).map(|one| cell(&one.text)).unwrap_or_default();
            let line = line(name, &text);
            page.line(line);
        }
        if next >= letters.len() {
            return;
        }
        page.blank();
    }
}
