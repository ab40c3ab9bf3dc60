//! Waiting until Swarm is done with a change.

use std::time::Duration;

use tokio::time::Instant;

use super::super::at_rest::unrest;
use super::{LOST_AFTER, Trial};
use crate::Offset;
use crate::error::Result;
use crate::observe::Snapshot;
use crate::record::EndReason;

/// How old the look may be that shows a service at rest: three of the observer's intervals.
const LOOKED_WITHIN: Duration = Duration::from_millis(300);

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
        // What moved when the engine was asked was not at rest before that.
        let mut moved = submitted;
        loop {
            let now = Instant::now();
            let snapshot = self.snapshots.borrow_and_update().clone();
            if let Some((since, text)) = &snapshot.lost
                && (self.options.clock.now() - *since).to_duration() > LOST_AFTER
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
                let since = self.options.clock.instant(look.changed_at.max(moved));
                let settled = Instant::from_std(since) + self.options.settle;
                if now < settled {
                    self.until(settled).await?;
                    continue;
                }
                // On a busy machine the last look may be older than what happened since.
                let looked = Instant::from_std(self.options.clock.instant(snapshot.asked_at));
                if looked + LOOKED_WITHIN >= settled {
                    return Ok(EndReason::Settled);
                }
                "the engine to answer".to_owned()
            };
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

    fn look(&self, snapshot: &Snapshot, replaced: bool, submitted: Offset) -> Look {
        let service = &self.options.target.service;
        let nothing = |waiting: String| Look {
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
            waiting: unrest(found, replaced),
            digest,
            terminal: found.view.update.state.is_terminal(),
            changed_at: found.changed_at,
        }
    }
}

/// What a snapshot says about a change.
struct Look {
    /// What is waited for; absent at rest.
    waiting: Option<String>,
    /// Changes when anything changes.
    digest: String,
    /// Whether Swarm's own work is over.
    terminal: bool,
    changed_at: Offset,
}
