//! Standard error, shared by everything that writes to it while a live area may stand there.

use std::io::{Write, stderr};
use std::sync::{Arc, Mutex, PoisonError};

/// Standard error, shared by everything that writes to it. A clone is another handle on the
/// same one.
#[derive(Clone)]
pub struct Terminal {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    out: Box<dyn Write + Send>,
}

impl Terminal {
    /// This process's standard error.
    #[must_use]
    pub fn stderr() -> Self {
        Self::to(Box::new(stderr()))
    }

    /// Anything that takes bytes.
    pub(super) fn to(out: Box<dyn Write + Send>) -> Self {
        Self { inner: Arc::new(Mutex::new(Inner { out })) }
    }

    /// Writes text above the live area, ending its last line if it has no end.
    pub fn print(&self, text: &str) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let end = if text.ends_with('\n') { "" } else { "\n" };
        // Who closed standard error wants no messages; there is nobody to tell.
        _ = inner.out.write_all(format!("{text}{end}").as_bytes());
        _ = inner.out.flush();
    }
}
