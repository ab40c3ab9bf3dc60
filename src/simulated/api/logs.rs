//! What containers have printed.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, SelectAll};
use jiff::Timestamp;

use super::system::timestamp;
use super::{Asked, Reply, Stream};
use crate::simulated::container_log::{ContainerLog, Printed};
use crate::simulated::swarm::{Shared, Swarm};

/// The streams of logs are framed.
const KIND: &str = "application/vnd.docker.multiplexed-stream";

/// Which lines are wanted, and how.
#[expect(clippy::struct_excessive_bools, reason = "each is a parameter of the query")]
#[derive(Debug, Clone)]
struct Wanted {
    follow: bool,
    stdout: bool,
    stderr: bool,
    timestamps: bool,
    since: Option<Timestamp>,
    tail: Option<usize>,
}

impl Wanted {
    fn of(asked: &Asked) -> Self {
        Self {
            follow: asked.is_set("follow"),
            stdout: asked.is_set("stdout"),
            stderr: asked.is_set("stderr"),
            timestamps: asked.is_set("timestamps"),
            since: asked.parameter("since").and_then(timestamp),
            tail: asked.parameter("tail").and_then(|tail| tail.parse().ok()),
        }
    }

    fn takes(&self, piece: &Printed) -> bool {
        let stream = if piece.stderr { self.stderr } else { self.stdout };
        stream && self.since.is_none_or(|since| piece.at >= since)
    }

    /// The pieces of a log; `details` stands in front of each line.
    fn stream(&self, log: Arc<ContainerLog>, details: String) -> Stream {
        let (past, _) = log.rest(0);
        let first = self.tail.map_or(0, |tail| past.len().saturating_sub(tail));
        let follow = self.follow;
        let pieces = stream::unfold((log, first), move |(log, from)| async move {
            let pieces = if follow { log.next(from).await? } else { log.rest(from).0 };
            if pieces.is_empty() {
                return None;
            }
            let next = from + pieces.len();
            Some((stream::iter(pieces), (log, next)))
        });
        let wanted = self.clone();
        let frames = pieces.flatten().filter_map(move |piece: Printed| {
            let frame = wanted.takes(&piece).then(|| piece.frame(wanted.timestamps, &details));
            std::future::ready(frame)
        });
        frames.boxed()
    }
}

pub(super) fn of_container(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let wanted = Wanted::of(asked);
    let swarm = engine.now();
    let mut logs = swarm.ground.logs.iter();
    match logs.find(|(container, _)| container.starts_with(id)) {
        Some((_, log)) => Reply::stream(KIND, wanted.stream(Arc::clone(log), String::new())),
        None => Reply::error(404, format!("No such container: {id}")),
    }
}

pub(super) fn of_service(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let swarm = engine.now();
    let Some(index) = swarm.service(id) else { return Reply::not_found("service", id) };
    let tasks = (0..swarm.services[index].tasks.len()).map(|task| (index, task));
    of_tasks(&swarm, tasks, asked)
}

pub(super) fn of_task(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let swarm = engine.now();
    match swarm.task(id) {
        Some(found) => of_tasks(&swarm, [found].into_iter(), asked),
        None => Reply::not_found("task", id),
    }
}

/// The logs of tasks, each line with the ids that the client shows names for.
fn of_tasks(swarm: &Swarm, tasks: impl Iterator<Item = (usize, usize)>, asked: &Asked) -> Reply {
    let wanted = Wanted::of(asked);
    let mut all: SelectAll<Stream> = SelectAll::new();
    for (service, task) in tasks {
        let service = &swarm.services[service];
        let task = &service.tasks[task];
        let Some(container) = &task.container else { continue };
        let Some(log) = swarm.ground.logs.get(&container.id) else { continue };
        let details = if asked.is_set("details") {
            format!(
                "com.docker.swarm.node.id={},com.docker.swarm.service.id={},com.docker.swarm.task.id={} ",
                swarm.ground.node.id, service.id, task.id
            )
        } else {
            String::new()
        };
        all.push(wanted.stream(Arc::clone(log), details));
    }
    let pieces = all.map(|piece: Bytes| piece);
    Reply::stream(KIND, pieces.boxed())
}
