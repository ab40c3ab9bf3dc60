//! Waiting until a stack has converged.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::observe::{ServiceSnapshot, Snapshot};
use crate::swarm::{TaskState, UpdateState};

/// How long to wait and what for.
#[derive(Debug, Clone)]
pub struct ConvergeOptions {
    /// Every service that must converge, by name.
    pub services: Vec<String>,
    /// The longest time in which nothing gets further.
    pub progress_deadline: Duration,
}

/// Why a service has not converged, in plain words, and whether waiting can help.
struct Blocked {
    reason: String,
    hopeless: bool,
}

/// How far a stack has got; it has got further when this grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Progress {
    running: usize,
    furthest: u32,
}

/// Waits until every service has all its replicas running on the submitted spec and no update is
/// under way.
///
/// # Errors
/// When a task cannot start, nothing got further within the progress deadline, the engine was
/// lost for that long, or the user stopped it.
pub async fn converge(
    mut snapshots: watch::Receiver<Snapshot>,
    options: &ConvergeOptions,
    interrupt: &CancellationToken,
) -> Result<()> {
    let mut best = Progress::default();
    let mut deadline = Instant::now() + options.progress_deadline;
    loop {
        let (progress, blocked) = judge(&snapshots.borrow_and_update(), options);
        let Some(blocked) = blocked else { return Ok(()) };
        if blocked.hopeless {
            return Err(Error::failed(blocked.reason));
        }
        if progress > best {
            best = progress;
            deadline = Instant::now() + options.progress_deadline;
        }
        tokio::select! {
            () = interrupt.cancelled() => {
                return Err(Error::interrupted(format!("interrupted while waiting: {}", blocked.reason)));
            }
            () = tokio::time::sleep_until(deadline) => {
                return Err(Error::failed(format!(
                    "the stack did not get further within {} s: {}",
                    options.progress_deadline.as_secs(),
                    blocked.reason
                ))
                .hint("--progress-deadline gives it more time"));
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Err(Error::environment("the observer ended while the stack was converging"));
                }
            }
        }
    }
}

fn judge(snapshot: &Snapshot, options: &ConvergeOptions) -> (Progress, Option<Blocked>) {
    let mut progress = Progress::default();
    let mut worst: Option<Blocked> = None;
    if let Some((_, error)) = &snapshot.lost {
        return (
            progress,
            Some(Blocked {
                reason: format!("the engine does not answer: {error}"),
                hopeless: false,
            }),
        );
    }
    for name in &options.services {
        let blocked = match snapshot.services.get(name) {
            None => Some(Blocked {
                reason: format!("service {name} is not there yet"),
                hopeless: false,
            }),
            Some(service) => {
                progress.running += service.running();
                progress.furthest += service
                    .current()
                    .map(|task| task.state)
                    .filter(|state| *state <= TaskState::Running)
                    .map(|state| state as u32)
                    .sum::<u32>();
                blocked(name, service)
            }
        };
        if let Some(blocked) = blocked
            && worst.as_ref().is_none_or(|worst| blocked.hopeless && !worst.hopeless)
        {
            worst = Some(blocked);
        }
    }
    (progress, worst)
}

fn blocked(name: &str, service: &ServiceSnapshot) -> Option<Blocked> {
    let update = &service.view.update;
    if matches!(update.state, UpdateState::Paused | UpdateState::RollbackPaused) {
        return Some(Blocked {
            reason: format!("service {name}: {} ({})", update.state, update.message),
            hopeless: true,
        });
    }
    if matches!(update.state, UpdateState::RollbackStarted | UpdateState::RollbackCompleted) {
        return Some(Blocked {
            reason: format!("service {name} was rolled back: {}", update.message),
            hopeless: true,
        });
    }
    let wanted = match service.view.spec.replicas() {
        Some(replicas) => usize::try_from(replicas).unwrap_or(usize::MAX),
        None if service.view.spec.is_job() => return None,
        None => service.current().count().max(1),
    };
    let running = service.running();
    if running >= wanted && update.state != UpdateState::Updating {
        return None;
    }
    if let Some(task) = service.last_error().filter(|task| is_hopeless(&task.error)) {
        let slot = task.slot;
        return Some(Blocked {
            reason: format!("service {name}, slot {slot}: {}", task.error),
            hopeless: true,
        });
    }
    let why = service.last_error().map(|task| format!(", slot {}: {}", task.slot, task.error));
    let why = why.or_else(|| {
        let waiting = service
            .current()
            .filter(|task| task.state < TaskState::Running)
            .min_by_key(|task| task.state)?;
        Some(format!(", slot {} is {} ({})", waiting.slot, waiting.state, waiting.message))
    });
    Some(Blocked {
        reason: format!(
            "service {name} has {running} of {wanted} replicas running{}",
            why.unwrap_or_default()
        ),
        hopeless: false,
    })
}

/// Errors that no waiting mends: Swarm would try the same thing for ever.
fn is_hopeless(error: &str) -> bool {
    let error = error.to_lowercase();
    [
        "no such image",
        "invalid mount config",
        "executable file not found",
        "invalid reference",
        "address already in use",
        "port is already allocated",
    ]
    .iter()
    .any(|text| error.contains(text))
}
