//! A folder in which the program is run as its user runs it, on a real engine.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::MutexGuard;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::machine;

/// How long any one command may take before the test gives up on it.
const COMMAND_WITHIN: Duration = Duration::from_secs(420);

/// A folder in which the program is run. What it started is removed when the test ends, however
/// it ends.
pub struct Workplace {
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// How a command ended.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.out, self.err))
    }

    /// Stops the test unless the command ended with this code.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }
}

impl Workplace {
    pub fn new() -> Self {
        let alone = machine::alone();
        let folder = tempfile::tempdir().unwrap();
        // Downloaded packages are shared by all tests, as by all runs in one folder.
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        std::fs::create_dir_all(&cache).unwrap();
        let state = folder.path().join(".rollproof");
        std::fs::create_dir_all(&state).unwrap();
        std::os::unix::fs::symlink(cache, state.join("cache")).unwrap();
        Self { folder, _alone: alone }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join(".rollproof")
    }

    /// The program with these arguments, in this folder, in a known environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollproof"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        for key in ["DOCKER_HOST", "DOCKER_CONTEXT", "ROLLPROOF_ENGINE", "CI", "TERM"] {
            command.env_remove(key);
        }
        command.env("ROLLPROOF_HOME", self.path()).env("DOCKER_CONFIG", self.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Ended {
        finish(&mut self.command(args))
    }

    /// Starts a command whose output goes to files beside the state folder.
    pub fn start(&self, args: &[&str]) -> Child {
        let file = |name: &str| std::fs::File::create(self.path().join(name)).unwrap();
        self.command(args).stdout(file("out")).stderr(file("err")).spawn().unwrap()
    }

    /// The lab's engine, as `DOCKER_HOST` spells it.
    pub fn docker_host(&self) -> String {
        let line = self.run(&["lab", "env"]).expect(0).out;
        line.trim().strip_prefix("export DOCKER_HOST=").unwrap().to_owned()
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Waits until what a started command writes contains `text`.
    pub fn wait_for(&self, name: &str, text: &str) {
        until(&format!("`{text}` in {name}"), Duration::from_secs(120), || {
            std::fs::read_to_string(self.path().join(name)).ok().filter(|all| all.contains(text))
        });
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        let _ = self.command(&["down"]).output();
    }
}

/// Runs a command to its end, which must come within reason.
pub fn finish(command: &mut Command) -> Ended {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let watchdog = std::thread::spawn(move || {
        if is_done.recv_timeout(COMMAND_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    drop(done);
    watchdog.join().unwrap();
    Ended {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// The docker CLI against an engine.
pub fn docker(host: &str, args: &[&str]) -> Ended {
    let mut command = Command::new("docker");
    command.args(["--host", host]).args(args).env_remove("DOCKER_CONTEXT").stdin(Stdio::null());
    finish(&mut command)
}

/// Waits for something that has to happen.
pub fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen within {within:?}");
        sleep(Duration::from_millis(20));
    }
}

/// The repository's own stack file.
pub fn example(name: &str) -> String {
    format!("{}/stacks/{name}", env!("CARGO_MANIFEST_DIR"))
}
