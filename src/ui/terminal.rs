//! Standard error, shared by everything that writes to it while a live area may stand there.
//!
//! The area is drawn here and not by a progress-bar library: indicatif fills each line with
//! spaces up to the terminal's width and counts rows by the width of now, so that a narrower
//! window keeps debris and a wider one loses lines above the area (tried with 0.18.6 in tmux).

use std::fmt::Write as _;
use std::io::{Write, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::{Term, measure_text_width};

/// Standard error, shared by everything that writes to it. A clone is another handle on the
/// same one.
#[derive(Clone)]
pub struct Terminal {
    inner: Arc<Mutex<Inner>>,
}

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Cells in a row.
    pub columns: usize,
    /// Rows.
    pub rows: usize,
}

struct Inner {
    out: Box<dyn Write + Send>,
    size: Box<dyn FnMut() -> Size + Send>,
    /// The lines of the live area that stand above the cursor.
    area: Vec<String>,
}

impl Terminal {
    /// This process's standard error.
    #[must_use]
    pub fn stderr() -> Self {
        let term = Term::stderr();
        Self::to(stderr(), move || {
            let (rows, columns) = term.size_checked().unwrap_or((24, 80));
            // A terminal without a size, such as a serial line, reports zero.
            Size { columns: usize::from(columns).max(20), rows: usize::from(rows).max(4) }
        })
    }

    /// Anything that takes bytes, and what tells its size.
    #[must_use]
    pub fn to(
        out: impl Write + Send + 'static,
        size: impl FnMut() -> Size + Send + 'static,
    ) -> Self {
        let inner = Inner { out: Box::new(out), size: Box::new(size), area: Vec::new() };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Writes text above the live area, ending its last line if it has no end.
    pub fn print(&self, text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let mut inner = self.lock();
        let area = std::mem::take(&mut inner.area);
        let mut bytes = inner.back_over(&area);
        if !area.is_empty() {
            bytes.push_str("\x1b[J");
        }
        bytes.push_str(text);
        bytes.push_str(end);
        for line in &area {
            _ = writeln!(bytes, "{line}");
        }
        inner.area = area;
        inner.write(&bytes);
    }

    /// The size of now.
    pub(super) fn size(&self) -> Size {
        (self.lock().size)()
    }

    /// Draws the live area anew. Lines must fit into the width; no lines clear it.
    pub(super) fn draw(&self, lines: Vec<String>) {
        let mut inner = self.lock();
        if inner.area.is_empty() && lines.is_empty() {
            return;
        }
        let before = std::mem::take(&mut inner.area);
        let mut bytes = inner.back_over(&before);
        // Each line is overwritten and then cleared to its end: clearing first would flicker.
        for line in &lines {
            _ = writeln!(bytes, "{line}\x1b[K");
        }
        bytes.push_str("\x1b[J");
        inner.area = lines;
        inner.write(&bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What moves the cursor from below the area to its start. A terminal that has become
    /// narrower since breaks the lines that no longer fit.
    fn back_over(&mut self, area: &[String]) -> String {
        if area.is_empty() {
            return String::new();
        }
        let columns = (self.size)().columns.max(1);
        let rows: usize =
            area.iter().map(|line| measure_text_width(line).div_ceil(columns).max(1)).sum();
        format!("\r\x1b[{rows}A")
    }

    /// One write, so that nothing of another process comes between.
    fn write(&mut self, bytes: &str) {
        // Who closed standard error wants no messages; there is nobody to tell.
        _ = self.out.write_all(bytes.as_bytes());
        _ = self.out.flush();
    }
}
