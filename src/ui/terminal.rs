//! Standard error, shared by everything that writes to it while a live area may stand there.
//!
//! The area is drawn here and not by a progress-bar library: indicatif fills each line with
//! spaces up to the terminal's width and counts rows by the present width, so that a narrower
//! window keeps debris and a wider one loses lines above the area (tried with 0.18.6 in tmux).

use std::fmt::Write as _;
use std::io::{self, Write, stderr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use console::{Term, measure_text_width};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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
    /// The width they were drawn for.
    columns: usize,
}

/// Clears from the cursor to the end of the screen.
const CLEAR_DOWN: &str = "\x1b[J";

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

    /// Anything that takes bytes, and a function that returns its size.
    #[must_use]
    pub fn to(
        out: impl Write + Send + 'static,
        size: impl FnMut() -> Size + Send + 'static,
    ) -> Self {
        let inner =
            Inner { out: Box::new(out), size: Box::new(size), area: Vec::new(), columns: 0 };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// Writes text above the live area, ending its last line if it has no end.
    pub fn print(&self, text: &str) {
        let mut inner = self.lock();
        let area = std::mem::take(&mut inner.area);
        let mut bytes = inner.back_over(&area);
        if !area.is_empty() {
            bytes.push_str(CLEAR_DOWN);
        }
        bytes.push_str(text);
        if !text.ends_with('\n') {
            bytes.push('\n');
        }
        push_area(&mut bytes, &area);
        inner.area = area;
        inner.write(&bytes);
    }

    /// The present size.
    #[must_use]
    pub fn size(&self) -> Size {
        (self.lock().size)()
    }

    /// Draws the live area anew. Lines must fit into the width; no lines clear it.
    pub fn draw(&self, lines: Vec<String>) {
        let mut inner = self.lock();
        if inner.area.is_empty() && lines.is_empty() {
            return;
        }
        let before = std::mem::take(&mut inner.area);
        let mut bytes = inner.back_over(&before);
        let columns = (inner.size)().columns;
        if columns != inner.columns {
            // Rows that the terminal broke remember that they belong together, and would be
            // joined again by the next change of width; only clearing makes it forget.
            inner.columns = columns;
            bytes.push_str(CLEAR_DOWN);
        }
        push_area(&mut bytes, &lines);
        bytes.push_str(CLEAR_DOWN);
        inner.area = lines;
        inner.write(&bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// What moves the cursor from below the area to its start. A terminal that has become
    /// narrower since breaks the lines that no longer fit, as almost all do today.
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
        // Who closed standard error wants no messages; nobody would read this error either.
        _ = self.out.write_all(bytes.as_bytes());
        _ = self.out.flush();
    }
}

/// The lines of the area, each cleared to its end: clearing before would flicker. The terminal
/// must not wrap them: it may already be narrower than it says.
fn push_area(bytes: &mut String, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    bytes.push_str("\x1b[?7l");
    for line in lines {
        _ = writeln!(bytes, "{line}\x1b[K");
    }
    bytes.push_str("\x1b[?7h");
}

/// Writes log lines above the live area of a [`Terminal`].
#[derive(Clone)]
pub struct LogWriter {
    terminal: Terminal,
}

impl LogWriter {
    /// A writer to that terminal.
    #[must_use]
    pub fn new(terminal: Terminal) -> Self {
        Self { terminal }
    }
}

impl Write for LogWriter {
    /// The formatter hands over each event in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.terminal.print(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Starts the log of this process: warnings, or what `level` says, such as `info` or
/// `rollproof=debug`, in the syntax of `tracing_subscriber::EnvFilter`. A second call in the same
/// process changes nothing.
pub fn start_log(level: Option<&str>, colour: bool, terminal: &Terminal) {
    _ = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level.unwrap_or("warn")))
        .with_writer(LogWriter::new(terminal.clone()))
        .with_ansi(colour)
        .with_target(level.is_some())
        .without_time()
        .try_init();
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<String>>);

    impl Kept {
        fn take(&self) -> String {
            std::mem::take(&mut self.0.lock().unwrap())
        }
    }

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal(columns: &Arc<AtomicUsize>) -> (Kept, Terminal) {
        let (kept, columns) = (Kept::default(), Arc::clone(columns));
        let size = move || Size { columns: columns.load(Ordering::Relaxed), rows: 24 };
        (kept.clone(), Terminal::to(kept, size))
    }

    #[test]
    fn lines_that_a_narrower_window_broke_are_counted_as_broken() {
        let columns = Arc::new(AtomicUsize::new(80));
        let (kept, terminal) = terminal(&columns);
        terminal.draw(vec!["x".repeat(70), "\x1b[31my\x1b[0m".into(), String::new()]);
        assert!(!kept.take().contains('A'), "nothing stands above the first drawing");
        for (width, rows) in [(80, 3), (35, 4), (30, 5), (200, 3)] {
            columns.store(width, Ordering::Relaxed);
            terminal.print("line");
            let written = kept.take();
            assert!(written.starts_with(&format!("\r\x1b[{rows}A\x1b[Jline\n")), "{written:?}");
        }
    }

    #[test]
    fn without_an_area_text_is_written_as_it_is() {
        let (kept, terminal) = terminal(&Arc::new(AtomicUsize::new(80)));
        terminal.print("a");
        terminal.print("b\n");
        terminal.draw(Vec::new());
        assert_eq!(kept.take(), "a\nb\n");
    }

    #[test]
    fn a_cleared_area_stays_cleared() {
        let (kept, terminal) = terminal(&Arc::new(AtomicUsize::new(80)));
        terminal.draw(vec!["area".into()]);
        terminal.draw(Vec::new());
        assert!(kept.take().ends_with("\r\x1b[1A\x1b[J"));
        terminal.print("after");
        assert_eq!(kept.take(), "after\n");
    }
}
