//! The system programs that a lab needs: finding and running them.

use std::env;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::{Error, Result};

/// Folders of system programs; an ordinary user's `PATH` often lacks some of them.
pub(super) const SYSTEM: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Time limit of one command. They all end within milliseconds.
const WITHIN: Duration = Duration::from_secs(10);

/// The system programs that make a lab's namespaces and network.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub ip: PathBuf,
    pub nsenter: PathBuf,
    pub unshare: PathBuf,
    pub setsid: PathBuf,
}

impl Programs {
    /// Their names and packages.
    pub(super) const NEEDED: [(&str, &str); 4] = [
        ("ip", "iproute2"),
        ("nsenter", "util-linux"),
        ("unshare", "util-linux"),
        ("setsid", "util-linux"),
    ];

    /// Finds all programs. An error names the first missing one.
    pub(super) fn find() -> Result<Self> {
        Ok(Self {
            ip: needed("ip")?,
            nsenter: needed("nsenter")?,
            unshare: needed("unshare")?,
            setsid: needed("setsid")?,
        })
    }
}

/// Finds a program in `PATH` or in the folders of system programs.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn needed(name: &str) -> Result<PathBuf> {
    let package = Programs::NEEDED.iter().find(|(program, _)| *program == name);
    find_program(name).ok_or_else(|| missing(name, package.map_or(name, |(_, package)| package)))
}

/// The error for a program that is not installed.
pub(super) fn missing(name: &str, package: &str) -> Error {
    Error::environment(format!(
        "a private engine needs the program `{name}`, which is not installed"
    ))
    .hint(format!("run `make setup`, or install {package}"))
}

pub(super) fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let of_user: Vec<PathBuf> = env::split_paths(&path).filter(|p| p.is_absolute()).collect();
    of_user.into_iter().chain(SYSTEM.map(PathBuf::from))
}

pub(super) fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Runs a program with `input` on its standard input and returns its output.
pub(super) async fn run<A: AsRef<OsStr>>(
    program: &Path,
    args: &[A],
    input: &str,
) -> Result<String> {
    let shown = || {
        let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        format!("{} {}", program.display(), args.join(" "))
    };
    let exchange = async {
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // If the program exits without reading, its standard error says why.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = match tokio::time::timeout(WITHIN, exchange).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            return Err(Error::environment(format!("cannot run `{}`", shown())).caused_by(error));
        }
        Err(_) => {
            return Err(Error::environment(format!(
                "`{}` did not exit within {} s",
                shown(),
                WITHIN.as_secs()
            )));
        }
    };
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Error::environment(format!("`{}` failed", shown())).caused_by(format!(
        "{}: {}",
        output.status,
        said.trim()
    )))
}
