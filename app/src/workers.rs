//! Several processes behind one port: a parent holds the socket and replaces workers that end.
//! Each worker has a state of its own, so a worker that dies takes nothing else with it.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, getppid, kill_process, set_parent_process_death_signal};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::options::Serve;
use crate::stop::Stop;

/// The exit code of a worker that failed before it served, and of the parent then: others would
/// fail too.
pub const BOOT_FAILURE: u8 = 3;

/// How long a worker has to end after its own limit for open requests.
const MORE_TIME: Duration = Duration::from_secs(2);

/// The shortest time between a worker's start and that of its replacement, so that workers that
/// crash at once do not keep the machine busy.
const PACE: Duration = Duration::from_millis(200);

/// Starts `count` workers, replaces those that end, and passes the signal to stop on to them.
/// Exit code 0, the first other code of a worker that was told to stop, or [`BOOT_FAILURE`].
///
/// # Errors
/// If it cannot listen, or a worker cannot be started.
pub async fn run(serve: Serve, count: u16) -> Result<ExitCode, String> {
    let mut stop = Stop::watch(serve.faults.ignore_stop)
        .map_err(|error| format!("cannot watch signals: {error}"))?;
    let listener = serve
        .listener()
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", serve.address))?;
    println!("listening on {}", listener.local_addr().unwrap_or(serve.address));
    let mut workers = Workers { ended: JoinSet::new(), running: BTreeMap::new() };
    for number in 1..=count {
        workers.start(number, &listener, Duration::ZERO)?;
    }
    let signal = loop {
        tokio::select! {
            signal = stop.asked() => break signal,
            Some(ended) = workers.ended.join_next() => {
                let Ok(ended) = ended else { continue };
                workers.running.remove(&ended.number);
                let how = described(ended.status);
                eprintln!("rollproof-app: worker {} ended with {how}", ended.number);
                if ended.status.code() == Some(i32::from(BOOT_FAILURE)) {
                    eprintln!("rollproof-app: a worker failed to start: stopping");
                    workers.stop();
                    workers.wait(serve.stop_timeout + MORE_TIME).await;
                    return Ok(ExitCode::from(BOOT_FAILURE));
                }
                workers.start(ended.number, &listener, PACE.saturating_sub(ended.lived))?;
            }
        }
    };
    println!("{signal}: passed on to {} workers", workers.running.len());
    // The socket is closed when the last worker closes it, and not only when this process ends.
    drop(listener);
    workers.stop();
    let code = workers.wait(serve.stop_timeout + MORE_TIME).await;
    println!("stopped");
    Ok(ExitCode::from(code))
}

/// Asks the kernel to end this worker with its parent, which cannot do it when it is killed. False
/// if the parent has ended already.
pub fn end_with_parent(parent: i32) -> bool {
    // It fails only for a signal that does not exist.
    let _ = set_parent_process_death_signal(Some(Signal::TERM));
    getppid().is_some_and(|now| now.as_raw_nonzero().get() == parent)
}

struct Workers {
    ended: JoinSet<Ended>,
    /// The processes by their numbers.
    running: BTreeMap<u16, Pid>,
}

struct Ended {
    number: u16,
    status: ExitStatus,
    lived: Duration,
}

impl Workers {
    /// Starts a worker on the socket after a pause.
    fn start(&mut self, number: u16, socket: &TcpListener, after: Duration) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("cannot start worker {number}: {error}");
        let program = std::env::current_exe().map_err(failed)?;
        // The socket is the worker's standard input, as inetd(8) hands it over.
        let socket = OwnedFd::from(socket.try_clone().map_err(failed)?);
        // The pause is the worker's own: the parent goes on listening to signals.
        let mut child = Command::new(program)
            .args(std::env::args_os().skip(1))
            .env("ROLLPROOF_WORKER", number.to_string())
            .env("ROLLPROOF_WORKER_PARENT", std::process::id().to_string())
            .env("ROLLPROOF_WORKER_PAUSE", format!("{}ms", after.as_millis()))
            .stdin(Stdio::from(socket))
            .spawn()
            .map_err(failed)?;
        if let Some(pid) = pid(&child) {
            self.running.insert(number, pid);
        }
        let begun = Instant::now();
        self.ended.spawn(async move {
            loop {
                // It only fails if the child is not ours, or when it is interrupted.
                if let Ok(status) = child.wait().await {
                    return Ended { number, status, lived: begun.elapsed() };
                }
                sleep(PACE).await;
            }
        });
        Ok(())
    }

    fn stop(&self) {
        for pid in self.running.values() {
            // It may have ended meanwhile.
            let _ = kill_process(*pid, Signal::TERM);
        }
    }

    /// Waits for all workers, kills those that take longer, and gives the first code that is not 0.
    async fn wait(&mut self, limit: Duration) -> u8 {
        let mut code = 0;
        let all = async {
            while let Some(ended) = self.ended.join_next().await {
                let Ok(ended) = ended else { continue };
                self.running.remove(&ended.number);
                let its = match (ended.status.code(), ended.status.signal()) {
                    (Some(code), _) => u8::try_from(code).unwrap_or(1),
                    // It had only just been started, and did not yet handle the signal.
                    (None, Some(signal)) if signal == Signal::TERM.as_raw() => 0,
                    (None, _) => 1,
                };
                code = if code == 0 { its } else { code };
            }
        };
        if timeout(limit, all).await.is_ok() {
            return code;
        }
        for (number, pid) in &self.running {
            eprintln!("rollproof-app: worker {number} did not end: killed");
            let _ = kill_process(*pid, Signal::KILL);
        }
        1
    }
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

fn described(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}
