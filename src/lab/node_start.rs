//! Starts the engine of one node and waits until it answers.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::lab_names::{LAB_MARK, LabNames, NODE_MARK};
use super::lab_node::LabNode;
use super::programs::Programs;
use crate::engine::Engine;
use crate::error::{Error, Result};

const INIT: &str = include_str!("node_init.sh");

/// How many lines of an engine's log an error shows.
const LOG_LINES: usize = 12;

/// The engine of a node that is starting.
pub(super) struct NodeStart<'a> {
    names: &'a LabNames,
    node: &'a LabNode,
    process: Child,
}

impl<'a> NodeStart<'a> {
    /// Starts the engine in a session of its own, its output going to the node's log.
    pub(super) fn spawn(
        programs: &Programs,
        names: &'a LabNames,
        node: &'a LabNode,
    ) -> Result<Self> {
        let failed = |what: String| move |error| Error::environment(what).caused_by(error);
        let runtime = names.node_runtime(&node.name);
        let data = names.node_data(&node.name);
        for folder in [&runtime, &data] {
            fs::create_dir_all(folder)
                .map_err(failed(format!("cannot create {}", folder.display())))?;
        }
        // The host's /etc/docker/daemon.json is about another engine.
        let config = runtime.join("daemon.json");
        fs::write(&config, "{}").map_err(failed(format!("cannot write {}", config.display())))?;
        let log = names.node_log(&node.name);
        let output =
            File::create(&log).map_err(failed(format!("cannot create {}", log.display())))?;
        let errors =
            output.try_clone().map_err(failed(format!("cannot open {} again", log.display())))?;

        let process = Command::new(&programs.setsid)
            .arg(&programs.nsenter)
            .arg(format!("--net={}", node.namespace.display()))
            .arg(&programs.unshare)
            // What the host unmounts later shall not stay busy because of the node.
            .args(["--propagation", "slave"])
            .args(["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", INIT, "rollproof-node", node.name.as_str()])
            .arg(names.runtime())
            .arg(&programs.dockerd)
            .args(["--config-file".as_ref(), config.as_os_str()])
            .arg("--host")
            .arg(format!("unix://{}", node.socket.display()))
            .args(["--data-root".as_ref(), data.as_os_str()])
            .args(["--exec-root".as_ref(), runtime.join("exec").as_os_str()])
            .args(["--pidfile".as_ref(), runtime.join("docker.pid").as_os_str()])
            // systemd would make cgroups by the host's rules; the lab's are its own.
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent"])
            .arg(format!("/{}/{}", names.cgroup(), node.name))
            .env_clear()
            .env("PATH", programs.node_path())
            .env(LAB_MARK, names.id())
            .env(NODE_MARK, &node.name)
            // Keeps the engine from replacing the AppArmor profile of the host's engine.
            .env("container", "rollproof")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(failed(format!("cannot start {}", programs.dockerd.display())))?;
        Ok(Self { names, node, process })
    }

    /// Waits until the engine answers.
    pub(super) async fn answering(mut self, deadline: Instant) -> Result<Engine> {
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(self.ended(status));
            }
            let attempt = Engine::connect(self.node.host());
            match tokio::time::timeout_at(deadline, attempt).await {
                Ok(Ok(engine)) => return Ok(engine),
                Ok(Err(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => return Err(self.silent()),
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> Error {
        let error = Error::environment(format!("the engine of node {} ended", self.node.name));
        self.with_log(error.caused_by(status.to_string()))
    }

    fn silent(&self) -> Error {
        let message = format!("the engine of node {} does not answer in time", self.node.name);
        self.with_log(Error::environment(message))
    }

    fn with_log(&self, error: Error) -> Error {
        match log_tail(&self.names.node_log(&self.node.name)) {
            Ok(tail) if !tail.is_empty() => error.hint(format!("its last lines were:\n{tail}")),
            _ => error.hint("it wrote nothing to its log"),
        }
    }
}

/// The last lines of a log, without reading all of it.
fn log_tail(path: &Path) -> std::io::Result<String> {
    const LAST: u64 = 16 * 1024;
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES)..].join("\n"))
}
