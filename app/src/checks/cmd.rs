//! A program that decides itself, with a time limit. Exit codes are those of timeout(1) and of
//! shells.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::Found;

/// The time limit was reached.
const TIMED_OUT: u8 = 124;
/// The program cannot be run.
const NOT_RUN: u8 = 126;
/// There is no such program.
const NOT_FOUND: u8 = 127;
/// A signal ended it: 128 and the number of the signal.
const SIGNALLED: u8 = 128;

/// As much output as Docker keeps of a check.
const KEPT: usize = 4096;

pub async fn check(program: &OsStr, args: &[OsString], limit: Duration) -> Found {
    let name = program.to_string_lossy();
    let started = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // A group of its own: its children end with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            let code = if error.kind() == ErrorKind::NotFound { NOT_FOUND } else { NOT_RUN };
            return Found::ill(code, format!("{name}: {}", crate::backends::reason(&error)));
        }
    };
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let reading = async {
        tokio::join!(read(child.stdout.take(), &mut out), read(child.stderr.take(), &mut err),);
        child.wait().await
    };
    let ended = timeout(limit, reading).await;
    if let Some(group) = group.filter(|_| ended.is_err()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let said = [last_line(&err), last_line(&out)].into_iter().find(|line| !line.is_empty());
    let (code, how) = match ended {
        Ok(Ok(status)) => described(status),
        Ok(Err(error)) => (NOT_RUN, crate::backends::reason(&error)),
        Err(_) => (TIMED_OUT, format!("did not end within {}", humantime::format_duration(limit))),
    };
    Found {
        code,
        line: format!("{name} {how}{}", said.map_or_else(String::new, |it| format!(": {it}"))),
    }
}

fn described(status: ExitStatus) -> (u8, String) {
    match (status.code(), status.signal()) {
        (Some(0), _) => (0, "succeeded".to_owned()),
        (Some(code), _) => {
            (u8::try_from(code).unwrap_or(u8::MAX), format!("ended with exit code {code}"))
        }
        (None, signal) => {
            let signal = u8::try_from(signal.unwrap_or(0)).unwrap_or(0);
            (SIGNALLED.saturating_add(signal), format!("was ended by signal {signal}"))
        }
    }
}

/// Reads to the end, and keeps the beginning.
async fn read(pipe: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    let mut bytes = [0; 1024];
    while let Ok(read @ 1..) = pipe.read(&mut bytes).await {
        let room = KEPT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&bytes[..room]);
    }
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default().to_owned()
}
