//! A service that is followed while requests come at any time, for a swarm that is simulated while
//! somebody looks on.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use super::behaviour::KILLED;
use super::input::{Input, Version};
use super::outcome::StateStep;
use super::queue::Due;
use super::task::{NONE, Step, VERSIONS, Which};
use super::world::{World, checks, grace};
use super::{Behaviour, Spec, StartResult};
use crate::Offset;
use crate::swarm::{Replaces, TaskState, UpdateState};

/// What a world at rest borrows.
static NOTHING: LazyLock<Input> = LazyLock::new(|| {
    let none = Spec { replicas: 0, ..Spec::default() };
    Input { nodes: Vec::new(), ..Input::update(none, Behaviour::default(), Behaviour::default()) }
});

/// The most versions that are told apart beside the two of an update.
const OTHERS: usize = VERSIONS - 2;

/// A service in virtual time. Unlike [`simulate`](super::simulate), it takes requests at any moment,
/// also during an update. More than six further versions with tasks at once are taken as one.
pub struct Live {
    input: Input,
    /// The names of the task templates, in the order of the versions' indices.
    templates: [u64; VERSIONS],
    world: World<'static>,
}

/// A request that changes a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the service is to be.
    pub version: Version,
    /// The name of its task template: tasks of the same name are not replaced.
    pub template: u64,
    /// Whether nothing at all is different from what the service is: Swarm then goes on with the
    /// update that it is at.
    pub same: bool,
    /// Whether it is a rollback that was asked for.
    pub rollback: bool,
}

/// A task as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskNow {
    /// Its slot, from 1; for a global service the node, from 1.
    pub slot: u64,
    /// Which of its version's tasks in the slot it is, from 1.
    pub nth: u64,
    /// The name of its template.
    pub template: u64,
    /// Its node, by its index; absent while it has none.
    pub node: Option<usize>,
    /// The desired state.
    pub desired: TaskState,
    /// When it gets, or got, its stop signal.
    pub signal: Option<Offset>,
    /// When its process ended.
    pub died: Option<Offset>,
    /// Whether it is, or will be, killed after its grace period.
    pub killed: bool,
    /// Its exit code, once that is settled.
    pub exit_code: Option<i32>,
}

impl Live {
    /// A service that is created at `at`. What `base` says of engine, nodes, hops, order and races
    /// counts.
    #[must_use]
    pub fn create(base: &Input, version: Version, template: u64, at: Offset) -> Self {
        let none = Spec { replicas: 0, ..Spec::default() };
        let old = Version { spec: none, behaviours: Behaviour::default().into() };
        let input = Input {
            old,
            new: version,
            others: Vec::new(),
            replaces: Replaces::Everything,
            has_previous: false,
            ..base.clone()
        };
        let mut world = World::new(&input);
        world.live = true;
        world.now = at;
        world.progress = at;
        world.current = Which::New;
        world.plan_in(input.hops.submit, 0, Due::Changed);
        let mut templates = [template; VERSIONS];
        templates[0] = u64::MAX;
        Self { world: world.with(&NOTHING), input, templates }
    }

    /// When something happens next; absent if nothing does without another request.
    pub fn next_at(&mut self) -> Option<Offset> {
        self.world.next_at()
    }

    /// Plays everything up to and including `to`. Returns what happened to tasks and to the update.
    pub fn advance(&mut self, to: Offset) -> (Vec<Step>, Vec<StateStep>) {
        self.with(|world| {
            world.play_until(to);
            (std::mem::take(&mut world.steps), std::mem::take(&mut world.states))
        })
    }

    /// Takes a request at the instant that was reached.
    pub fn submit(&mut self, request: Request) {
        let current = self.world.current;
        let known = |which: Which| self.templates[which.index()];
        let replaces = request.template != known(current);
        // What was current is the previous version from now on.
        let mut to = [None; VERSIONS];
        to[current.index()] = Some(if replaces { Which::Old } else { Which::New });
        let mut others = Vec::new();
        let mut templates = [request.template; VERSIONS];
        templates[0] = known(current);
        for task in &self.world.tasks {
            let (from, name) = (task.version.index(), known(task.version));
            if to[from].is_some() {
                continue;
            }
            let same = to.iter().zip(self.templates).find(|(to, of)| to.is_some() && *of == name);
            to[from] = Some(match same {
                _ if name == request.template => Which::New,
                Some((Some(place), _)) => *place,
                _ if others.len() < OTHERS => {
                    templates[2 + others.len()] = name;
                    others.push(self.input.version(task.version).clone());
                    Which::Other(u8::try_from(others.len() - 1).unwrap_or(u8::MAX))
                }
                _ => Which::Other(u8::try_from(OTHERS - 1).unwrap_or(u8::MAX)),
            });
        }
        self.input.old = self.input.version(current).clone();
        self.input.new = request.version;
        self.input.others = others;
        self.input.replaces = if replaces { Replaces::Everything } else { Replaces::Nothing };
        self.templates = templates;
        let status =
            if request.rollback { UpdateState::RollbackStarted } else { UpdateState::None };
        let submit = self.input.hops.submit;
        self.with(|world| {
            world.renumber(to.map(|to| to.unwrap_or(Which::New)));
            if !request.same {
                world.updater = None;
                world.kept.clear();
            }
            world.current = Which::New;
            world.previous = Some(Which::Old);
            world.status = status;
            world.progress = world.now;
            world.touched.clear();
            world.plan_in(submit, 0, Due::Changed);
        });
    }

