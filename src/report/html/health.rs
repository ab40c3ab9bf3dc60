//! The table of health checks: what each task's checks said, and when.

use crate::judge::{ServiceStory, TaskStory};
use crate::record::CheckSeen;
use crate::wording::{clean, counted, length};
use crate::{Offset, wording};

/// More rows than this are not shown of one task.
const MOST: usize = 200;

/// One task and its checks.
pub(super) struct HealthView {
    pub whom: String,
    pub version: u32,
    pub summary: String,
    pub arithmetic: String,
    pub rows: Vec<HealthRow>,
}

/// One check that failed, or several in a row that passed.
pub(super) struct HealthRow {
    pub at: String,
    pub after_start: String,
    pub took: String,
    pub result: String,
    pub failed: bool,
    pub output: String,
}

/// The tasks of the service under test whose checks were seen; those that failed first.
pub(super) fn checks(stories: &[ServiceStory]) -> Vec<HealthView> {
    let tasks = stories.first().map_or(&[][..], |story| &story.tasks);
    let mut views: Vec<HealthView> =
        tasks.iter().filter(|task| !task.checks.is_empty()).map(view).collect();
    views.sort_by_key(|view| !view.rows.iter().any(|row| row.failed));
    views
}

fn view(task: &TaskStory) -> HealthView {
    let failed = task.checks.iter().filter(|(_, check)| !check.passed()).count();
    let longest = task.checks.iter().map(|(_, check)| check.took).max().unwrap_or_default();
    let mut rows = rows(&task.checks);
    rows.truncate(MOST);
    HealthView {
        whom: task.whom.clone(),
        version: task.generation,
        summary: format!(
            "{}, {failed} failed, the longest took {}",
            counted(task.checks.len() as u64, "check"),
            length(longest)
        ),
        arithmetic: task.arithmetic.clone().unwrap_or_default(),
        rows,
    }
}

/// Checks that pass one after the other are one row.
fn rows(checks: &[(Offset, CheckSeen)]) -> Vec<HealthRow> {
    let groups = checks.chunk_by(|one, next| one.1.passed() && next.1.passed());
    groups.filter_map(row).collect()
}

fn row(group: &[(Offset, CheckSeen)]) -> Option<HealthRow> {
    let (first, last) = (group.first()?, group.last()?);
    let times = |from: Offset, to: Offset| {
        let (from, to) = (length(from), length(to));
        if from == to { from } else { format!("{from} to {to}") }
    };
    let took = |check: &(Offset, CheckSeen)| check.1.took;
    let (quickest, slowest) = (group.iter().map(took).min()?, group.iter().map(took).max()?);
    let result = match (first.1.passed(), first.1.streak) {
        (true, _) if group.len() > 1 => format!("{} passed", group.len()),
        (true, _) => "passed".to_owned(),
        (false, Some(0)) => format!("code {}, not counted", first.1.exit_code),
        (false, Some(streak)) => format!("code {}, {streak} in a row", first.1.exit_code),
        (false, None) => format!("code {}", first.1.exit_code),
    };
    Some(HealthRow {
        at: times(first.0, last.0),
        after_start: times(first.1.after, last.1.after),
        took: times(quickest, slowest),
        result,
        failed: !first.1.passed(),
        output: wording::cut(&clean(&last.1.output), 200),
    })
}
