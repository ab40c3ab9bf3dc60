//! All tasks of the service under test.

use std::collections::{BTreeSet, HashMap};

use super::task_life::TaskLife;
use crate::Offset;
use crate::record::{Event, EventKind, Shot};
use crate::swarm::TaskState;

/// The signal that nothing can ignore; a container that it ends has 128 more as its exit code.
const SIGKILL: i64 = 9;

/// All tasks of one service, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks<'a> {
    pub lives: Vec<TaskLife<'a>>,
}

impl<'a> Tasks<'a> {
    /// The tasks of `service` as these events tell them.
    pub(super) fn of(events: &'a [Event], service: &str) -> Self {
        let mut lives: Vec<TaskLife<'a>> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        // A container's event can come before the poll that sees its task.
        let mut early: HashMap<&str, Vec<_>> = HashMap::new();
        for event in events {
            match &event.kind {
                EventKind::Task(task) if task.service == service => {
                    if let Some(place) = index.get(task.task.as_str()) {
                        lives[*place].seen(task, event.at, event.seen);
                        continue;
                    }
                    index.insert(&task.task, lives.len());
                    let mut life = TaskLife::new(task, event.at, event.seen);
                    for (action, sigkill, at) in
                        early.remove(task.task.as_str()).unwrap_or_default()
                    {
                        life.container(action, sigkill, at);
                    }
                    lives.push(life);
                }
                EventKind::Container { task, action, exit_code, signal, .. } => {
                    let sigkill = *signal == Some(SIGKILL) || *exit_code == Some(128 + SIGKILL);
                    match index.get(task.as_str()) {
                        Some(place) => lives[*place].container(*action, sigkill, event.at),
                        None => early.entry(task).or_default().push((*action, sigkill, event.at)),
                    }
                }
                EventKind::TaskGone { task } => {
                    if let Some(place) = index.get(task.as_str()) {
                        lives[*place].gone(event.at);
                    }
                }
                _ => {}
            }
        }
        Self { lives }
    }

    /// The task with this id; the engine's messages may shorten ids.
    pub(super) fn find(&self, id: &str) -> Option<&TaskLife<'a>> {
        self.lives.iter().find(|life| life.last.task == id)
    }

    /// The task that a request to a replica by itself was for: the one that answered if that is
    /// told, else the last one that had got the address by then.
    pub(super) fn asked(&self, shot: &Shot) -> Option<usize> {
        let named = shot
            .replica
            .as_deref()
            .and_then(|name| self.lives.iter().position(|life| life.is_container(name)));
        let address = shot.to.as_deref()?;
        let at = shot.began();
        named.or_else(|| {
            let since = |life: &TaskLife| {
                life.addresses.iter().find(|known| known.0 == address).map(|known| known.1)
            };
            let owners = self.lives.iter().enumerate().filter_map(|(index, life)| {
                Some((since(life).filter(|since| *since <= at)?, index))
            });
            owners.max().map(|owner| owner.1)
        })
    }

    /// How many places have a task of this generation that serves at that instant.
    pub(super) fn places_served(&self, generation: u32, at: Offset) -> u64 {
        let places: BTreeSet<_> = self
            .lives
            .iter()
            .filter(|life| life.last.generation == generation && life.serves_at(at))
            .map(TaskLife::place)
            .collect();
        places.len() as u64
    }

    /// The first instant from `from` on at which `replicas` places have a task of this
    /// generation that serves.
    pub(super) fn all_served(
        &self,
        generation: u32,
        replicas: u64,
        from: Offset,
    ) -> Option<Offset> {
        let mut starts: Vec<Offset> = self
            .lives
            .iter()
            .filter(|life| life.last.generation == generation)
            .filter_map(|life| life.running)
            .filter(|running| *running > from)
            .collect();
        starts.push(from);
        starts.sort_unstable();
        starts.into_iter().find(|at| self.places_served(generation, *at) >= replicas)
    }

    /// When the last of the tasks that `which` chooses ended; none while one is left or if
    /// there are none.
    pub(super) fn last_ended(&self, which: impl Fn(&TaskLife) -> bool) -> Option<Offset> {
        let ends: Option<Vec<Offset>> =
            self.lives.iter().filter(|life| which(life)).map(|life| life.ended).collect();
        ends?.into_iter().max()
    }

    /// Tasks that Swarm wants to run in the end, whether they do or not.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &TaskLife<'a>> {
        self.lives.iter().filter(|life| {
            life.ended.is_none()
                && life.told_to_stop.is_none()
                && life.last.desired <= TaskState::Running
        })
    }

    /// Tasks of this generation that serve in the end.
    pub(super) fn serving_last(&self, generation: u32) -> impl Iterator<Item = &TaskLife<'a>> {
        self.wanted()
            .filter(move |life| life.last.generation == generation && life.running.is_some())
    }
}
