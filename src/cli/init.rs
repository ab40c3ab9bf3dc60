//! `rollproof init`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};

use super::args::Cli;
use super::config::{self, NAME};
use super::console::Console;
use super::dry_run_step::Step;
use super::output::{put, put_line};
use super::output_files::save;
use crate::deploy::read_stack;
use crate::error::{Error, Result};
use crate::run::{Target, TargetWish, find_target, own_body};
use crate::scenario::{broken_update, update};
use crate::site::ImageChecks;
use crate::stack::ServiceBody;
use crate::wording::{clean, counted, wrap};

/// What stack files are usually called.
const USUAL: [&str; 8] = [
    "stack.yml",
    "stack.yaml",
    "docker-stack.yml",
    "docker-stack.yaml",
    "compose.yml",
    "compose.yaml",
    "docker-compose.yml",
    "docker-compose.yaml",
];
/// The name that services are prefixed with, only to be removed again.
const NAMESPACE: &str = "init";

/// Look at a stack file and write a rollproof.yml beside it
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof init -c stack.yml    write rollproof.yml\n  \
    rollproof init -               print it")]
pub(super) struct InitArgs {
    /// File to write, `-` for standard output [default: rollproof.yml beside the stack file]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Stack file; repeat to merge several [default: the only one of this folder with a usual name]
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    files: Vec<String>,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,

    /// Print the JSON schema of rollproof.yml instead
    #[arg(long, conflicts_with_all = ["file", "files", "force"])]
    schema: bool,
}

pub(super) fn run(args: InitArgs, console: &Console) -> Result<u8> {
    if args.schema {
        let mut root = Cli::command();
        root.build();
        return put_line(format!("{:#}", config::schema(&root))).map(|()| 0);
    }
    let files = if args.files.is_empty() { vec![usual_file()?] } else { args.files };
    let stack = read_stack(&files)?;
    let services = stack.requests(NAMESPACE)?.services;
    let beside = Path::new(&files[0]).parent().unwrap_or(Path::new("")).join(NAME);
    let file = args.file.unwrap_or(beside);
    if file.as_os_str() == "-" {
        let text = text(&names(&files, Path::new("")), &services);
        return put(&text).map(|()| 0);
    }
    let folder = file.parent().unwrap_or(Path::new(""));
    write(&file, &text(&names(&files, folder), &services), args.force)?;
    console.tell(&format!("wrote {}", file.display()));
    console.tell("`rollproof verify --dry-run` says what it comes to, `rollproof verify` does it");
    Ok(0)
}

fn usual_file() -> Result<String> {
    let there: Vec<&str> = USUAL.into_iter().filter(|name| Path::new(name).is_file()).collect();
    match there[..] {
        [one] => Ok(one.to_owned()),
        [] => Err(Error::usage("there is no stack file with a usual name in this folder")
            .hint("-c FILE names one")),
        _ => Err(Error::usage(format!("there are several stack files: {}", there.join(", ")))
            .hint("-c FILE chooses one, or several to merge")),
    }
}

/// The stack files as the configuration file in `folder` has to name them.
fn names(files: &[String], folder: &Path) -> Vec<String> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute(if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let name = |file: &String| {
        let file = absolute(Path::new(file));
        file.strip_prefix(&folder).unwrap_or(&file).display().to_string()
    };
    files.iter().map(name).collect()
}

fn write(file: &Path, text: &str, force: bool) -> Result<()> {
    if !force && file.symlink_metadata().is_ok() {
        return Err(Error::usage(format!("{} exists", file.display()))
            .hint("--force replaces it; `rollproof init -` prints what would be written"));
    }
    save(file, text)
}

