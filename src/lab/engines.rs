//! Starts the engines of the nodes and joins them into one swarm.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::description::LabNode;
use super::engine_source::EngineSource;
use super::names::{LAB_MARK, LabNames, NODE_MARK};
use super::programs::Programs;
use crate::engine::Engine;
use crate::error::{Error, Result};

const INIT: &str = include_str!("node_init.sh");

/// Closes what the program that started this one left open: a lock or a pipe would stay busy for as
/// long as the lab exists.
const LET_GO: &str = r#"exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec "$@""#;

/// How many lines of an engine's log to show in an error.
const LOG_LINES: usize = 12;

/// The engine of a node that is starting.
pub(super) struct NodeStart<'a> {
    names: &'a LabNames,
    node: &'a LabNode,
    process: Child,
    answers: bool,
}

impl Drop for NodeStart<'_> {
    /// A start that is given up ends by the process's id: in the middle of an `exec` a process has no
    /// environment, and the search for the lab's processes could miss it.
    fn drop(&mut self) {
        if !self.answers {
            let _ = self.process.start_kill();
        }
    }
}

impl<'a> NodeStart<'a> {
    /// Starts the engine in a new session, with its output in the node's log.
    pub(super) fn spawn(
        programs: &Programs,
        engine: &EngineSource,
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
        // The host's /etc/docker/daemon.json belongs to another engine.
        let empty = runtime.join("daemon.json");
        fs::write(&empty, "{}").map_err(failed(format!("cannot write {}", empty.display())))?;
        let config = engine.settings().unwrap_or(empty);
        let dockerd = engine.dockerd();
        let log = names.node_log(&node.name);
        let output =
            File::create(&log).map_err(failed(format!("cannot create {}", log.display())))?;
        let errors =
            output.try_clone().map_err(failed(format!("cannot open {} again", log.display())))?;

        let process = Command::new(&programs.setsid)
            .args(["sh", "-c", LET_GO, "rollproof-node"])
            .arg(&programs.nsenter)
            .arg(format!("--net={}", node.namespace.display()))
            .arg(&programs.unshare)
            // The node must not keep busy what the host unmounts later.
            .args(["--propagation", "slave"])
            .args(["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", INIT, "rollproof-node", node.name.as_str()])
            .args([names.runtime().as_path(), &data, engine.root().unwrap_or(Path::new(""))])
            .arg(&dockerd)
            .args(["--config-file".as_ref(), config.as_os_str()])
            .arg("--host")
            .arg(format!("unix://{}", node.socket.display()))
            .args(["--data-root".as_ref(), data.as_os_str()])
            .args(["--exec-root".as_ref(), runtime.join("exec").as_os_str()])
            .args(["--pidfile".as_ref(), runtime.join("docker.pid").as_os_str()])
            // With the systemd driver, cgroups would follow the host's rules.
            .args(["--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent"])
            .arg(format!("/{}/{}", names.cgroup(), node.name))
            .env_clear()
            .env("PATH", engine.node_path())
            .env(LAB_MARK, names.id())
            .env(NODE_MARK, &node.name)
            // Prevents the engine from replacing the AppArmor profile of the host's engine.
            .env("container", "rollproof")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            .spawn()
            .map_err(failed(format!("cannot start {}", dockerd.display())))?;
        Ok(Self { names, node, process, answers: false })
    }

    /// Waits until the engine answers.
    pub(super) async fn answering(mut self, deadline: Instant) -> Result<Engine> {
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(self.ended(status));
            }
            let attempt = Engine::connect(self.node.host());
            match tokio::time::timeout_at(deadline, attempt).await {
                Ok(Ok(engine)) => {
                    self.answers = true;
                    return Ok(engine);
                }
                Ok(Err(_)) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                _ => return Err(self.silent()),
            }
        }
    }

    fn ended(&self, status: ExitStatus) -> Error {
        let error = Error::environment(format!("the engine of node {} exited", self.node.name));
        self.with_log(error.caused_by(status.to_string()))
    }

    fn silent(&self) -> Error {
        let message = format!("the engine of node {} did not answer in time", self.node.name);
        self.with_log(Error::environment(message))
    }

    fn with_log(&self, error: Error) -> Error {
        match log_tail(&self.names.node_log(&self.node.name)) {
            Ok(tail) if !tail.is_empty() => {
                error.hint(format!("the last lines of its log:\n{tail}"))
            }
            _ => error.hint("its log is empty"),
        }
    }
}

/// The last lines of a log, read from its end.
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

/// Makes the first engine the manager and the others workers, and waits until the manager
/// reports all of them as ready.
pub(super) async fn form_swarm(
    nodes: &[LabNode],
    engines: &[Engine],
    deadline: Instant,
) -> Result<()> {
    let (Some((first, workers)), Some((manager, engines))) =
        (nodes.split_first(), engines.split_first())
    else {
        return Ok(());
    };
    let address = first.address.to_string();
    let forming = async {
        manager.init_swarm(&address).await?;
        if workers.is_empty() {
            return Ok(());
        }
        let token = manager.worker_token().await?;
        let joins = workers.iter().zip(engines).map(|(node, engine)| {
            let (manager, token) = (&address, &token);
            async move { engine.join_swarm(manager, &node.address.to_string(), token).await }
        });
        try_join_all(joins).await.map(drop)
    };
    match tokio::time::timeout_at(deadline, forming).await {
        Ok(formed) => formed?,
        Err(_) => return Err(Error::environment("the lab's engines did not form a swarm in time")),
    }
    loop {
        let ready = manager.nodes().await?.iter().filter(|node| node.state == "ready").count();
        if ready == nodes.len() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::environment(format!(
                "only {ready} of the lab's {} nodes became ready in time",
                nodes.len()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
