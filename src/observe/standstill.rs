//! Whether waiting can still help a service whose tasks do not start.

use super::ServiceSnapshot;
use crate::Offset;
use crate::record::TaskSeen;
use crate::swarm::{TaskState, UpdateState};

/// How long the same errors must stand before waiting counts as useless. Swarm schedules again
/// whenever a node or a task changes, so what can heal usually does within seconds.
const STANDS: Offset = Offset::from_millis(15_000);

/// What becomes of a task with an error if nobody does anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prospect {
    /// Swarm repeats it for ever.
    Never,
    /// It heals when another task makes room: a port, memory, a place.
    NeedsRoom,
    /// It may heal, for example when a node returns.
    MayHeal,
}

impl Prospect {
    /// The prospect of a task with this error.
    #[must_use]
    pub fn of(error: &str) -> Self {
        const ROOM: [&str; 3] =
            ["host-mode port already in use", "insufficient resources", "max replicas per node"];
        const NEVER: [&str; 10] = [
            "no such image",
            "failed to resolve reference",
            "invalid reference",
            "invalid mount config",
            "executable file not found",
            "address already in use",
            "port is already allocated",
            "scheduling constraints not satisfied",
            "unsupported platform",
            "missing plugin",
        ];
        let error = error.to_lowercase();
        let has = |texts: &[&str]| texts.iter().any(|text| error.contains(text));
        match () {
            // Such a node may return.
            () if has(&["not available for new tasks"]) => Self::MayHeal,
            () if has(&ROOM) => Self::NeedsRoom,
            () if has(&NEVER) => Self::Never,
            () => Self::MayHeal,
        }
    }
}

impl ServiceSnapshot {
    /// Tasks of the current spec that should run, do not, and have an error that says why.
    pub fn stuck(&self) -> impl Iterator<Item = &TaskSeen> {
        self.current().filter(|task| task.state < TaskState::Running && !task.error.is_empty())
    }

    /// The newest task of the current spec that ended with an error that Swarm repeats for ever.
    #[must_use]
    pub fn broken_for_good(&self) -> Option<&TaskSeen> {
        self.last_error()
            .filter(|task| task.state.is_terminal() && Prospect::of(&task.error) == Prospect::Never)
    }

    /// What keeps the service where it is, if Swarm will not change that: tasks that cannot be
    /// placed or prepared, or that end with the same error again and again.
    fn standing(&self) -> Option<String> {
        let mut waiting = self.current().filter(|task| task.state < TaskState::Running).peekable();
        let leaves =
            |task: &TaskSeen| !task.state.is_terminal() && task.desired > TaskState::Running;
        // A task that stops makes room.
        let room_comes = self.tasks.iter().any(leaves);
        let stands = |task: &TaskSeen| match Prospect::of(&task.error) {
            Prospect::Never => true,
            Prospect::NeedsRoom => !room_comes,
            Prospect::MayHeal => false,
        };
        if waiting.peek().is_some()
            && self.current().all(|task| {
                task.state == TaskState::Running || !task.error.is_empty() && stands(task)
            })
        {
            return Some(
                waiting.map(|task| [&task.task, " ", &task.error, "\n"].concat()).collect(),
            );
        }
        // While an update moves, its failure action decides about tasks that end.
        let state = self.view.update.state;
        let moves = matches!(state, UpdateState::Updating | UpdateState::RollbackStarted);
        let broken = self.broken_for_good().filter(|_| !moves && waiting.peek().is_some())?;
        Some(format!("{} {}", broken.slot, broken.error))
    }
}

/// Notices when a service stands still.
#[derive(Debug, Default)]
pub struct Standstill {
    since: Option<(String, Offset)>,
}