fn text(files: &[String], services: &[ServiceBody]) -> String {
    let target = find_target(services, NAMESPACE, &TargetWish::default(), "ENGINE");
    let mut page = Page::default();
    page.note("", "Settings of rollproof for this stack, written by `rollproof init`.");
    page.note("", "A key is the long name of an option: `rollproof verify --help` describes them all. What is typed, and the environment, win over this file.");
    page.line("");
    page.line("target:");
    if let [file] = files {
        page.line(&format!("  compose-file: {}", scalar(file)));
    } else {
        page.line("  compose-file:");
        for file in files {
            page.line(&format!("    - {}", scalar(file)));
        }
    }
    page.service(services, target.as_ref());
    page.load();
    page.line("");
    page.note("", "What may be lost; without limits nothing.");
    page.line("limits:");
    page.line("  # allow-failed: 0.1%");
    page.line("  # allow-gap: 200ms");
    page.scenarios(services, target.ok().as_ref());
    page.line("");
    page.note("", "Files to write, beside the summary on standard output.");
    page.line("formats:");
    page.line("  # junit: rollproof.xml");
    page.line("  # html: rollproof.html");
    page.0
}

/// The lines of the file.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.0, "{text}");
    }

    fn note(&mut self, indent: &str, text: &str) {
        for line in wrap(&clean(text), 78 - indent.len(), usize::MAX) {
            self.line(&format!("{indent}# {line}"));
        }
    }

    fn service(&mut self, services: &[ServiceBody], target: Result<&Target, &Error>) {
        let about = |body: &ServiceBody| {
            let replicas =
                body.replicas().map_or("one on each node".to_owned(), |n| counted(n, "replica"));
            format!("{} ({replicas} of {})", short(body.name()), body.image())
        };
        match target {
            Ok(target) => {
                let (own, others): (Vec<_>, Vec<_>) =
                    services.iter().partition(|body| body.name() == target.service);
                let own: Vec<String> = own.into_iter().map(about).collect();
                self.note("  ", &format!("The service that is updated: {}.", own.join(", ")));
                let others: Vec<String> = others.into_iter().map(about).collect();
                if !others.is_empty() {
                    self.note("  ", &format!("Not {}.", others.join(", ")));
                }
                self.line(&format!("  service: {}", scalar(short(&target.service))));
                if let Some(port) = target.port {
                    self.note("  ", &format!("Users ask port {port}, which the stack publishes."));
                }
                self.line("  # path: /health");
            }
            Err(error) => {
                self.note("  ", &format!("Please choose: {error}."));
                error.hints().iter().for_each(|hint| self.note("  ", hint));
                let all: Vec<String> = services.iter().map(about).collect();
                self.note("  ", &format!("The services are {}.", all.join(", ")));
                self.line("  # service: NAME");
                self.note("  ", "The address that users ask.");
                self.line("  # url: http://127.0.0.1:8080/");
            }
        }
    }

    fn load(&mut self) {
        self.line("");
        self.line("load:");
        self.note("  ", "Requests a second of the densest stream; the others send a share of it.");
        self.line("  rate: 200");
        self.note("  ", "A response that is later than this is a failed request.");
        self.line("  deadline: 800ms");
        self.note("  ", "How long to measure before, between and after the changes.");
        self.line("  baseline: 5s");
        self.note("  ", "What a good response is, if not a 200.");
        self.line("  # expect-status: [200, 204]");
        self.line("  # expect-body-prefix: ok");
    }

    fn scenarios(&mut self, services: &[ServiceBody], target: Option<&Target>) {
        self.line("");
        self.note("", "`rollproof scenarios` lists more; a YAML file has your own.");
        self.line("scenarios:");
        let body = target.and_then(|target| own_body(services, target).ok());
        for one in [update(Vec::new()), broken_update(None)] {
            if let Some(body) = &body {
                let predicted = Step::of(&one, true, body, &ImageChecks::new(), None, 1.0).0;
                self.note("  ", &format!("{}; {}", one.about, predicted.ending));
            }
            self.line(&format!("  - {}", one.name));
        }
    }
}

fn short(service: &str) -> &str {
    service.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix('_')).unwrap_or(service)
}

/// A text as YAML.
fn scalar(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '/' | '-');
    if text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/') && text.chars().all(plain)
    {
        return text.to_owned();
    }
    // A JSON string is a YAML scalar.
    serde_json::Value::from(text).to_string()
}
