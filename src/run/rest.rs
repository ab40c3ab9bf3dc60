//! Waiting until Swarm is done with a change.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::begin::{LOST_AFTER, Run};
use super::patience::Patience;
use crate::Offset;
use crate::error::{Error, Result};
use crate::observe::{ServiceSnapshot, Snapshot, Standstill};
use crate::record::{EndReason, TaskSeen};
use crate::swarm::{TaskState, UpdateState};
use crate::wording::{clean, counted, list};

/// How old the look may be that shows a service at rest: three of the observer's intervals.
const LOOKED_WITHIN: Duration = Duration::from_millis(300);

impl Run<'_> {
    /// Waits until the service is at rest and has stayed so for the settling time.
    pub(super) async fn wait_for_rest(
        &mut self,
        replaced: bool,
        submitted: Offset,
    ) -> Result<EndReason> {
        let others = self.deployed.others.iter().map(|other| other.patience);
        let patience = others.fold(self.patience, Patience::longer);
        let start = Instant::now();
        let mut progress = (start, None);
        let mut terminal_since: Option<Instant> = None;
        let mut standstills: BTreeMap<String, Standstill> = BTreeMap::new();
        // What moved when the engine was asked was not at rest before that.
        let mut moved = submitted;
        loop {
            let now = Instant::now();
            let snapshot = self.snapshots.borrow_and_update().clone();
            if let Some((since, text)) = &snapshot.lost
                && (self.clock.now() - *since).to_duration() > LOST_AFTER
            {
                return Ok(EndReason::EngineLost { text: text.clone() });
            }
            let look = self.look(&snapshot, replaced, submitted);
            if progress.1.as_ref() != Some(&look.digest) {
                progress = (now, Some(look.digest));
            }
            terminal_since = if look.terminal { terminal_since.or(Some(now)) } else { None };
            let waiting = if let Some(waiting) = look.waiting {
                moved = moved.max(snapshot.asked_at);
                waiting
            } else {
                let since = self.clock.instant(look.changed_at.max(moved));
                let settled = Instant::from_std(since) + self.spec.load.settle;
                let end = start + patience.whole;
                let end = terminal_since.map_or(end, |since| end.min(since + patience.to_rest));
                if now < settled && now < end {
                    self.until(settled.min(end)).await?;
                    continue;
                }
                // On a busy machine the last look may be older than what happened since.
                let looked = Instant::from_std(self.clock.instant(snapshot.asked_at));
                if now >= settled && looked + LOOKED_WITHIN >= settled {
                    return Ok(EndReason::Settled);
                }
                // Tasks that fail again and again may leave no time of rest between them.
                let what =
                    if now < settled { "a time without a change" } else { "the engine to answer" };
                what.to_owned()
            };
            let found = snapshot.services.get(&look.service);
            let found = found.filter(|_| snapshot.asked_at > submitted);
            let standstill = standstills.entry(look.service.clone()).or_default();
            if found.is_some_and(|found| standstill.look(found, snapshot.asked_at)) {
                let after = (now - start).as_secs();
                return Ok(EndReason::Deadline {
                    text: format!(
                        "after {after} s waiting for {waiting}, which waiting does not change"
                    ),
                });
            }
            let mut deadline = (start + patience.whole).min(progress.0 + patience.no_progress);
            if let Some(since) = terminal_since {
                deadline = deadline.min(since + patience.to_rest);
            }
            if now >= deadline {
                let after = (now - start).as_secs();
                let lost = match found {
                    Some(found) => self.lost_nodes(found).await,
                    None => String::new(),
                };
                return Ok(EndReason::Deadline {
                    text: format!("after {after} s waiting for {waiting}{lost}"),
                });
            }
            self.until(deadline).await?;
        }
    }

    /// Waits until the service is at rest after the previous version was submitted again. The
    /// user's wish to stop ends the wait: Swarm goes on restoring.
    pub(super) async fn rest_after_restore(
        &mut self,
        replaced: bool,
        submitted: Offset,
    ) -> Result<()> {
        if self.env.interrupt.is_cancelled() {
            return Ok(());
        }
        let reason = self.wait_for_rest(replaced, submitted).await?;
        settled(reason)
    }

    /// Waits until a service that is there has come to rest: an update that is measured while an
    /// earlier one is still rolling would be judged by what that does.
    pub(super) async fn rest_before(&mut self) -> Result<()> {
        let now = self.clock.now();
        let reason = self.wait_for_rest(false, now).await?;
        settled(reason).map_err(|error| {
            let service = &self.spec.subject.target.service;
            Error::environment(format!("service {service} is not at rest")).caused_by(error).hint(
                format!("wait until it is, or see what keeps it: `docker service ps {service}`"),
            )
        })
    }

    /// The nodes of tasks that should stop, if those nodes are down: such a task never reports its
    /// end.
    async fn lost_nodes(&self, service: &ServiceSnapshot) -> String {
        let Ok(nodes) = self.env.site.manager.nodes().await else { return String::new() };
        let leaving =
            |id: &str| service.outgoing().any(|task| task.node == id && !task.state.is_terminal());
        let down = nodes.iter().filter(|node| node.state == "down" && leaving(&node.id));
        let names: Vec<&str> = down.map(|node| node.hostname.as_str()).collect();
        match names.as_slice() {
            [] => String::new(),
            [name] => format!(", on node {name}, which is down"),
            names => format!(", on nodes {}, which are down", list(names)),
        }
    }

    /// Whether the last look shows a service at rest.
    pub(super) fn is_at_rest(&mut self, replaced: bool, submitted: Offset) -> bool {
        let snapshot = self.snapshots.borrow_and_update().clone();
        self.look(&snapshot, replaced, submitted).waiting.is_none()
    }

    /// Looks at the service under test, and then at the others that the scenario changed.
    fn look(&self, snapshot: &Snapshot, replaced: bool, submitted: Offset) -> Look {
        let service = &self.spec.subject.target.service;
        let others = self.deployed.others.iter();
        let others = others.map(|other| (&other.name, other.replaced));
        let looks = std::iter::once((service, replaced)).chain(others).map(|(name, replaced)| {
            let look = look_at(name, snapshot, replaced, submitted);
            let named = name == service;
            // Which of several services is waited for has to be said.
            let waiting =
                look.waiting.map(|text| if named { text } else { format!("{name}: {text}") });
            Look { waiting, ..look }
        });
        looks.reduce(Look::and).unwrap_or_else(|| look_at(service, snapshot, replaced, submitted))
    }
}

