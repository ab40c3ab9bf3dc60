//! A plan as text for people.

use std::fmt::Write as _;

use super::Plan;
use super::chart::{LEGEND, chart};
use super::course::Course;
use super::detection::Detection;
use super::room::Room;
use super::setting::Setting;
use crate::Offset;
use crate::swarm::{Order, UpdatePolicy, UpdateState};
use crate::wording::{counted, length, list, setting as seconds, wrap};

/// The width of the text.
const WIDTH: usize = 80;

/// The full text of a plan, in lines of at most 80 characters.
#[must_use]
pub fn text(plan: &Plan, setting: &Setting) -> String {
    let mut page = Page::default();
    head(&mut page, plan, setting);
    for course in &plan.courses {
        course_block(&mut page, plan, course);
    }
    detection_block(&mut page, plan, setting);
    room_block(&mut page, plan);
    page.0
}

/// Lines under each other.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text.trim_end());
        self.0.push('\n');
    }

    fn wrapped(&mut self, indent: &str, text: &str) {
        for line in wrap(text, WIDTH - indent.len(), usize::MAX) {
            self.line(&format!("{indent}{line}"));
        }
    }
}

fn head(page: &mut Page, plan: &Plan, setting: &Setting) {
    page.wrapped(
        "",
        &format!(
            "{}: {}, {}",
            plan.service,
            counted(plan.replicas, "replica"),
            policy(&plan.update_config)
        ),
    );
    let check = match &plan.healthcheck {
        Some(check) => format!(
            "checked every {}, {} failures are unhealthy",
            seconds(check.interval),
            check.retries
        ),
        None => "no health check in the stack file".to_owned(),
    };
    let versions = if setting.behaviours.is_some() {
        "versions behave as in the behaviour file".to_owned()
    } else {
        let stop = setting.sound.stop.time.unwrap_or_default();
        format!(
            "a sound replica is ready {} after its start and gone {} after its stop signal",
            seconds(setting.sound.boot.as_secs_f64()),
            seconds(stop.as_secs_f64())
        )
    };
    page.wrapped("  ", &format!("{check}; {versions}; engine {}", plan.engine));
}

fn policy(policy: &UpdatePolicy) -> String {
    let at_once = match policy.parallelism {
        0 => "all at once".to_owned(),
        number => format!("{number} at a time"),
    };
    let order = match policy.order {
        Order::StartFirst => "start-first",
        _ => "stop-first",
    };
    format!(
        "{order}, {at_once}, delay {}, monitor {}, on failure: {}",
        seconds(policy.delay),
        seconds(policy.monitor),
        policy.failure_action
    )
}

fn course_block(page: &mut Page, plan: &Plan, course: &Course) {
    page.line("");
    let title = match course.name {
        "good" => "Good update".to_owned(),
        "broken" => format!("Broken update ({})", course.behaviour),
        _ => "Update as in the behaviour file".to_owned(),
    };
    page.wrapped("", &format!("{title}: {}", ending(course)));
    let capacity = &course.capacity;
    let mut line = format!(
        "at worst {} of {} replicas can answer",
        capacity.lowest_answering, capacity.desired
    );
    if capacity.lowest_answering < capacity.desired {
        let _ = write!(line, " (fewer than all for {})", length(capacity.below_desired_s));
    }
    let _ = write!(line, "; {} at once", counted(course.most_tasks, "task"));
    page.wrapped("  ", &line);
    page.wrapped("  ", &milestones(course, plan));
    for alternative in &course.alternatives {
        let ends = match alternative.finished_s {
            Some(at) => format!("it ends after {}", length(at)),
            None => "it does not end".to_owned(),
        };
        page.wrapped(
            "  ",
            &format!(
                "or: {}; {} {} touched, at worst {} can answer, and {ends}",
                alternative.because,
                counted(alternative.touched_slots.len() as u64, "slot"),
                if alternative.touched_slots.len() == 1 { "is" } else { "are" },
                alternative.lowest_answering
            ),
        );
    }
    if !course.slots.is_empty() {
        page.line("");
        for line in chart(course, WIDTH) {
            page.line(&line);
        }
        if course.name == "good" {
            page.line(LEGEND);
        }
    }
}

