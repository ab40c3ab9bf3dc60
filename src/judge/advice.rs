//! The advice for a failed scenario: its one cause and its one fix.

use serde::Serialize;

use super::capacity::Capacity;
use super::cause::{Cause, CauseGroup};
use super::check::{Check, Verdict};
use super::fix::Fix;
use super::fixes::{capacity_fix, state_fix};
use super::remedies::TASK_ERRORS;
use super::scene::Scene;
use super::stream_stats::StreamStats;
use super::swarm_checks::ROLLBACK_HAPPENED;
use super::user_checks::{in_words, most_failed};
use crate::record::{Expects, Outcome, Purpose, StackFacts};
use crate::swarm::{FailureAction, UpdateState};
use crate::wording::{self, count, counted, length};

/// The one cause that decides a failed scenario, and its one fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// Why the scenario failed: one sentence without a full stop.
    pub because: String,
    /// Where to change it, such as `stack.yml:21`; absent if that is not known or no stack
    /// setting fixes it.
    pub place: Option<String>,
    /// What the lines belong into: the service's `deploy` block, or the `service` itself; absent
    /// if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<&'static str>,
    /// The lines to put there, in YAML; empty if no stack setting fixes it.
    pub lines: Vec<String>,
    /// What to do instead, where no stack setting fixes it.
    pub text: Option<String>,
    /// The rule of `lint` that is about it, such as `SRU013`, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
}

impl Advice {
    /// What the lines belong into, in words.
    #[must_use]
    pub fn target(&self) -> &'static str {
        match self.block {
            Some("service") => "the service",
            _ => "the service's `deploy` block",
        }
    }

    /// The command that shows the page of the rule.
    #[must_use]
    pub fn page(&self) -> Option<String> {
        self.rule.map(|rule| format!("rollproof lint --explain {rule}"))
    }
}

/// An outage decides if at least one of so many lost requests was lost in it.
const OUTAGE_ONE_OF: u64 = 4;

/// What a scenario's advice is drawn from.
pub(super) struct Case<'a> {
    pub scene: &'a Scene<'a>,
    pub stack: &'a StackFacts,
    pub checks: &'a [Check],
    pub causes: &'a [CauseGroup],
    pub streams: &'a [StreamStats],
    pub capacity: Option<&'a Capacity>,
}

impl Advice {
    fn new(because: String, fix: &Fix, stack: &StackFacts) -> Self {
        Self {
            because,
            place: fix.place(stack),
            block: fix.block(),
            lines: fix.lines(),
            text: fix.words(),
            rule: fix.rule(),
        }
    }
}