fn look_at(service: &str, snapshot: &Snapshot, replaced: bool, submitted: Offset) -> Look {
    let nothing = |waiting: String| Look {
        service: service.to_owned(),
        waiting: Some(waiting),
        digest: String::new(),
        terminal: false,
        changed_at: snapshot.asked_at,
    };
    if snapshot.asked_at <= submitted {
        return nothing("the engine to answer".into());
    }
    let Some(found) = snapshot.services.get(service) else {
        return nothing(format!("service {service} to be there"));
    };
    let mut digest = format!("{:?}", found.view.update.state);
    for task in &found.tasks {
        use std::fmt::Write as _;
        let _ = write!(digest, " {}{}{}", task.task, task.state, task.desired);
    }
    Look {
        service: service.to_owned(),
        waiting: unrest(found, replaced),
        digest,
        terminal: found.view.update.state.is_terminal(),
        changed_at: found.changed_at,
    }
}

fn settled(reason: EndReason) -> Result<()> {
    match reason {
        EndReason::Settled => Ok(()),
        EndReason::Deadline { text }
        | EndReason::EngineLost { text }
        | EndReason::Failed { text } => Err(Error::environment(text)),
        EndReason::Interrupted => Err(Error::interrupted("interrupted")),
    }
}

/// What a snapshot says about a change.
struct Look {
    /// The service that is waited for, or any at rest.
    service: String,
    /// What is waited for; absent at rest.
    waiting: Option<String>,
    /// Changes when anything changes.
    digest: String,
    /// Whether Swarm's own work is over.
    terminal: bool,
    changed_at: Offset,
}

impl Look {
    /// Both together: at rest when both are.
    fn and(self, other: Self) -> Self {
        let first = self.waiting.is_some();
        Self {
            service: if first { self.service } else { other.service },
            waiting: self.waiting.or(other.waiting),
            digest: format!("{} {}", self.digest, other.digest),
            terminal: self.terminal && other.terminal,
            changed_at: self.changed_at.max(other.changed_at),
        }
    }
}

/// What keeps a service from being at rest, in plain words; absent when it is.
///
/// `replaced` says whether the submitted change replaces tasks at all: without that, Swarm
/// reports no update status.
fn unrest(service: &ServiceSnapshot, replaced: bool) -> Option<String> {
    let state = service.view.update.state;
    match state {
        // Only an operator moves it on from here; its failed tasks are restarted for ever.
        UpdateState::Paused | UpdateState::RollbackPaused => return None,
        UpdateState::None if replaced => return Some("Swarm to begin the update".into()),
        UpdateState::Updating | UpdateState::RollbackStarted | UpdateState::Unknown => {
            return Some(moving(service, state));
        }
        UpdateState::None | UpdateState::Completed | UpdateState::RollbackCompleted => {}
    }
    let spec = &service.view.spec;
    // What has ended for good is waited for no longer, however it ended.
    let ended = service.ended().count();
    let known = spec.replicas().or_else(|| spec.completions());
    let wanted = known.unwrap_or_else(|| (service.current().count() + ended) as u64);
    let running = if spec.is_job() { ended } else { service.running() + ended } as u64;
    if running < wanted {
        let starting: Vec<String> = service
            .stuck()
            .chain(service.broken_for_good())
            .take(1)
            .map(|task| format!(": slot {}", standing(task)))
            .collect();
        return Some(format!(
            "{} of {} to run{}",
            wanted - running,
            counted(wanted, "replica"),
            starting.concat()
        ));
    }
    let outgoing = service.outgoing().count() as u64;
    if outgoing > 0 {
        return Some(format!("{} to end", counted(outgoing, "replaced task")));
    }
    None
}