impl Standstill {
    /// Takes a look at a service, asked for at `at`; returns whether it has stood still for so long
    /// that waiting is useless.
    pub fn look(&mut self, service: &ServiceSnapshot, at: Offset) -> bool {
        let standing = service.standing();
        self.since = match (standing, self.since.take()) {
            (Some(now), Some((before, since))) if now == before => Some((now, since)),
            (now, _) => now.map(|now| (now, at)),
        };
        self.since.as_ref().is_some_and(|(_, since)| at - *since >= STANDS)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::ServiceView;
    use TaskState::{Failed, Pending, Preparing, Ready, Rejected, Running, Shutdown};

    const PORT: &str = "no suitable node (host-mode port already in use on 1 node)";
    const IMAGE: &str = "failed to resolve reference \"docker.io/library/no:1\": not found";

    fn task(
        id: &str,
        generation: u32,
        state: TaskState,
        desired: TaskState,
        error: &str,
    ) -> TaskSeen {
        TaskSeen {
            task: id.into(),
            service: "s".into(),
            slot: 1,
            node: String::new(),
            generation,
            image: "i".into(),
            state,
            desired,
            message: String::new(),
            error: error.into(),
            exit_code: None,
            container: String::new(),
            addresses: vec![],
        }
    }

    fn service(state: &str, tasks: Vec<TaskSeen>) -> ServiceSnapshot {
        let view = json!({"ID": "x", "Version": {"Index": 1}, "UpdateStatus": {"State": state},
            "Spec": {"Name": "s", "Mode": {"Replicated": {"Replicas": 1}}}});
        let view = ServiceView::parse(&view).unwrap();
        ServiceSnapshot {
            view,
            generation: 2,
            tasks,
            changed_at: Offset::ZERO,
            state_since: Offset::ZERO,
        }
    }

    /// Whether a service that looks like this for twenty seconds stands still.
    fn stands(service: &ServiceSnapshot) -> bool {
        let mut standstill = Standstill::default();
        let looks =
            (0..200).map(|tenth| standstill.look(service, Offset::from_millis(100 * tenth)));
        looks.last().unwrap()
    }

    #[test]
    fn errors_by_what_becomes_of_them() {
        for (error, prospect) in [
            (PORT, Prospect::NeedsRoom),
            (IMAGE, Prospect::Never),
            ("No such image: app:v9", Prospect::Never),
            (
                "invalid mount config for type \"bind\": bind source path does not exist",
                Prospect::Never,
            ),
            ("no suitable node (scheduling constraints not satisfied on 3 nodes)", Prospect::Never),
            ("no suitable node (insufficient resources on 1 node)", Prospect::NeedsRoom),
            (
                "no suitable node (1 node not available for new tasks; host-mode port already in use on 1 node)",
                Prospect::MayHeal,
            ),
            ("task: non-zero exit (1)", Prospect::MayHeal),
            ("", Prospect::MayHeal),
        ] {
            assert_eq!(Prospect::of(error), prospect, "{error}");
        }
    }

    #[test]
    fn a_new_task_that_waits_for_the_port_of_the_old_one() {
        let new = || task("new", 2, Pending, Running, PORT);
        let stays = task("old", 1, Running, Running, "");
        assert!(stands(&service("updating", vec![stays, new()])), "start-first");
        let leaves = task("old", 1, Running, Shutdown, "");
        assert!(!stands(&service("updating", vec![leaves, new()])), "stop-first");
        let other = task("other", 2, Preparing, Running, "");
        assert!(!stands(&service("updating", vec![new(), other])), "another task gets further");
    }

    #[test]
    fn an_image_that_cannot_be_resolved() {
        assert!(stands(&service("updating", vec![task("new", 2, Preparing, Running, IMAGE)])));
    }

    #[test]
    fn tasks_that_are_rejected_again_and_again() {
        let tasks = || {
            vec![
                task("r1", 2, Rejected, Shutdown, "No such image: app:v9"),
                task("next", 2, Ready, Ready, ""),
            ]
        };
        assert!(stands(&service("completed", tasks())));
        assert!(!stands(&service("updating", tasks())), "the failure action decides");
        let mut crash = tasks();
        crash[0] = task("c1", 2, Failed, Shutdown, "task: non-zero exit (1)");
        assert!(!stands(&service("completed", crash)));
    }

    #[test]
    fn the_time_counts_from_the_first_look_with_the_same_errors() {
        let mut standstill = Standstill::default();
        let at = |secs: i64| Offset::from_millis(1_000 * secs);
        let stuck = service("updating", vec![task("new", 2, Pending, Running, PORT)]);
        let fine = service("updating", vec![task("new", 2, Preparing, Running, "")]);
        assert!(!standstill.look(&stuck, at(0)) && !standstill.look(&stuck, at(14)));
        assert!(!standstill.look(&fine, at(15)) && !standstill.look(&stuck, at(16)));
        assert!(!standstill.look(&stuck, at(30)) && standstill.look(&stuck, at(31)));
    }
}
