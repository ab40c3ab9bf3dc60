//! Engine timestamps and events in the run's own terms.

use jiff::Timestamp;

use crate::Clock;
use crate::Offset;
use crate::engine::EngineEvent;
use crate::record::{ContainerAction, EventKind};

/// Maps engine time onto the run's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct EngineTime {
    pub(super) clock: Clock,
    /// Engine clock minus ours.
    pub(super) offset: Offset,
}

impl EngineTime {
    pub(super) fn map(&self, time: Timestamp) -> Offset {
        self.clock.at_wall(time) - self.offset
    }
}

/// A container's event as an event of the run; absent if it says nothing about a run.
pub(super) fn container_event(event: &EngineEvent) -> Option<EventKind> {
    let action = match event.action.as_str() {
        "create" => ContainerAction::Create,
        "start" => ContainerAction::Start,
        "health_status: healthy" => ContainerAction::Healthy,
        "health_status: unhealthy" => ContainerAction::Unhealthy,
        "kill" => ContainerAction::Kill,
        "die" => ContainerAction::Die,
        "oom" => ContainerAction::Oom,
        "destroy" => ContainerAction::Destroy,
        _ => return None,
    };
    let number = |key: &str| event.attribute(key).and_then(|text| text.parse().ok());
    Some(EventKind::Container {
        container: event.id.clone(),
        task: event.attribute("com.docker.swarm.task.id")?.to_owned(),
        service: event.attribute("com.docker.swarm.service.name")?.to_owned(),
        action,
        exit_code: number("exitCode"),
        signal: number("signal"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn event(action: &str, attributes: &[(&str, &str)]) -> EngineEvent {
        EngineEvent {
            kind: "container".into(),
            action: action.into(),
            id: "c1".into(),
            attributes: attributes
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect::<HashMap<_, _>>(),
            time: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_swarm_container_s_death_keeps_its_exit_code() {
        let task = [
            ("com.docker.swarm.task.id", "t1"),
            ("com.docker.swarm.service.name", "s_app"),
            ("exitCode", "137"),
        ];
        let Some(EventKind::Container { task, action, exit_code, .. }) =
            container_event(&event("die", &task))
        else {
            panic!("no event");
        };
        assert_eq!((task.as_str(), action, exit_code), ("t1", ContainerAction::Die, Some(137)));
    }

    #[test]
    fn other_containers_and_actions_are_left_out() {
        assert_eq!(container_event(&event("die", &[("name", "x")])), None);
        let task = [("com.docker.swarm.task.id", "t"), ("com.docker.swarm.service.name", "s")];
        assert_eq!(container_event(&event("exec_create: x", &task)), None);
    }
}
