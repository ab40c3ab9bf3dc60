//! How a result is written.

use std::fmt::Write as _;
use std::path::Path;

use clap::Args;

use super::ci::Ci;
use super::output_files;
use super::values::FormatChoice;
use crate::error::Result;
use crate::report::FORMATS;

/// How a result is written.
#[derive(Debug, Clone, Args)]
pub(super) struct FormatArgs {
    /// Write the result in this format, to standard output or to FILE; repeat for several
    #[arg(long = "format", value_name = "NAME[=FILE]", hide_short_help = true, long_help = format_help())]
    pub(super) formats: Vec<FormatChoice>,

    /// CI system to tell the result [default: github under GitHub Actions, else none]
    #[arg(long, value_name = "SYSTEM", value_enum, hide_short_help = true)]
    pub(super) ci: Option<Ci>,
}

impl FormatArgs {
    /// Refuses files that cannot be written, or that two results, or the events, would go to.
    ///
    /// # Errors
    /// For the first such file.
    pub(super) fn check(&self, events: Option<&Path>) -> Result<()> {
        let files = self
            .formats
            .iter()
            .filter_map(|choice| choice.file.as_deref().map(|file| (choice.format.name(), file)));
        output_files::check(files.chain(events.map(|file| ("--events", file))))
    }
}

fn format_help() -> String {
    let mut help =
        "Write the result in this format, to standard output or to FILE; repeat for several\n"
            .to_owned();
    for format in FORMATS {
        let _ = write!(help, "\n{:10} {}", format.name(), format.about());
    }
    help
}
