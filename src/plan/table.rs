//! The plans of several services, a line each.

use super::Plan;
use super::course::Course;
use crate::swarm::UpdateState;
use crate::wording::{cut, length};

/// A line for each service: what matters most.
#[must_use]
pub fn table(plans: &[Plan]) -> String {
    let mut text = format!(
        "{:<20} {:>8}  {:<12} {:<7} {:<14} {}\n",
        "service", "replicas", "good update", "lowest", "broken update", "not noticed"
    );
    for plan in plans {
        let good = plan.course("good");
        let lowest = good.map_or(0, |course| course.capacity.lowest_answering);
        let unnoticed = plan.detection.iter().filter(|detection| !detection.noticed).count();
        let line = format!(
            "{:<20} {:>8}  {:<12} {:<7} {:<14} {unnoticed} of {} kinds",
            cut(&plan.service, 20),
            plan.replicas,
            good.map(ending).unwrap_or_default(),
            format!("{lowest}/{}", plan.replicas),
            plan.courses.last().map(broken_ending).unwrap_or_default(),
            plan.detection.len(),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn ending(course: &Course) -> String {
    match course.finished_s {
        _ if course.hangs.is_some() => "never ends".to_owned(),
        _ if course.churns => "never rests".to_owned(),
        Some(at) => length(at),
        None => "-".to_owned(),
    }
}

fn broken_ending(course: &Course) -> String {
    let what = match course.final_state {
        _ if course.hangs.is_some() => return "never ends".to_owned(),
        _ if course.churns => return "never rests".to_owned(),
        UpdateState::RollbackCompleted => "back",
        UpdateState::Paused | UpdateState::RollbackPaused => "paused",
        UpdateState::Completed => "completed",
        _ => return "-".to_owned(),
    };
    format!("{what} {}", ending(course))
}
