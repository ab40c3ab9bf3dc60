//! Waiting until a stack has converged.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::observe::{ServiceSnapshot, Snapshot, Standstill};
use crate::swarm::{TaskState, UpdateState};
use crate::wording::{count, counted, span};

/// What to wait for, and how long.
#[derive(Debug, Clone)]
pub struct ConvergeOptions {
    /// Every service that must converge, by name.
    pub services: Vec<String>,
    /// The longest time without progress.
    pub progress_deadline: Duration,
}

/// Why a service has not converged, and whether waiting can help.
struct Blocked {
    reason: String,
    permanent: bool,
}

/// How far a stack has come. A greater value means progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Advance {
    running: usize,
    furthest: u32,
}

/// Waits until all replicas of every service run the submitted spec and no update is in progress.
///
/// # Errors
/// When a task cannot start, there was no progress within the progress deadline, the engine did
/// not respond for that long, or the user stopped the run.
pub async fn converge(
    mut snapshots: watch::Receiver<Snapshot>,
    options: &ConvergeOptions,
    interrupt: &CancellationToken,
) -> Result<()> {
    let mut best = Advance::default();
    let mut standstills = BTreeMap::new();
    let mut deadline = Instant::now() + options.progress_deadline;
    loop {
        let (advance, blocked) = assess(&snapshots.borrow_and_update(), options, &mut standstills);
        let Some(blocked) = blocked else { return Ok(()) };
        if blocked.permanent {
            return Err(Error::failed(blocked.reason));
        }
        if advance > best {
            best = advance;
            deadline = Instant::now() + options.progress_deadline;
        }
        tokio::select! {
            () = interrupt.cancelled() => {
                return Err(Error::interrupted(format!("interrupted while waiting: {}", blocked.reason)));
            }
            () = tokio::time::sleep_until(deadline) => {
                return Err(Error::failed(format!(
                    "the stack made no progress for {}: {}",
                    span(options.progress_deadline.into()),
                    blocked.reason
                ))
                .hint("--progress-deadline allows more time"));
            }
            changed = snapshots.changed() => {
                if changed.is_err() {
                    return Err(Error::environment("the observer stopped while the stack was converging"));
                }
            }
        }
    }
}

fn assess(
    snapshot: &Snapshot,
    options: &ConvergeOptions,
    standstills: &mut BTreeMap<String, Standstill>,
) -> (Advance, Option<Blocked>) {
    let mut advance = Advance::default();
    let mut worst: Option<Blocked> = None;
    if let Some((_, error)) = &snapshot.lost {
        return (
            advance,
            Some(Blocked {
                reason: format!("the engine does not respond: {error}"),
                permanent: false,
            }),
        );
    }
    for name in &options.services {
        let blocked = match snapshot.services.get(name) {
            None => Some(Blocked {
                reason: format!("service {name} does not exist yet"),
                permanent: false,
            }),
            Some(service) => {
                advance.running += service.running();
                advance.furthest += service
                    .current()
                    .map(|task| task.state)
                    .filter(|state| *state <= TaskState::Running)
                    .map(|state| state as u32)
                    .sum::<u32>();
                let standstill = standstills.entry(name.clone()).or_default();
                let stands = standstill.look(service, snapshot.asked_at);
                blocked(name, service)
                    .map(|blocked| Blocked { permanent: blocked.permanent || stands, ..blocked })
            }
        };
        if let Some(blocked) = blocked
            && worst.as_ref().is_none_or(|worst| blocked.permanent && !worst.permanent)
        {
            worst = Some(blocked);
        }
    }
    (advance, worst)
}

fn blocked(name: &str, service: &ServiceSnapshot) -> Option<Blocked> {
    let update = &service.view.update;
    if matches!(update.state, UpdateState::Paused | UpdateState::RollbackPaused) {
        return Some(Blocked {
            reason: format!("service {name}: {} ({})", update.state, update.message),
            permanent: true,
        });
    }
    if matches!(update.state, UpdateState::RollbackStarted | UpdateState::RollbackCompleted) {
        return Some(Blocked {
            reason: format!("service {name} was rolled back: {}", update.message),
            permanent: true,
        });
    }
    let spec = &service.view.spec;
    let wanted = match spec.replicas().or_else(|| spec.completions()) {
        Some(tasks) => usize::try_from(tasks).unwrap_or(usize::MAX),
        None => (service.current().count() + service.ended().count()).max(1),
    };
    let done = service.ended().filter(|task| task.state == TaskState::Complete).count();
    // A job is there to end.
    let running = if spec.is_job() { done } else { service.running() + done };
    if running >= wanted && update.state != UpdateState::Updating {
        return None;
    }
    if let Some(task) = service.ended().find(|task| task.state != TaskState::Complete) {
        return Some(Blocked {
            reason: format!(
                "service {name}, slot {}: {}; its `restart_policy.condition` is `none`, so Swarm does \
                 not start another task",
                task.slot,
                if task.error.is_empty() { task.state.as_str() } else { &task.error }
            ),
            permanent: true,
        });
    }
    if let Some(task) = service.broken_for_good() {
        let slot = task.slot;
        return Some(Blocked {
            reason: format!("service {name}, slot {slot}: {}", task.error),
            permanent: true,
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
            "service {name}: {} of {} {}{}",
            count(running as u64),
            counted(wanted as u64, if spec.is_job() { "task" } else { "replica" }),
            if spec.is_job() { "done" } else { "running" },
            why.unwrap_or_default()
        ),
        permanent: false,
    })
}
