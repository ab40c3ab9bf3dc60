//! Starting, finding and ending simulated engines.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::server::Server;
use crate::error::{Error, Result};

/// How long a simulated engine may take to start or to end.
const WITHIN: Duration = Duration::from_secs(10);
/// How long to try for the lock of an engine.
const LOCK_WITHIN: Duration = Duration::from_secs(1);
/// The longest path of a Unix socket on every system.
const LONGEST_SOCKET: usize = 100;

/// Which simulated engine to have.
#[derive(Debug, Clone)]
pub struct SimulationOptions {
    /// The state folder that it belongs to.
    pub state: PathBuf,
    /// How much faster than real its time passes; absent: as it runs already, or in real time.
    pub speed: Option<f64>,
    /// Whether it lives in this process, and ends with it.
    pub for_one_run: bool,
}

/// A simulated engine.
#[derive(Debug)]
pub struct Simulation {
    socket: PathBuf,
    /// Ends an engine of this process when it is dropped.
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    socket: PathBuf,
    _end: DropGuard,
}

impl Drop for Own {
    fn drop(&mut self) {
        remove(&self.socket);
    }
}

/// What stands beside the socket of an engine that has a process of its own.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    process: i32,
    speed: f64,
    socket: PathBuf,
}

impl Simulation {
    /// The socket of the engine.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Whether it ends with this process.
    #[must_use]
    pub fn is_for_one_run(&self) -> bool {
        self.own.is_some()
    }

    /// Starts an engine, or finds the one of the state folder.
    ///
    /// # Errors
    /// When it cannot start, or one runs at another speed.
    pub fn up(options: &SimulationOptions) -> Result<Self> {
        if let Some(found) = Self::describe(&options.state)? {
            if options.speed.is_some_and(|speed| (found.speed - speed).abs() > f64::EPSILON) {
                return Err(Error::usage(format!(
                    "the simulated engine of this folder runs at speed {}",
                    found.speed
                ))
                .hint(format!("use --speed {}, or end it with `rollproof down`", found.speed)));
            }
            return Ok(Self { socket: found.socket, own: None });
        }
        let speed = options.speed.unwrap_or(1.0);
        if options.for_one_run {
            Self::here(&options.state, speed)
        } else {
            Self::apart(&options.state, speed)
        }
    }

    /// The engine of a state folder, if one runs.
    ///
    /// # Errors
    /// When its description cannot be read.
    pub fn find(state: &Path) -> Result<Option<Self>> {
        Ok(Self::describe(state)?.map(|found| Self { socket: found.socket, own: None }))
    }

    /// Ends the engine of a state folder. Whether there was one.
    ///
    /// # Errors
    /// When it does not end.
    pub fn down(state: &Path) -> Result<bool> {
        let Some(found) = Self::describe(state)? else {
            let _ = fs::remove_dir_all(folder(state));
            return Ok(false);
        };
        let process = Pid::from_raw(found.process);
        let deadline = Instant::now() + WITHIN;
        // Its lock says whether it lives: its number may be another process's by now.
        while is_locked(state)? {
            let signal = if Instant::now() < deadline { Signal::SIGTERM } else { Signal::SIGKILL };
            let _ = kill(process, signal);
            if Instant::now() > deadline + WITHIN {
                return Err(Error::environment(format!(
                    "the simulated engine, process {process}, does not end"
                )));
            }
            thread::sleep(Duration::from_millis(20));
        }
        remove(&found.socket);
        let _ = fs::remove_dir_all(folder(state));
        Ok(true)
    }

