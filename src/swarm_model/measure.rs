//! Hop times from the record of a real run.

use std::collections::HashMap;

use super::HopTimes;
use crate::Offset;
use crate::record::{ContainerAction, Event, EventKind};
use crate::swarm::{HealthCheck, TaskState};

/// A container that starts with fewer others than this, on average, starts alone.
const ALONE: f64 = 0.25;

/// The instants of one task that hop times come from.
#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    assigned: Option<Offset>,
    created: Option<Offset>,
    starting: Option<Offset>,
    started: Option<Offset>,
    healthy: Option<Offset>,
    died: Option<Offset>,
    ended: Option<Offset>,
}

impl HopTimes {
    /// The hop times that the events of a run show for the tasks of a service; the defaults for
    /// those that they do not show. The median counts. Only containers that started alone tell how
    /// long a start takes, and those that started with others tell how much each other adds. Tasks
    /// from before the first change do not count: beside a deployment, the engine makes networks and
    /// starts other services.
    #[must_use]
    pub fn measure(events: &[Event], service: &str, check: Option<&HealthCheck>) -> Self {
        Self::measure_beside(events, service, check, Self::default())
    }

    /// The same, with what each other container adds to a start in the events of another run: one in
    /// which several start at once.
    #[must_use]
    pub fn with_crowd_of(self, events: &[Event], service: &str) -> Self {
        Self { crowd: Self::measure_beside(events, service, None, self).crowd, ..self }
    }

    /// [`HopTimes::measure`] with other times than the defaults for those that no event shows.
    pub(super) fn measure_beside(
        events: &[Event],
        service: &str,
        check: Option<&HealthCheck>,
        all: Self,
    ) -> Self {
        let marks = marks(events, service);
        let between = |from: fn(&Marks) -> Option<Offset>, to: fn(&Marks) -> Option<Offset>| {
            marks.iter().filter_map(move |mark| Some(to(mark)? - from(mark)?)).collect()
        };
        let prepare = median(between(|mark| mark.assigned, |mark| mark.created));
        let teardown = median(between(|mark| mark.died, |mark| mark.ended));
        let starts: Vec<(Offset, f64)> =
            marks.iter().filter_map(|mark| start(mark, &marks)).collect();
        let alone = starts.iter().filter(|(_, others)| *others < ALONE).map(|(time, _)| *time);
        let start = median(alone.collect()).unwrap_or(all.start);
        let crowd = starts.iter().filter(|(_, others)| *others >= ALONE).map(|(time, others)| {
            let longer = (*time - start).max(Offset::ZERO).as_secs_f64();
            Offset::from_secs_f64(longer / others)
        });
        let interval = check.map_or(0.0, |check| check.interval);
        let checks = between(|mark| mark.started, |mark| mark.healthy);
        // Only a replica that was healthy at its first check tells how long one takes.
        let first = checks
            .into_iter()
            .map(|time: Offset| time - Offset::from_secs_f64(interval))
            .filter(|time| *time > Offset::ZERO && time.as_secs_f64() < interval / 2.0);
        Self {
            create: prepare.map_or(all.create, |time| (time - all.deliver).max(Offset::ZERO)),
            start,
            crowd: median(crowd.collect()).unwrap_or(all.crowd),
            check: median(first.collect()).unwrap_or(all.check),
            teardown: teardown.unwrap_or(all.teardown),
            ..all
        }
    }
}

fn marks(events: &[Event], service: &str) -> Vec<Marks> {
    let change = |event: &&Event| matches!(event.kind, EventKind::Submitted { .. });
    let from = events.iter().find(change).map(|event| event.at);
    let counts = |event: &&Event| from.is_none_or(|from| event.at >= from);
    let mut marks: HashMap<&str, Marks> = HashMap::new();
    for event in events.iter().filter(counts) {
        match &event.kind {
            EventKind::Task(task) if task.service == service => {
                let mark = marks.entry(&task.task).or_default();
                let place = match task.state {
                    TaskState::Assigned => &mut mark.assigned,
                    TaskState::Starting => &mut mark.starting,
                    state if state.is_terminal() => &mut mark.ended,
                    _ => continue,
                };
                place.get_or_insert(event.at);
            }
            EventKind::Container { task, service: of, action, .. } if of == service => {
                let mark = marks.entry(task).or_default();
                let place = match action {
                    ContainerAction::Create => &mut mark.created,
                    ContainerAction::Start => &mut mark.started,
                    ContainerAction::Healthy => &mut mark.healthy,
                    ContainerAction::Die => &mut mark.died,
                    _ => continue,
                };
                place.get_or_insert(event.at);
            }
            _ => {}
        }
    }
    marks.into_values().collect()
}

/// How long a container took to start, and how many others were starting meanwhile, on average over
/// that time.
fn start(mark: &Marks, all: &[Marks]) -> Option<(Offset, f64)> {
    let (from, to) = (mark.starting?, mark.started?);
    let together = |other: &Marks| {
        let (begun, done) = (other.starting?.max(from), other.started?.min(to));
        Some((done - begun).max(Offset::ZERO).as_secs_f64())
    };
    let shared: f64 = all.iter().filter_map(together).sum();
    let time = to - from;
    // It is one of them itself.
    (time > Offset::ZERO).then(|| (time, shared / time.as_secs_f64() - 1.0))
}

fn median(mut times: Vec<Offset>) -> Option<Offset> {
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}
