//! What made Swarm pause or roll back.

use super::slot_table::SlotTable;
use super::words::short_id;
use crate::swarm::TaskState;

/// What made Swarm pause or roll back, from its message, which ends with a task's id.
pub(super) fn trigger(message: &str, slots: &SlotTable) -> String {
    if message.contains("manually requested") {
        return "it was asked to".to_owned();
    }
    let id = message.rsplit(' ').next().unwrap_or_default();
    let Some(task) = slots.task(id) else {
        return if message.is_empty() {
            "a task failed".into()
        } else {
            format!("“{message}”")
        };
    };
    let place = match task.seen.slot {
        0 => String::new(),
        slot => format!(" of slot {slot}"),
    };
    let what = match task.reason() {
        _ if task.healthy == Some(false) => "became unhealthy".to_owned(),
        reason if reason == "became unhealthy" => reason,
        reason if task.seen.state == TaskState::Rejected => format!("was rejected ({reason})"),
        reason if reason.is_empty() => "ended".to_owned(),
        reason => format!("ended ({reason})"),
    };
    format!("task {}{place} {what}", short_id(id))
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;
    use crate::record::ContainerAction;
    use TaskState::{Complete, Failed, Rejected, Running, Shutdown};

    const MESSAGE: &str = "update rolled back due to failure or early termination of task n1";

    #[test]
    fn the_task_is_named_with_its_reason() {
        let unhealthy = "task: non-zero exit (137): dockerexec: unhealthy container";
        for (state, error, code, words) in [
            (Failed, unhealthy, Some(137), "became unhealthy"),
            (Failed, "task: non-zero exit (3)", Some(3), "ended (exit code 3)"),
            (Complete, "", Some(0), "ended (exit code 0)"),
            (Rejected, "No such image: app:v2", None, "was rejected (No such image: app:v2)"),
        ] {
            let mut slots = SlotTable::default();
            let mut broken = task("n1", 4, 2, state, Shutdown);
            broken.error = error.into();
            broken.exit_code = code;
            slots.event(&seen(0, broken));
            assert_eq!(trigger(MESSAGE, &slots), format!("task n1 of slot 4 {words}"));
        }
    }

    #[test]
    fn an_unhealthy_task_that_has_not_ended_yet() {
        let mut slots = SlotTable::default();
        slots.event(&seen(0, task("n1", 4, 2, Running, Running)));
        slots.event(&container(0, "n1", ContainerAction::Unhealthy));
        assert_eq!(trigger(MESSAGE, &slots), "task n1 of slot 4 became unhealthy");
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let slots = SlotTable::default();
        assert_eq!(trigger(MESSAGE, &slots), format!("“{MESSAGE}”"));
        assert_eq!(trigger("", &slots), "a task failed");
        assert_eq!(trigger("manually requested rollback", &slots), "it was asked to");
    }
}
