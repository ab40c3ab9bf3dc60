//! A folder with a lab of its own, for tests of labs.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nix::unistd::Pid;
use serde_json::Value;

use super::caretaker::take_care_of;
use super::machine::{self, Share};

/// A folder with its own lab, which is removed when the test ends, even if the test fails.
pub struct Home {
    pub folder: tempfile::TempDir,
    _share: Share,
}

impl Home {
    pub fn new() -> Self {
        Self::with(machine::small_share())
    }

    pub fn with(share: Share) -> Self {
        Self::at(tempfile::tempdir().unwrap(), share)
    }

    pub fn at(folder: tempfile::TempDir, share: Share) -> Self {
        take_care_of(folder.path());
        Self { folder, _share: share }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
        command.args(["lab"]).args(args).env("ROLLPROOF_HOME", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs a command that must succeed, and parses its JSON.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{args:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join(".rollproof")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.run(&["down"]);
    }
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub fn engine_pid(lab: &Value) -> Pid {
    Pid::from_raw(i32::try_from(lab["nodes"][0]["pid"].as_i64().unwrap()).unwrap())
}
