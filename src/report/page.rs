//! Lines of a label and wrapped text, never wider than the page.

use console::measure_text_width;

use super::style::Style;
use crate::judge::Verdict;
use crate::wording::{clean, wrap};

/// Where the text after a label begins.
pub(super) const INDENT: usize = 12;

/// A report in the making.
pub(super) struct Page<'a> {
    pub style: Style<'a>,
    lines: Vec<String>,
}

impl<'a> Page<'a> {
    pub(super) fn new(style: Style<'a>) -> Self {
        Self { style, lines: Vec::new() }
    }

    /// The first line: verdict, service, what decides.
    pub(super) fn head(&mut self, verdict: Verdict, service: &str, headline: &str) {
        // The verdict says it already.
        let text = headline.strip_prefix("inconclusive: ").unwrap_or(headline);
        let mut label = self.style.head(verdict);
        if !service.is_empty() {
            label = format!("{label}  {}", self.style.title(service));
        }
        self.hanging(&label, 6, text);
    }

    /// A blank line, unless there is one already.
    pub(super) fn blank(&mut self) {
        if self.lines.last().is_some_and(|last| !last.is_empty()) {
            self.lines.push(String::new());
        }
    }

    /// A line as it is: what must not be wrapped.
    pub(super) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// A heading.
    pub(super) fn heading(&mut self, text: &str) {
        self.blank();
        let text = self.style.title(text);
        self.line(text);
    }

    /// A label and its text in the column after it.
    pub(super) fn row(&mut self, label: &str, text: &str) {
        let gap = INDENT.saturating_sub(2 + measure_text_width(label)).max(1);
        let first = format!("  {label}{:gap$}", "");
        self.column(&first, INDENT, text);
    }

    /// A text below a row, in its column.
    pub(super) fn more(&mut self, text: &str) {
        self.column(&" ".repeat(INDENT), INDENT, text);
    }

    /// `first`, then the text wrapped in a column that begins at `indent`.
    pub(super) fn column(&mut self, first: &str, indent: usize, text: &str) {
        let width = self.style.columns();
        let begins = measure_text_width(first);
        if begins > indent || begins + 16 > width {
            let first = first.trim_end();
            self.lines.extend((!first.is_empty()).then(|| first.to_owned()));
            let indent = indent.min(INDENT);
            for line in lines(text, width - indent) {
                self.lines.push(format!("{:indent$}{line}", ""));
            }
            return;
        }
        let wrapped = lines(text, width - indent);
        if wrapped.is_empty() {
            self.lines.push(first.trim_end().to_owned());
        }
        for (index, line) in wrapped.into_iter().enumerate() {
            let line =
                if index == 0 { format!("{first}{line}") } else { format!("{:indent$}{line}", "") };
            self.lines.push(line.trim_end().to_owned());
        }
    }

    /// `first`, two blanks and the text, whose further lines begin at `indent`.
    pub(super) fn hanging(&mut self, first: &str, indent: usize, text: &str) {
        let width = self.style.columns();
        let begins = measure_text_width(first) + 2;
        let all = lines(text, width - indent);
        let fits = all.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        if begins + measure_text_width(&fits) <= width {
            self.lines.push(format!("{first}  {fits}").trim_end().to_owned());
            return;
        }
        // The first line is shorter by what stands before it: a word of that length takes its
        // place while the text is wrapped.
        let taken = begins.saturating_sub(indent + 1).clamp(1, width - indent);
        let filler = "x".repeat(taken);
        for (index, line) in lines(&format!("{filler} {text}"), width - indent).iter().enumerate() {
            if index == 0 {
                let line = line[taken..].trim_start();
                self.lines.push(format!("{first}  {line}").trim_end().to_owned());
            } else {
                self.lines.push(format!("{:indent$}{line}", ""));
            }
        }
    }

    /// The number of lines so far.
    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Appends another page.
    pub(super) fn append(&mut self, other: Page) {
        self.lines.extend(other.lines);
    }

    /// The text, with a line end.
    pub(super) fn text(mut self) -> String {
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        let colour = self.style.colour;
        self.lines.iter().map(|line| harmless(line, colour) + "\n").collect()
    }
}

/// A line without what could move the cursor or begin another line, wherever it came from. Colours stay
/// where there are any: a text that brings its own only looks odd.
fn harmless(line: &str, colour: bool) -> String {
    let mut parts = line.split('\x1b');
    let mut text = clean(parts.next().unwrap_or_default()).into_owned();
    for part in parts {
        let digits = part
            .strip_prefix('[')
            .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
        let is_colour = colour && digits.is_some_and(|rest| rest.starts_with('m'));
        text.push(if is_colour { '\x1b' } else { ' ' });
        text.push_str(&clean(part));
    }
    text
}

/// A text in lines of at most `width`; a word that is longer than a line is broken too.
fn lines(text: &str, width: usize) -> Vec<String> {
    let text = clean(text);
    let mut breakable = String::new();
    for word in text.split(' ') {
        if !breakable.is_empty() {
            breakable.push(' ');
        }
        for (index, character) in word.chars().enumerate() {
            if index > 0 && index % width == 0 {
                breakable.push(' ');
            }
            breakable.push(character);
        }
    }
    wrap(&breakable, width, usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(width: usize) -> Page<'static> {
        Page::new(Style { width, ..Style::default() })
    }

    #[test]
    fn text_stands_in_one_column() {
        let mut page = page(60);
        page.row("why", &"word ".repeat(30));
        let text = page.text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("  why       word"), "{text}");
        assert!(lines[1].starts_with("            word"), "{text}");
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_letter_is_lost(
            text in "[a-zé ]{0,300}",
            label in "[a-z]{1,20}",
            width in 30_usize..130,
        ) {
            let mut page = page(width);
            page.row(&label, &text);
            page.head(Verdict::Inconclusive, &label, &text);
            let columns = page.style.columns();
            let out = page.text();
            prop_assert!(out.lines().all(|line| line.chars().count() <= columns), "{out}");
            prop_assert!(out.lines().all(|line| line.trim_end() == line), "{out}");
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).count();
            prop_assert_eq!(
                letters(&out),
                2 * letters(&text) + 2 * letters(&label) + "INCONCLUSIVE".len()
            );
        }
    }
}