fn moving(service: &ServiceSnapshot, state: UpdateState) -> String {
    let starting: Vec<String> = service
        .tasks
        .iter()
        .filter(|task| task.desired <= TaskState::Running && task.state < TaskState::Running)
        .map(standing)
        .collect();
    let what = if state == UpdateState::RollbackStarted { "the rollback" } else { "the update" };
    // On a node that is lost, the old task never reports its end.
    let mut leaving: Vec<u64> = service
        .outgoing()
        .filter(|task| task.desired > TaskState::Running)
        .map(|task| task.slot)
        .collect();
    leaving.sort_unstable();
    leaving.dedup();
    if starting.is_empty() && !leaving.is_empty() {
        let slots: Vec<String> = leaving.iter().map(u64::to_string).collect();
        let slot = if slots.len() == 1 { "slot" } else { "slots" };
        format!("{what} to end: the old task in {slot} {} to stop", list(&slots))
    } else if starting.is_empty() {
        format!("{what} to end (state {state})")
    } else {
        format!("{what} to end: slot {}", starting.join(", "))
    }
}

/// A task that does not run yet: its slot, its state, and the engine's error if there is one.
fn standing(task: &TaskSeen) -> String {
    match clean(task.error.trim()) {
        error if error.is_empty() => format!("{} ({})", task.slot, task.state),
        error => format!("{} ({}: {error})", task.slot, task.state),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Offset;
    use crate::engine::ServiceView;
    use crate::record::TaskSeen;

    fn task(slot: u64, generation: u32, state: TaskState, desired: TaskState) -> TaskSeen {
        TaskSeen {
            task: format!("t{slot}-{generation}"),
            service: "s".into(),
            slot,
            node: "n".into(),
            generation,
            image: "i".into(),
            state,
            desired,
            message: String::new(),
            error: String::new(),
            exit_code: None,
            container: String::new(),
            addresses: vec![],
        }
    }

    fn service(state: &str, tasks: Vec<TaskSeen>) -> ServiceSnapshot {
        let view = json!({"ID": "x", "Version": {"Index": 1}, "UpdateStatus": {"State": state},
            "Spec": {"Name": "s", "Mode": {"Replicated": {"Replicas": 2}}}});
        ServiceSnapshot {
            view: ServiceView::parse(&view).unwrap(),
            generation: 2,
            tasks,
            changed_at: Offset::ZERO,
        }
    }

    #[test]
    fn a_completed_update_rests_only_when_the_old_tasks_are_gone() {
        use TaskState::{Running, Shutdown};
        let new = || vec![task(1, 2, Running, Running), task(2, 2, Running, Running)];
        assert_eq!(unrest(&service("completed", new()), true), None);
        let mut draining = new();
        draining.push(task(1, 1, Running, Shutdown));
        assert_eq!(
            unrest(&service("completed", draining), true).unwrap(),
            "1 replaced task to end"
        );
        let half = vec![task(1, 2, Running, Running)];
        assert_eq!(unrest(&service("completed", half), true).unwrap(), "1 of 2 replicas to run");
    }

    #[test]
    fn an_absent_status_rests_only_when_nothing_is_replaced() {
        use TaskState::Running;
        let tasks = vec![task(1, 2, Running, Running), task(2, 2, Running, Running)];
        assert!(unrest(&service("", tasks.clone()), true).is_some());
        assert_eq!(unrest(&service("", tasks), false), None);
        assert_eq!(unrest(&service("paused", vec![]), true), None);
    }

    #[test]
    fn the_error_of_a_task_that_waits_is_said_at_once() {
        use TaskState::{Pending, Rejected, Running, Shutdown};
        let mut waits = task(1, 2, Pending, Running);
        waits.error = "no suitable node (host-mode port already in use on 1 node)".into();
        let old = || vec![task(1, 1, Running, Running), task(2, 2, Running, Running)];
        let tasks = [old(), vec![waits]].concat();
        assert_eq!(
            unrest(&service("updating", tasks), true).unwrap(),
            "the update to end: slot 1 (pending: no suitable node (host-mode port already in use \
             on 1 node))"
        );
        let stops = |slot| task(slot, 1, Running, Shutdown);
        assert_eq!(
            unrest(&service("updating", vec![stops(2), stops(1)]), true).unwrap(),
            "the update to end: the old task in slots 1 and 2 to stop"
        );
        let mut rejected = task(1, 2, Rejected, Shutdown);
        rejected.error = "No such image: app:v9".into();
        let tasks = vec![rejected, task(2, 2, Running, Running)];
        assert_eq!(
            unrest(&service("completed", tasks), true).unwrap(),
            "1 of 2 replicas to run: slot 1 (rejected: No such image: app:v9)"
        );
    }
}
