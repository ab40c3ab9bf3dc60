//! SRU024: the next slots are touched before a failure is looked at.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::DELAY_SHORT,
    name: "delay-short",
    severity: Severity::Hint,
    title: "without a delay, a broken version reaches more slots than `parallelism` says",
    why: "Swarm takes the next slots as soon as a task runs and the delay is over. What fails a moment \
          later has by then been repeated elsewhere, and the rollback has more to undo.",
    page: "\
Hint if the model finds that an update which Swarm stops touches more slots than `parallelism`: a
version that ends right after its start, or that never becomes healthy. Without a delay, the updater and
the report of the failure race; the worse end counts.

Sources: swarmkit manager/orchestrator/update/updater.go; moby#34894.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let at_once = s.update().at_once(s.replicas);
    let stops = matches!(s.update().failure_action, FailureAction::Pause | FailureAction::Rollback);
    if !s.sets("update_config")
        || !s.knows_replicas()
        || at_once >= s.replicas
        || !stops
        || !s.is_played()
    {
        return Vec::new();
    }
    let touched = [FailureKind::CrashAtStart, FailureKind::NeverHealthy]
        .into_iter()
        .filter(|kind| *kind == FailureKind::CrashAtStart || s.spec().health.is_some())
        .filter_map(|kind| {
            let mut input = s.setting.input(s.setting.sound.clone(), kind.behaviour(&s.setting));
            input.races.over_dispatch = s.update().delay <= 0.0;
            let outcome = simulate(&input);
            outcome.trigger().map(|_| outcome.touched.len() as u64)
        })
        .max();
    let Some(touched) = touched.filter(|touched| *touched > at_once) else { return Vec::new() };
    let message = format!(
        "a broken version reaches {touched} of {}, not {at_once}, before Swarm stops",
        counted(s.replicas, "slot")
    );
    vec![
        Draft::new("update_config.delay", message)
            .count("touched_slots", touched)
            .remedy(remedy::longer_delay(s.update())),
    ]
}
