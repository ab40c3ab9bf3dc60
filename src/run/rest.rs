//! Waiting until Swarm is done with a change.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::begin::{LOST_AFTER, Run};
use super::patience::Patience;
use super::unrest::{is_held, unrest};
use crate::Offset;
use crate::error::{Error, Result};
use crate::observe::{ServiceSnapshot, Snapshot, Standstill};
use crate::record::EndReason;
use crate::wording::list;

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
            let rests = look.waiting.is_none();
            let mut settled = None;
            let waiting = if let Some(waiting) = look.waiting {
                moved = moved.max(snapshot.asked_at);
                waiting
            } else {
                let since = self.clock.instant(look.changed_at.max(moved));
                let rested = Instant::from_std(since) + self.spec.load.settle();
                // On a busy machine the last look may be older than what happened since.
                let looked = Instant::from_std(self.clock.instant(snapshot.asked_at));
                if now < rested {
                    settled = Some(rested);
                    "its tasks to stay as they are".to_owned()
                } else if looked + LOOKED_WITHIN >= rested {
                    return Ok(EndReason::Settled);
                } else {
                    "the engine to answer".to_owned()
                }
            };
            let found = snapshot.services.get(&look.service);
            let found = found.filter(|_| snapshot.asked_at > submitted);
            let standstill = standstills.entry(look.service.clone()).or_default();
            if !rests && found.is_some_and(|found| standstill.look(found, snapshot.asked_at)) {
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
            self.until(settled.map_or(deadline, |settled| settled.min(deadline))).await?;
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
    let state = found.view.update.state;
    let mut digest = format!("{state:?}");
    for task in &found.tasks {
        use std::fmt::Write as _;
        let _ = write!(digest, " {}{}{}", task.task, task.state, task.desired);
    }
    Look {
        service: service.to_owned(),
        waiting: unrest(found, replaced),
        digest,
        terminal: state.is_terminal(),
        // The failed tasks of an update that is held are restarted for ever.
        changed_at: if is_held(state) { found.state_since } else { found.changed_at },
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ServiceView;

    /// A look at a service whose tasks changed 9 s into the run and its update state after 2 s.
    fn rests_since(state: &str) -> Offset {
        let view = json!({"ID": "x", "Version": {"Index": 1}, "UpdateStatus": {"State": state},
            "Spec": {"Name": "s", "Mode": {"Replicated": {"Replicas": 0}}}});
        let service = ServiceSnapshot {
            view: ServiceView::parse(&view).unwrap(),
            generation: 2,
            tasks: Vec::new(),
            changed_at: Offset::from_millis(9_000),
            state_since: Offset::from_millis(2_000),
        };
        let snapshot = Snapshot {
            asked_at: Offset::from_millis(10_000),
            services: [("s".to_owned(), service)].into(),
            lost: None,
        };
        let look = look_at("s", &snapshot, true, Offset::ZERO);
        assert_eq!(look.waiting, None, "{state}");
        look.changed_at
    }

    #[test]
    fn restarts_do_not_keep_an_update_that_is_held_from_being_at_rest() {
        for held in ["paused", "rollback_paused"] {
            assert_eq!(rests_since(held), Offset::from_millis(2_000), "{held}");
        }
        for over in ["completed", "rollback_completed"] {
            assert_eq!(rests_since(over), Offset::from_millis(9_000), "{over}");
        }
    }
}
