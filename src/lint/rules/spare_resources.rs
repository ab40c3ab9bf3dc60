//! SRU018: start-first needs spare reservations.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::SPARE_RESOURCES,
    name: "spare-resources",
    severity: Severity::Hint,
    title: "start-first needs spare processors and memory",
    why: "While the new tasks start, the old ones keep what they have reserved. Without room for both, \
          the new tasks stay pending, and Swarm has no deadline for that.",
    page: "\
Hint for a start-first service with reservations: what its tasks reserve at the fullest moment of a good
update, from the model. Old tasks that take long to stop add to it.

Sources: swarmkit manager/scheduler/filter.go; moby#36699.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let (cpus, memory) = (s.spec().cpus, s.spec().memory);
    if !s.is_start_first() || (cpus <= 0.0 && memory == 0) {
        return Vec::new();
    }
    let Some(tasks) = s.good().map(Outcome::most_tasks) else { return Vec::new() };
    #[expect(clippy::cast_precision_loss, reason = "a number of tasks")]
    let (all_cpus, mib) =
        (cpus * tasks as f64, (memory.saturating_mul(tasks)) as f64 / f64::from(1 << 20));
    let needs = match (cpus > 0.0, memory > 0) {
        (true, true) => format!("{all_cpus} CPUs and {mib:.0} MiB"),
        (true, false) => format!("{all_cpus} CPUs"),
        _ => format!("{mib:.0} MiB"),
    };
    let message =
        format!("an update has {} at once, which reserve {needs}", counted(tasks, "task"));
    vec![
        Draft::new("resources", message)
            .count("most_tasks", tasks)
            .figure("reserved_cpus", all_cpus)
            .figure("reserved_mib", mib.round())
            .help("make sure that the nodes have that much to reserve"),
    ]
}