impl Case<'_> {
    /// The advice; absent unless the scenario failed.
    pub(super) fn advice(&self) -> Option<Advice> {
        let failed = |name: &str| {
            self.checks.iter().find(|check| check.name == name && check.verdict == Verdict::Fail)
        };
        let swarm = [ROLLBACK_HAPPENED, "update-completed", "not-rolled-back"];
        if swarm.into_iter().any(|name| failed(name).is_some()) {
            return Some(self.of_the_state());
        }
        if let Some(advice) = self.loss_advice() {
            return Some(advice);
        }
        let check = self.checks.iter().find(|check| check.verdict == Verdict::Fail)?;
        let fix = match check.name {
            "rollback-completed" => state_fix(self.scene, self.stack),
            "capacity" => capacity_fix(self.scene, self.stack),
            _ => match check.remedy.as_deref().unwrap_or(TASK_ERRORS) {
                // What Swarm calls completed can end again and again afterwards.
                TASK_ERRORS if self.scene.failed_task().is_some() => {
                    state_fix(self.scene, self.stack)
                }
                remedy => Fix::text(remedy),
            },
        };
        Some(Advice::new(check.because.clone(), &fix, self.stack))
    }

    /// The advice for what users lost; absent unless that is proven to be the change's doing.
    pub(super) fn loss_advice(&self) -> Option<Advice> {
        let lost = |check: &&Check| check.is_of_losses() && check.verdict == Verdict::Fail;
        self.checks.iter().find(lost).map(|_| self.of_lost_requests())
    }

    /// Swarm did not do with the change what was expected.
    fn of_the_state(&self) -> Advice {
        let (scene, stack) = (self.scene, self.stack);
        let action = stack.update_config.failure_action;
        let is_default = stack.is_default("update_config.failure_action") == Some(true);
        let note = if is_default { " (the default)" } else { "" };
        let setting = format!("update_config.failure_action is \"{action}\"{note}");
        let lost = self.causes.iter().find(|group| group.cause == Cause::NodeLost);
        let first = match (scene.first_failure(), lost) {
            // What it did to users belongs to it.
            (Some(_), Some(lost)) if scene.is_stopped_by_a_node() => Some(lost.text.clone()),
            (first, _) => first,
        };
        let fix = state_fix(scene, stack);
        let because = match scene.final_state() {
            UpdateState::Paused if scene.expects == Expects::Update => match first {
                Some(what) => format!("Swarm paused the update: {what}"),
                None => "Swarm paused the update".to_owned(),
            },
            UpdateState::Paused => match first {
                Some(what) => format!("{setting}: {what} and Swarm stopped there"),
                None => format!("{setting}: a task failed and Swarm stopped there"),
            },
            UpdateState::Completed if scene.expects == Expects::Rollback => match first {
                _ if action == FailureAction::Continue => {
                    format!("{setting}: Swarm does not look at failures")
                }
                Some(what) => match fix.setting() {
                    Some(setting) => {
                        let now = self.now(setting);
                        format!("{what}, and Swarm did not count it: {setting} is {now}")
                    }
                    None => format!("{what}, and Swarm did not count it"),
                },
                None => "Swarm called the broken update completed: no task failed".to_owned(),
            },
            UpdateState::Updating | UpdateState::RollbackStarted => match scene.stuck_task() {
                Some(_) if matches!(fix, Fix::Set(_)) => self.setting_is(&fix),
                Some(what) => format!("Swarm waits without a time limit: {what}"),
                None => match (scene.held_by_node(), scene.end.deadline()) {
                    (Some(gone), _) => {
                        format!(
                            "{}, and Swarm waits for its tasks without a time limit",
                            gone.what()
                        )
                    }
                    (None, Some(text)) => format!("Swarm did not finish: {text}"),
                    (None, None) => "Swarm did not finish".to_owned(),
                },
            },
            _ if scene.rolled_back() => match first {
                Some(what) => format!("Swarm rolled the update back: {what}"),
                None => "Swarm rolled the update back".to_owned(),
            },
            _ => self.first_broken().to_owned(),
        };
        Advice::new(because, &fix, stack)
    }

    /// What a setting is now, and why another value helps.
    fn setting_is(&self, fix: &Fix) -> String {
        let (Fix::Set(remedy), Some(setting)) = (fix, fix.setting()) else {
            return fix.sentence();
        };
        format!("{setting} is {}: {}", self.now(setting), remedy.because)
    }

    fn first_broken(&self) -> &str {
        let broken = self.checks.iter().find(|check| check.verdict == Verdict::Fail);
        broken.map_or("", |check| check.because.as_str())
    }

    fn of_lost_requests(&self) -> Advice {
        let Some(group) = self.outage().or(self.causes.first()) else {
            return Advice::new("requests failed".to_owned(), &Fix::text(TASK_ERRORS), self.stack);
        };
        let failed: u64 = self.causes.iter().map(|group| group.failed).sum();
        let users = |stream: &&StreamStats| stream.purpose == Purpose::Users;
        let users: Vec<&StreamStats> = self.streams.iter().filter(users).collect();
        let how_many = if group.failed == failed {
            counted(failed, "request")
        } else {
            format!("{} of {}", count(group.failed), counted(failed, "request"))
        };
        let setting = group.fix.as_ref().and_then(Fix::setting);
        let because = match (setting, group.cause, self.capacity) {
            (Some(setting), Cause::NoHealthyReplica | Cause::HeldByProxy, Some(capacity))
                if setting.contains("_config.") =>
            {
                format!(
                    "{} is {}: no replica was serving for {}",
                    setting,
                    self.now(setting),
                    length(capacity.none_serving_s)
                )
            }
            _ => in_words(&how_many, group, &users),
        };
        let fix = group.fix.clone().unwrap_or_else(|| Self::unexplained(&users));
        Advice::new(because, &fix, self.stack)
    }

    /// The cause of a full outage, if that is where many requests were lost: at its edges, requests
    /// still go to tasks that stop or have just started, and those end with it.
    fn outage(&self) -> Option<&CauseGroup> {
        let outage = |group: &&CauseGroup| {
            matches!(group.cause, Cause::NoHealthyReplica | Cause::HeldByProxy)
        };
        let lost: u64 = self.causes.iter().filter(outage).map(|group| group.failed).sum();
        let all: u64 = self.causes.iter().map(|group| group.failed).sum();
        self.causes.iter().find(outage).filter(|_| lost * OUTAGE_ONE_OF >= all)
    }

    /// What stands in the settings now, for people.
    fn now(&self, setting: &str) -> String {
        let (update, rollback) = (&self.stack.update_config, &self.stack.rollback_config);
        let policy = if setting.starts_with("rollback_config") { rollback } else { update };
        let text = match setting.split_once('.').map(|(_, key)| key) {
            Some("parallelism") if policy.parallelism == 0 => {
                format!("0, all {} at once", counted(self.scene.replicas, "replica"))
            }
            Some("parallelism") => {
                format!("{} of {}", policy.parallelism, counted(self.scene.replicas, "replica"))
            }
            Some("order") => policy.order.to_string(),
            Some("monitor") => wording::setting(policy.monitor),
            Some("max_failure_ratio") => policy.max_failure_ratio.to_string(),
            _ => policy.failure_action.to_string(),
        };
        match self.stack.is_default(setting) {
            Some(true) => format!("{text} (the default)"),
            _ => text,
        }
    }

    fn unexplained(users: &[&StreamStats]) -> Fix {
        match most_failed(users) {
            Some(Outcome::WrongStatus | Outcome::AppError | Outcome::WrongBody) => Fix::about(
                "healthcheck",
                "make the `healthcheck` ask for what users get: the tasks pass it and answer \
                 users wrongly",
            ),
            _ => Fix::text("look at the failed requests one by one (`failures` in report.json)"),
        }
    }
}
