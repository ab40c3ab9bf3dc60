//! One private engine for all tests that need no engine of their own.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use rollproof::engine::{DockerHost, Engine};
use rollproof::image::{companion_image, find_app_binary};

use super::workplace::{command_in, finish, share_cache};

/// The engine that tests share. A test uses a stack name and a published port of its own.
#[derive(Debug)]
pub struct SharedEngine {
    /// As `DOCKER_HOST` spells it.
    pub docker_host: String,
    /// Where the ports of its stacks are.
    pub address: String,
}

static ENGINE: OnceLock<SharedEngine> = OnceLock::new();
/// The processes that remove what this process leaves behind.
static CARETAKERS: Mutex<Vec<Child>> = Mutex::new(Vec::new());

/// The shared engine with the images of the examples in it; the first call starts it.
pub fn shared_engine() -> &'static SharedEngine {
    // A panic in here leaves the cell empty: the next test tries again, in a new folder.
    ENGINE.get_or_init(start)
}

fn start() -> SharedEngine {
    let home = tempfile::tempdir().unwrap().keep();
    take_care_of(&home);
    share_cache(&home);
    let run = |args: &[&str]| finish(&mut command_in(&home, args)).expect(0);
    let lab = run(&["lab", "up", "--json"]).json();
    let docker_host = lab["docker_host"].as_str().unwrap().to_owned();
    let address = lab["nodes"][0]["address"].as_str().unwrap().to_owned();
    // Images that are there are not noted by the tests' own commands, and so not removed.
    run(&["build"]);
    load_companion_image(&docker_host);
    SharedEngine { docker_host, address }
}

fn load_companion_image(docker_host: &str) {
    let host = DockerHost::parse(docker_host).unwrap();
    let load = async {
        let program = Path::new(env!("CARGO_BIN_EXE_rollproof"));
        let image = companion_image(program, &find_app_binary(None).unwrap()).unwrap();
        let engine = Engine::connect(host).await.unwrap();
        engine.load_image(&image.reference, image.archive).await.unwrap();
    };
    // A thread of its own: the test that calls may be in a runtime already.
    std::thread::scope(|scope| {
        scope.spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(load)).join().unwrap();
    });
}

/// Removes the folder's engine and the folder when this process ends, however it ends: a process
/// of its own waits for the end of a pipe that only this process holds. An exit waits for it.
fn take_care_of(home: &Path) {
    let script = r#"
        trap '' INT TERM HUP
        read -r _
        "$0" lab down
        rm -rf "$ROLLPROOF_HOME"
    "#;
    let mut caretaker = Command::new("sh");
    caretaker.args(["-c", script, env!("CARGO_BIN_EXE_rollproof")]);
    caretaker.current_dir(home).env("ROLLPROOF_HOME", home);
    caretaker.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let caretaker = caretaker.spawn().unwrap();
    let mut caretakers = CARETAKERS.lock().unwrap_or_else(PoisonError::into_inner);
    if caretakers.is_empty() {
        at_exit();
    }
    caretakers.push(caretaker);
}

#[expect(unsafe_code, reason = "the standard library has no hook for the end of a process")]
fn at_exit() {
    extern "C" fn end_caretakers() {
        let mut caretakers = CARETAKERS.lock().unwrap_or_else(PoisonError::into_inner);
        for mut caretaker in caretakers.drain(..) {
            // This ends its standard input.
            let _ = caretaker.wait();
        }
    }
    // SAFETY: the function is a plain one that cannot unwind: it ignores every error.
    let refused = unsafe { nix::libc::atexit(end_caretakers) };
    assert_eq!(refused, 0);
}