/// How an update ends, in a few words.
#[must_use]
pub fn ending(course: &Course) -> String {
    let after =
        |at: Option<Offset>| at.map_or_else(String::new, |at| format!(" after {}", length(at)));
    if let Some(why) = &course.hangs {
        return format!("never ends: {why}");
    }
    let end = match course.final_state {
        UpdateState::None => "nothing is replaced".to_owned(),
        UpdateState::Completed if course.rolled_back => {
            format!("rolled back, and then called completed{}", after(course.finished_s))
        }
        UpdateState::Completed => format!("completed{}", after(course.finished_s)),
        UpdateState::RollbackCompleted => format!("rolled back{}", after(course.finished_s)),
        UpdateState::Paused => format!("paused{}", after(course.finished_s)),
        UpdateState::RollbackPaused => {
            format!("its rollback is paused{}", after(course.finished_s))
        }
        state => format!("{state}{}", after(course.finished_s)),
    };
    if course.churns { format!("{end}, but never at rest: {CHURN}") } else { end }
}

/// What follows an update whose failed tasks only another update replaces, and which tolerates them.
pub(super) const CHURN: &str =
    "Swarm goes on to replace failed tasks, without a limit, as long as they fail";

fn milestones(course: &Course, plan: &Plan) -> String {
    let mut parts = Vec::new();
    let mut add = |what: &str, at: Option<Offset>| {
        parts.extend(at.map(|at| format!("{what} {}", length(at))));
    };
    if let Some(rollback) = &course.rollback {
        add("first failure at", course.first_failure_s);
        add("rollback from", Some(rollback.started_s));
        add("all old replicas serve from", rollback.restored_s);
    } else {
        if course.first_failure_s.is_some() {
            add("first failure at", course.first_failure_s);
        } else {
            add("first new replica serves at", course.first_new_serves_s);
            add("all at", course.new_serves_s);
        }
        add("the last old one is gone at", course.last_replaced_gone_s);
    }
    let touched = course.touched_slots.len() as u64;
    if touched < plan.replicas {
        parts.push(format!("{touched} of {} touched", counted(plan.replicas, "slot")));
    }
    parts.join("; ")
}

fn detection_block(page: &mut Page, plan: &Plan, setting: &Setting) {
    page.line("");
    let tolerated = match plan.tolerated_failures {
        0 => "one failed slot is enough".to_owned(),
        number => format!("{} tolerated", counted(number, "failed slot")),
    };
    page.line(&format!("What Swarm notices if the new version fails ({tolerated})"));
    for detection in &plan.detection {
        let what = result(detection, setting);
        let mut lines = wrap(&what, WIDTH - 32, usize::MAX).into_iter();
        let first = lines.next().unwrap_or_default();
        page.line(&format!("  {:<30}{first}", detection.kind.as_str()));
        for line in lines {
            page.line(&format!("  {:<30}{line}", ""));
        }
    }
}

fn result(detection: &Detection, setting: &Setting) -> String {
    let touched = counted(detection.touched, "slot");
    match (detection.acts_after_s, detection.blind) {
        (Some(at), _) => {
            let does = match setting.spec.update.failure_action {
                crate::swarm::FailureAction::Rollback => "rolled back",
                _ => "paused",
            };
            format!("{does} after {}, {touched} touched", length(at))
        }
        (None, Some(blind)) => {
            let on = if detection.churns { format!("; {CHURN}") } else { String::new() };
            format!("NOT noticed: {}{on}", blind.explain(setting))
        }
        (None, None) => "nothing is replaced".to_owned(),
    }
}

fn room_block(page: &mut Page, plan: &Plan) {
    let room: &Room = &plan.room;
    let mut needs = Vec::new();
    if room.reserved_cpus > 0.0 {
        needs.push(format!("{} reserved CPUs", (room.reserved_cpus * 100.0).round() / 100.0));
    }
    if room.reserved_memory > 0 {
        needs.push(format!("{} MiB of reserved memory", room.reserved_memory >> 20));
    }
    if !room.host_ports.is_empty() {
        needs.push(format!(
            "port {} on the node of each task",
            list(&room.host_ports.iter().map(u16::to_string).collect::<Vec<_>>(),)
        ));
    }
    if room.max_replicas_per_node > 0 {
        needs.push(format!("at most {} on a node", counted(room.max_replicas_per_node, "task")));
    }
    if needs.is_empty() {
        return;
    }
    page.line("");
    let nodes = match room.needed_nodes {
        Some(nodes) if nodes > room.nodes => format!(
            "{} are not enough: the update needs {}",
            counted(room.nodes, "node"),
            counted(nodes, "node")
        ),
        Some(_) => format!("{} are enough", counted(room.nodes, "node")),
        None => "no number of such nodes is enough".to_owned(),
    };
    page.wrapped(
        "",
        &format!(
            "Room: up to {} at once, with {}; {nodes}",
            counted(room.most_tasks, "task"),
            list(&needs)
        ),
    );
}
