//! How a result is written.

use std::fmt::Write as _;

use clap::Args;

use super::ci::Ci;
use super::values::FormatChoice;
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

fn format_help() -> String {
    let mut help =
        "Write the result in this format, to standard output or to FILE; repeat for several\n"
            .to_owned();
    for format in FORMATS {
        let _ = write!(help, "\n{:10} {}", format.name(), format.about());
    }
    help
}
