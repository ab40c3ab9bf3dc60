//! SRU027: an update that begins again and again.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU027",
    name: "failures-repeated",
    severity: Severity::Warning,
    title: "failed tasks are replaced in one update after the other",
    why: "With start-first the old task stays until a new one runs. If the update accepts that none does, and \
          the restart policy replaces no failed task, Swarm begins another update of that slot as soon as one \
          has ended, and never stops.",
    page: "\
Warning if the model finds that it goes on without end: the order is start-first, all failures are tolerated
(`max_failure_ratio: 1`) or not looked at (`failure_action: continue`), and failed tasks are not restarted:
`restart_policy.condition: none`, `on-failure` for a program that is stopped as unhealthy and ends with 0,
or `max_attempts` that are used up. It is about tasks that fail before they run: they never become healthy,
or no container can be started. A ratio below 1 does not do it: of the next update, which has the failed slots
alone, it tolerates less than all. Each round makes a container that fails; the update's state stays
`completed`.

Sources: swarmkit manager/orchestrator/update/updater.go, manager/orchestrator/replicated/services.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let continues = s.update().failure_action == FailureAction::Continue;
    if !s.is_start_first() || !(s.setting.tolerated() > 0 || continues) {
        return Vec::new();
    }
    let churns = |behaviour: &Behaviour| {
        s.play(&s.setting, behaviour.clone()).is_some_and(|outcome| outcome.churns)
    };
    let Some((how, _)) = failures(s).into_iter().find(|(_, behaviour)| churns(behaviour)) else {
        return Vec::new();
    };
    let message = format!(
        "a new task that {how} is replaced in one update after the other, without end: nothing else \
         replaces it"
    );
    let draft = Draft::new("restart_policy.condition", message).or_about("update_config.order");
    vec![if s.spec().restart.max_attempts > 0 {
        draft.help("remove `max_attempts`, and let `condition` be `any`")
    } else {
        draft.set("restart_policy.condition", "any")
    }]
}

/// Ways to fail before a task runs.
fn failures(s: &Subject) -> Vec<(&'static str, Behaviour)> {
    let sound = s.setting.sound.clone();
    let mut all = vec![("cannot be started", Behaviour { start: StartResult::Rejected, ..sound })];
    if s.spec().health.is_some() {
        let of = |kind: FailureKind| kind.behaviour(&s.setting);
        all.push(("is never healthy", of(FailureKind::NeverHealthy)));
        let stops = of(FailureKind::NeverHealthyStopsWithZero);
        all.push(("is never healthy and stops with exit code 0", stops));
    }
    all
}
