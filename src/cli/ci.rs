//! What a CI system gets besides the result: `--ci github`, detected under GitHub Actions.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;

use clap::ValueEnum;

use super::output_files;
use crate::error::{Error, Result};
use crate::judge::{Judgement, Pooled};
use crate::record::{Purpose, RunFolder};
use crate::report::{GITHUB, MARKDOWN, Material, Style, annotations};

/// The most that GitHub takes as the summary of a step.
const SUMMARY: usize = 1024 * 1024;

/// The CI system that gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Ci {
    /// none
    None,
    /// annotations, a step summary and outputs for GitHub Actions
    Github,
}

impl Ci {
    /// The one that was asked for; else the one that this command runs under.
    pub(super) fn here(wish: Option<Self>) -> Self {
        let actions = std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true");
        wish.unwrap_or(if actions { Self::Github } else { Self::None })
    }

    /// Tells it the result of one run.
    pub(super) fn tell(self, judgement: &Judgement, record: &Path) -> Result<()> {
        if self == Self::None {
            return Ok(());
        }
        // What cannot be told in one way is told in the others.
        let told = Self::tell_material(Material::One(judgement));
        let streams = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
        let users = streams.filter(|stream| stream.purpose == Purpose::Users);
        let gap = users.map(|stream| stream.longest_gap_s).max().unwrap_or_default();
        let failed: u64 = judgement.scenarios.iter().map(|scenario| scenario.failed).sum();
        let given = outputs(&[
            ("verdict", judgement.verdict.to_string()),
            ("failed", failed.to_string()),
            ("longest-gap", gap.as_secs_f64().to_string()),
            ("report", RunFolder::at(record).report_file().display().to_string()),
        ]);
        output_files::all([told, given])
    }

    /// Tells it the result of several runs.
    pub(super) fn tell_pooled(self, pooled: &Pooled) -> Result<()> {
        if self == Self::None {
            return Ok(());
        }
        let told = Self::tell_material(Material::Several(pooled));
        let runs = &pooled.per_run;
        let gap = runs.iter().map(|run| run.longest_gap_s).max().unwrap_or_default();
        let given = outputs(&[
            ("verdict", pooled.verdict.to_string()),
            ("failed", runs.iter().map(|run| run.failed).sum::<u64>().to_string()),
            ("longest-gap", gap.as_secs_f64().to_string()),
        ]);
        output_files::all([told, given])
    }

    /// Tells it a mistake in one of the user's files.
    pub(super) fn tell_mistake(self, error: &Error) {
        if self != Self::None {
            for line in annotations(error) {
                eprintln!("{line}");
            }
        }
    }

    /// A result as it can be printed: GitHub takes a line that begins with `::` as a command,
    /// whoever wrote it.
    pub(super) fn quote(self, text: &str) -> Cow<'_, str> {
        let is_command = |line: &str| line.trim_start().starts_with("::");
        if self == Self::None || !text.lines().any(is_command) {
            return Cow::Borrowed(text);
        }
        let quote = |line: &str| {
            if is_command(line) { line.replacen("::", ": :", 1) } else { line.to_owned() }
        };
        Cow::Owned(text.lines().map(quote).collect::<Vec<_>>().join("\n"))
    }

    fn tell_material(material: Material) -> Result<()> {
        // Standard output is the result's, which another program may read.
        eprint!("{}", (GITHUB.write)(material, Style::default()));
        let mut summary = (MARKDOWN.write)(material, Style::default());
        let fits = summary.char_indices().map(|(at, _)| at).take_while(|at| *at < SUMMARY).last();
        if summary.len() >= SUMMARY {
            summary.truncate(fits.unwrap_or(0));
        }
        append("GITHUB_STEP_SUMMARY", &summary)
    }
}

/// The outputs of the step.
fn outputs(values: &[(&str, String)]) -> Result<()> {
    // A line end would begin another output; a path can have one.
    let line =
        |(name, value): &(&str, String)| format!("{name}={}\n", value.replace(['\n', '\r'], " "));
    append("GITHUB_OUTPUT", &values.iter().map(line).collect::<String>())
}

/// Appends to the file that a variable of the environment names; nothing if there is none, as when
/// the command is tried elsewhere.
fn append(variable: &str, text: &str) -> Result<()> {
    let Some(file) = std::env::var_os(variable).filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    let written = File::options()
        .append(true)
        .create(true)
        .open(&file)
        .and_then(|mut open| open.write_all(text.as_bytes()));
    written.map_err(|error| {
        let file = Path::new(&file).display();
        Error::environment(format!("cannot write {file}, which {variable} names")).caused_by(error)
    })
}

/// The log of a run, folded away. Until it is dropped, GitHub takes no workflow commands: text of a
/// service could be one.
pub(super) struct LogGroup {
    token: String,
}

impl LogGroup {
    /// Opens it, if there is anything to fold.
    pub(super) fn open(ci: Ci, title: &str) -> Result<Option<Self>> {
        if ci == Ci::None {
            return Ok(None);
        }
        let token = random()?;
        eprintln!("::group::{title}\n::stop-commands::{token}");
        Ok(Some(Self { token }))
    }
}

impl Drop for LogGroup {
    fn drop(&mut self) {
        eprintln!("::{}::\n::endgroup::", self.token);
    }
}

/// What no service can guess.
fn random() -> Result<String> {
    let mut random = [0_u8; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .map_err(|error| Error::environment("cannot read /dev/urandom").caused_by(error))?;
    Ok(hex::encode(random))
}