    /// Removes the service at the instant that was reached: every task is told to stop.
    pub fn remove(&mut self) {
        self.input.new.spec.replicas = 0;
        self.input.new.spec.global = false;
        self.with(|world| {
            world.updater = None;
            world.current = Which::New;
            let all = 0..super::world::index(world.tasks.len());
            for id in all {
                world.tell_to_stop(id, TaskState::Remove);
            }
        });
    }

    /// The image of a template is there from now on, or is gone: tasks of it can be made, or not.
    pub fn has_image(&mut self, template: u64, there: bool) {
        let start = if there { StartResult::Starts } else { StartResult::ImageMissing };
        let versions = [&mut self.input.old, &mut self.input.new];
        let all = versions.into_iter().chain(&mut self.input.others);
        for (version, _) in all.zip(self.templates).filter(|(_, name)| *name == template) {
            let behaviours = &mut version.behaviours;
            let exceptions = behaviours.exceptions.iter_mut().map(|one| &mut one.behaviour);
            for behaviour in exceptions.chain([&mut behaviours.usual]) {
                behaviour.start = start;
            }
        }
    }

    /// The process of a task ends by itself at the instant that was reached.
    pub fn exit(&mut self, task: u32, code: i32) {
        self.with(|world| {
            let runs = world.tasks.get(task as usize).is_some_and(|task| {
                task.started.is_some() && task.died.is_none() && !task.state.is_terminal()
            });
            if runs {
                world.tasks[task as usize].exit_code = Some(code);
                world.tasks[task as usize].signal = None;
                world.replan(task);
                world.plan_in(Offset::ZERO, task, Due::Died);
            }
        });
    }

    /// A task that has its stop signal ends at another time than planned, with another exit code if
    /// there is one: what its program has in hand decides.
    pub fn ends_at(&mut self, task: u32, at: Offset, code: Option<i32>) {
        self.with(|world| {
            let now = world.now;
            let Some(ending) = world.tasks.get_mut(task as usize) else { return };
            if ending.signal.is_none_or(|signal| signal > now) || ending.died.is_some() {
                return;
            }
            ending.exit_code = code.or(ending.exit_code);
            ending.killed = ending.exit_code == Some(KILLED);
            world.replan(task);
            world.plan_at(at.max(now), task, Due::Died);
        });
    }

    /// The health checks of a task begin to fail: it becomes unhealthy `after` this, unless it ends
    /// before.
    pub fn sicken(&mut self, task: u32, after: Offset) {
        self.with(|world| {
            if world.tasks.get(task as usize).is_some_and(|task| !task.ending) {
                world.plan_in(after, task, Due::Unhealthy);
            }
        });
    }

    /// A task as it is now.
    #[must_use]
    pub fn task(&self, task: u32) -> Option<TaskNow> {
        let now = self.world.tasks.get(task as usize)?;
        Some(TaskNow {
            slot: u64::from(now.slot) + 1,
            nth: u64::from(now.nth),
            template: self.templates[now.version.index()],
            node: (now.node != NONE).then_some(now.node as usize),
            desired: now.desired,
            signal: now.signal,
            died: now.died,
            killed: now.killed,
            exit_code: now.exit_code,
        })
    }

    /// How the processes of a task behave.
    #[must_use]
    pub fn behaviour(&self, task: u32) -> Option<&Behaviour> {
        let now = self.world.tasks.get(task as usize)?;
        let behaviours = &self.input.version(now.version).behaviours;
        Some(behaviours.of(u64::from(now.slot) + 1, u64::from(now.nth), self.input.seed))
    }

    /// Whether every task has ended, as far as the manager has seen.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.world.tasks.iter().all(|task| task.end_seen.is_some() || task.node == NONE)
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> T {
        let rest = std::mem::replace(&mut self.world, World::new(&NOTHING));
        let mut world = rest.with(&self.input);
        let done = work(&mut world);
        self.world = world.with(&NOTHING);
        done
    }
}

impl World<'_> {
    /// The same world, of another input with the same versions.
    fn with(self, input: &Input) -> World<'_> {
        let World {
            input: _,
            now,
            queue,
            planned,
            tasks,
            slots,
            nodes,
            status,
            current,
            previous,
            updater,
            updaters,
            changed,
            replaced,
            progress,
            steps,
            states,
            report_at,
            checks,
            grace,
            kept,
            touched,
            repairs,
            live,
        } = self;
        World {
            input,
            now,
            queue,
            planned,
            tasks,
            slots,
            nodes,
            status,
            current,
            previous,
            updater,
            updaters,
            changed,
            replaced,
            progress,
            steps,
            states,
            report_at,
            checks,
            grace,
            kept,
            touched,
            repairs,
            live,
        }
    }

    /// The versions have other names from now on: `to` has the new one for each index.
    fn renumber(&mut self, to: [Which; VERSIONS]) {
        let of = |which: Which| to[which.index()];
        for task in &mut self.tasks {
            task.version = of(task.version);
        }
        for slot in &mut self.slots {
            let before = std::mem::replace(&mut slot.made, [0; VERSIONS]);
            for (version, made) in before.into_iter().enumerate() {
                slot.made[to[version].index()] += made;
            }
        }
        for replaced in self.replaced.values_mut() {
            replaced.version = of(replaced.version);
        }
        if let Some(updater) = &mut self.updater {
            updater.target = of(updater.target);
        }
        self.nodes.renumber(self.input, to.map(Which::index));
        self.checks = checks(self.input);
        self.grace = grace(self.input);
    }
}
