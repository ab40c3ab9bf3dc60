//! Short-lived child processes: `ip`, `nsenter`, `unshare`.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::{Error, Result};

/// How long one such command may take. All of them end within milliseconds.
const WITHIN: Duration = Duration::from_secs(10);

/// Runs a program to its end with `input` on its standard input, and gives its output.
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
            // A program that ends without reading says why on its standard error.
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
                "`{}` did not end within {} s",
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
