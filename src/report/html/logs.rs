//! What the tasks of the service under test printed.

use crate::judge::{ServiceStory, TaskStory};
use crate::wording::{clean, counted, length};

/// So many lines of one task are shown: its first and its last ones.
const MOST: usize = 200;

/// One task and its lines.
pub(super) struct LogView {
    pub whom: String,
    pub version: u32,
    pub count: String,
    pub lines: Vec<(String, String)>,
}

/// The tasks that printed something.
pub(super) fn logs(stories: &[ServiceStory]) -> Vec<LogView> {
    let tasks = stories.first().map_or(&[][..], |story| &story.tasks);
    tasks.iter().filter(|task| !task.log.is_empty()).map(view).collect()
}

fn view(task: &TaskStory) -> LogView {
    let mut lines = Vec::new();
    for (at, line) in &task.log {
        if line.left_out > 0 {
            lines.push((String::new(), format!("… {} left out", counted(line.left_out, "line"))));
        }
        lines.push((length(*at), clean(&line.text).into_owned()));
    }
    if lines.len() > MOST {
        let more = counted((lines.len() - MOST) as u64, "line");
        lines.splice(
            MOST / 2..lines.len() - MOST / 2,
            [(String::new(), format!("… {more} not shown"))],
        );
    }
    let count = counted(task.log.len() as u64, "line");
    LogView { whom: task.whom.clone(), version: task.generation, count, lines }
}
