//! Results on standard output.

use std::io::Write as _;

use crate::error::{Error, Result};

/// Writes a result to standard output. A reader that has seen enough, such as `head`, is no
/// failure.
pub(super) fn put(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::environment("cannot write to standard output").caused_by(error))
        }
        _ => Ok(()),
    }
}

/// The same with a line end.
pub(super) fn put_line(text: impl std::fmt::Display) -> Result<()> {
    put(&format!("{text}\n"))
}

/// Writes a result with a line end to standard error, which may be closed.
pub(super) fn put_line_to_stderr(text: impl std::fmt::Display) {
    let _ = anstream::stderr().lock().write_all(format!("{text}\n").as_bytes());
}
