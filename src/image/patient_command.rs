//! Running another program to its end, but not for ever.

use std::io::{Read as _, Seek as _};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::{Error, Result};

/// How often to look whether the program has ended. `std` has no wait with a limit.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a program without input to its end and gives back what it printed on its standard
/// output. `what` is what it does, as in "cannot …".
///
/// # Errors
/// When it cannot be started, fails (its own words are the cause), or takes longer than `limit`
/// and had to be killed.
pub(super) fn run_patiently(command: &mut Command, what: &str, limit: Duration) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::environment(format!("cannot {what}")).caused_by(cause.to_string())
    };
    // Files and not pipes: nobody has to read while the program writes.
    let mut out = tempfile::tempfile().map_err(|cause| failed(&cause))?;
    let mut err = tempfile::tempfile().map_err(|cause| failed(&cause))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone().map_err(|cause| failed(&cause))?)
        .stderr(err.try_clone().map_err(|cause| failed(&cause))?)
        .spawn()
        .map_err(|cause| {
            failed(&format!("{}: {cause}", command.get_program().to_string_lossy()))
        })?;
    let begun = Instant::now();
    let ended: Option<ExitStatus> = loop {
        match child.try_wait().map_err(|cause| failed(&cause))? {
            Some(status) => break Some(status),
            None if begun.elapsed() >= limit => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let read = |file: &mut std::fs::File| {
        let mut text = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut text));
        read.map(|_| String::from_utf8_lossy(&text).trim().to_owned())
    };
    let said = read(&mut err).map_err(|cause| failed(&cause))?;
    match ended {
        Some(status) if status.success() => read(&mut out).map_err(|cause| failed(&cause)),
        Some(status) if said.is_empty() => Err(failed(&status)),
        Some(_) => Err(failed(&said)),
        None => Err(failed(&format!("gave up after {}", humantime::format_duration(limit)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<String> {
        run_patiently(Command::new("sh").args(["-c", script]), "ask the shell", limit)
    }

    fn cause(error: &Error) -> String {
        std::error::Error::source(error).unwrap().to_string()
    }

    #[test]
    fn what_it_printed_comes_back_or_its_own_words_why_not() {
        let minute = Duration::from_secs(60);
        assert_eq!(shell("echo good; echo noise >&2", minute).unwrap(), "good");
        let error = shell("echo bad luck >&2; exit 3", minute).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), cause(&error).as_str()),
            ("cannot ask the shell", "bad luck")
        );
        assert_eq!(cause(&shell("exit 3", minute).unwrap_err()), "exit status: 3");
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let error = shell("exec sleep 600", Duration::from_millis(50)).unwrap_err();
        assert_eq!(cause(&error), "gave up after 50ms");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error =
            run_patiently(&mut Command::new("rollproof-no-such"), "try", Duration::from_secs(1));
        assert!(cause(&error.unwrap_err()).starts_with("rollproof-no-such: "));
    }
}
