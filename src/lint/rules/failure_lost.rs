//! SRU014: a failure that nobody looks at while other replicas start.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::FAILURE_LOST,
    name: "failure-lost",
    severity: Severity::Error,
    title: "a replica that fails while others of its batch start goes unnoticed",
    why: "Once the last slots are handed out, Swarm looks at no failure until all their tasks run. A \
          failure that is older than `monitor` by then does not count.",
    page: "\
Fires if the model finds that one replica which ends at once, in the last batch, goes unnoticed, while
the others become healthy: they take longer than `monitor`. Error if all replicas are one batch, because
then it holds for each of them; warning otherwise. Not looked at with one slot at a time, or where
`max_failure_ratio` tolerates the failure anyway (SRU026).

A version that is broken everywhere is noticed nevertheless; this is about one bad node, one missing
volume, one replica that loses a race at its start.

The fix has the shortest `monitor` with which the model notices it.

Sources: swarmkit manager/orchestrator/update/updater.go (`Run` waits for its workers).",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let at_once = s.update().at_once(s.replicas);
    let looks = matches!(s.update().failure_action, FailureAction::Pause | FailureAction::Rollback);
    if at_once < 2 || !looks || s.setting.tolerated() > 0 || !s.is_played() {
        return Vec::new();
    }
    let sound = s.setting.sound.clone();
    let fails = Exception {
        slots: vec![s.replicas],
        share: 1.0,
        first_tasks: 0,
        behaviour: sound.clone().exits(Offset::from_millis(50), 1),
    };
    let new = Behaviours { usual: sound, exceptions: vec![fails] };
    let Some(outcome) = s.play(&s.setting, new.clone()) else { return Vec::new() };
    if outcome.trigger().is_some() || outcome.end == End::Hangs {
        return Vec::new();
    }
    let Some(enough) = s.monitor_that_notices(&new) else { return Vec::new() };
    let all = at_once == s.replicas;
    let whom = if all { "a replica" } else { "a replica of the last batch" };
    let message = format!(
        "{whom} that fails while the others start goes unnoticed: `monitor` is {}, and {enough} s is the least \
         that helps",
        wording::setting(s.update().monitor)
    );
    vec![
        Draft::new("update_config.monitor", message)
            .severity(if all { Severity::Error } else { Severity::Warning })
            .figure("needed_monitor_s", f64::from(enough))
            .remedy(remedy::longer_monitor(f64::from(enough), false)),
    ]
}
