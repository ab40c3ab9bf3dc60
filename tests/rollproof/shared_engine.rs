//! One private engine for all tests that need no engine of their own.

use std::path::Path;
use std::sync::OnceLock;

use rollproof::engine::{DockerHost, Engine};
use rollproof::image::{companion_image, find_app_binary};

use super::caretaker::take_care_of;
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

/// The shared engine with the images of the examples in it. The first call starts it; it is removed
/// when this process ends.
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
