//! Waiting until Swarm is done with a change.

use tokio::time::Instant;

use super::super::at_rest::unrest;
use super::{LOST_AFTER, Trial};
use crate::error::Result;
use crate::observe::Snapshot;
use crate::record::{EndReason, Offset};

impl Trial {
    /// Waits until the service is at rest and has stayed so for the settling time.
    pub(super) async fn wait_for_rest(
        &mut self,
        replaced: bool,
        submitted: Offset,
    ) -> Result<EndReason> {
        let patience = self.options.patience;
        let start = Instant::now();
        let mut progress = (start, None);
        let mut terminal_since: Option<Instant> = None;
        let mut rest_since: Option<Instant> = None;
        loop {
            let now = Instant::now();
            let (waiting, digest, terminal) = {
                let snapshot = self.snapshots.borrow_and_update().clone();
                if let Some((since, text)) = &snapshot.lost
                    && (self.options.clock.now() - *since).to_duration() > LOST_AFTER
                {
                    return Ok(EndReason::EngineLost { text: text.clone() });
                }
                self.look(&snapshot, replaced, submitted)
            };
            if progress.1.as_ref() != Some(&digest) {
                progress = (now, Some(digest));
            }
            terminal_since = if terminal { terminal_since.or(Some(now)) } else { None };
            let Some(waiting) = waiting else {
                let since = *rest_since.get_or_insert(now);
                if now - since >= self.options.settle {
                    return Ok(EndReason::Settled);
                }
                self.until(since + self.options.settle).await?;
                continue;
            };
            rest_since = None;
            let mut deadline = (start + patience.whole).min(progress.0 + patience.no_progress);
            if let Some(since) = terminal_since {
                deadline = deadline.min(since + patience.to_rest);
            }
            if now >= deadline {
                return Ok(EndReason::Deadline {
                    text: format!("waited {} s for {waiting}", (now - start).as_secs()),
                });
            }
            self.until(deadline).await?;
        }
    }

    /// What is waited for, a digest that changes when anything changes, and whether Swarm's own
    /// work is over.
    fn look(
        &self,
        snapshot: &Snapshot,
        replaced: bool,
        submitted: Offset,
    ) -> (Option<String>, String, bool) {
        let service = &self.options.target.service;
        if snapshot.asked_at <= submitted {
            return (Some("the engine to answer".into()), String::new(), false);
        }
        let Some(found) = snapshot.services.get(service) else {
            return (Some(format!("service {service} to be there")), String::new(), false);
        };
        let mut digest = format!("{:?}", found.view.update.state);
        for task in &found.tasks {
            use std::fmt::Write as _;
            let _ = write!(digest, " {}{}{}", task.task, task.state, task.desired);
        }
        (unrest(found, replaced), digest, found.view.update.state.is_terminal())
    }
}