    /// An engine in this process, on a thread of its own.
    fn here(state: &Path, speed: f64) -> Result<Self> {
        let failed = |cause: String| {
            Error::environment("cannot start the simulated engine").caused_by(cause)
        };
        let name = format!("run-{}.sock", std::process::id());
        let socket = socket(&folder(state), &name).map_err(|error| failed(error.to_string()))?;
        let end = CancellationToken::new();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let (of_thread, ended) = (socket.clone(), end.clone());
        let work = move || {
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error))),
            };
            runtime.block_on(async move {
                match Server::open(&of_thread, speed) {
                    Ok(server) => {
                        let _ = ready.send(Ok(()));
                        tokio::select! {
                            () = server.serve() => {}
                            () = ended.cancelled() => {}
                        }
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
            runtime.shutdown_background();
        };
        let thread = thread::Builder::new().name("simulated".into()).spawn(work);
        thread.map_err(|error| failed(error.to_string()))?;
        is_ready.recv_timeout(WITHIN).map_err(|error| failed(error.to_string()))??;
        let own = Own { socket: socket.clone(), _end: end.drop_guard() };
        Ok(Self { socket, own: Some(own) })
    }

    /// An engine in a process of its own, which `down` ends.
    fn apart(state: &Path, speed: f64) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::environment("cannot start the simulated engine").caused_by(error)
        };
        let program = std::env::current_exe().map_err(failed)?;
        fs::create_dir_all(folder(state)).map_err(failed)?;
        let log = File::create(folder(state).join("log")).map_err(failed)?;
        let mut command = Command::new(program);
        command
            .arg("simulated-engine")
            .arg(state)
            .arg(speed.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            // A Ctrl-C in the terminal is not for it.
            .process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        let deadline = Instant::now() + WITHIN;
        loop {
            if let Some(found) = Self::find(state)? {
                return Ok(found);
            }
            let ended = child.try_wait().map_err(failed)?;
            if ended.is_some() || Instant::now() > deadline {
                let _ = child.kill();
                let log = fs::read_to_string(folder(state).join("log")).unwrap_or_default();
                return Err(Error::environment("the simulated engine did not start")
                    .caused_by(log.trim().to_owned()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Serves the engine of a state folder until `end`: what its process does.
    ///
    /// # Errors
    /// When another one runs, or the socket cannot be opened.
    pub async fn serve(state: &Path, speed: f64, end: impl Future<Output = ()>) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::environment("cannot start the simulated engine").caused_by(error)
        };
        let folder = folder(state);
        fs::create_dir_all(&folder).map_err(failed)?;
        let _lock = lock(&folder).await?;
        let socket = socket(&folder, "engine.sock").map_err(failed)?;
        let server = Server::open(&socket, speed)?;
        let process = i32::try_from(std::process::id()).unwrap_or_default();
        let description = Description { process, speed, socket: socket.clone() };
        let text = serde_json::to_vec(&description).map_err(|error| failed(error.into()))?;
        let (part, whole) = (folder.join("engine.part"), folder.join("engine.json"));
        fs::write(&part, text).and_then(|()| fs::rename(&part, &whole)).map_err(failed)?;
        let folder_gone = async {
            // A folder that somebody removed leaves nobody to end the engine.
            while whole.exists() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            () = server.serve() => {}
            () = end => {}
            () = folder_gone => {}
        }
        remove(&socket);
        Ok(())
    }

    fn describe(state: &Path) -> Result<Option<Description>> {
        if !is_locked(state)? {
            return Ok(None);
        }
        let file = folder(state).join("engine.json");
        match fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                Error::environment(format!("cannot read {}", file.display())).caused_by(error)
            }),
            // It is about to be written.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::environment(format!("cannot read {}", file.display())).caused_by(error))
            }
        }
    }
}

/// Locks a folder for its engine. Somebody who looks whether there is one holds the lock for a moment.
async fn lock(folder: &Path) -> Result<Flock<File>> {
    let deadline = Instant::now() + LOCK_WITHIN;
    loop {
        let file = File::create(folder.join("lock")).map_err(|error| {
            Error::environment("cannot start the simulated engine").caused_by(error)
        })?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err(_) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(_) => {
                return Err(Error::environment("a simulated engine runs in this folder already"));
            }
        }
    }
}

/// The runtime of an engine in this process.
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("simulated")
        .enable_all()
        .build()
        .map_err(|error| Error::environment("cannot start the simulated engine").caused_by(error))
}

fn folder(state: &Path) -> PathBuf {
    state.join("simulated")
}

/// The socket's path: in the folder, or elsewhere if that path is too long for a socket.
fn socket(folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    let near = folder.join(name);
    if near.as_os_str().len() <= LONGEST_SOCKET {
        return Ok(near);
    }
    let far = tempfile::Builder::new().prefix("rollproof-simulated-").tempdir()?.keep();
    Ok(far.join(name))
}

/// Removes a socket, and its folder if nothing else is in it.
fn remove(socket: &Path) {
    let _ = fs::remove_file(socket);
    if let Some(folder) = socket.parent() {
        let _ = fs::remove_dir(folder);
    }
}

/// Whether an engine lives in this folder: it holds a lock, which the kernel releases whatever happens
/// to it.
fn is_locked(state: &Path) -> Result<bool> {
    let file = match File::open(folder(state).join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(Error::environment("cannot look for a simulated engine").caused_by(error));
        }
    };
    Ok(Flock::lock(file, FlockArg::LockSharedNonblock).is_err())
}
