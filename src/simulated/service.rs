//! A service: what it was told to be, and the model that says what becomes of it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::event_log::changes;
use super::ground::Ground;
use super::images::full;
use super::program::{Interpreted, Known, interpret};
use super::task_record::TaskRecord;
use super::traffic::Published;
use crate::Offset;
use crate::stack::ServiceBody;
use crate::swarm::{PublishMode, ResolutionMode, TaskState, UpdateState};
use crate::swarm_model::{Live, Request};

/// The first port that is published if the service leaves the choice to the engine.
const FIRST_PORT: u16 = 30_000;

/// A version of the service's tasks.
pub(super) struct Template {
    pub(super) task: Value,
    endpoint: Value,
    pub(super) interpreted: Interpreted,
}

/// `UpdateStatus`.
pub(super) struct UpdateStatus {
    pub(super) state: UpdateState,
    pub(super) started: Option<Offset>,
    pub(super) completed: Option<Offset>,
    pub(super) message: String,
}

/// Something that happens to a task between two steps of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cue {
    /// Its node begins to make the container.
    Prepares,
    /// Its program listens.
    Listens,
    /// It leaves the load balancer.
    Leaves,
    /// It gets its stop signal.
    Signal,
    /// It may have finished what it had in hand.
    Drained,
}

/// A service of the simulated swarm.
pub(super) struct Service {
    pub(super) id: String,
    pub(super) version: u64,
    pub(super) created: Offset,
    pub(super) updated: Offset,
    pub(super) spec: Value,
    pub(super) previous: Option<Value>,
    pub(super) status: Option<UpdateStatus>,
    pub(super) live: Live,
    pub(super) templates: Vec<Template>,
    pub(super) tasks: Vec<TaskRecord>,
    pub(super) cues: BinaryHeap<Reverse<(Offset, u32, Cue)>>,
    /// The exit codes of tasks that are finishing what they have in hand.
    pub(super) drained_code: HashMap<u32, i32>,
    /// It was removed; its tasks are stopping.
    pub(super) removed: bool,
    vip: Option<Ipv4Addr>,
    /// Ports that the engine chose.
    chosen: Vec<(u16, u16)>,
}

impl Service {
    /// Creates a service from a spec that was checked. `config` gives the content of a config by its
    /// id, `names` has the ids of networks.
    pub(super) fn create(
        ground: &mut Ground,
        spec: Value,
        config: &dyn Fn(&str) -> Option<String>,
        at: Offset,
    ) -> Self {
        let template = template(ground, &spec, config);
        let live = Live::create(&ground.base(), template.interpreted.version.clone(), 0, at);
        let mut service = Self {
            id: ground.ids.swarm(),
            version: ground.next_index(),
            created: at,
            updated: at,
            spec,
            previous: None,
            status: None,
            live,
            templates: vec![template],
            tasks: Vec::new(),
            cues: BinaryHeap::new(),
            drained_code: HashMap::new(),
            removed: false,
            vip: None,
            chosen: Vec::new(),
        };
        service.serve(ground);
        let attributes = json!({ "name": service.name() });
        ground.tell(at, "service", "create", &service.id, attributes);
        service
    }

    pub(super) fn name(&self) -> &str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    pub(super) fn body(&self) -> ServiceBody {
        ServiceBody::new(self.spec.clone())
    }

    /// Takes a new spec. With `rollback`, the service returns to its previous one.
    pub(super) fn update(
        &mut self,
        ground: &mut Ground,
        spec: Value,
        rollback: bool,
        config: &dyn Fn(&str) -> Option<String>,
        at: Offset,
    ) {
        let same = spec == self.spec && !rollback;
        let index = self.template(ground, &spec, config);
        let before = std::mem::replace(&mut self.spec, spec);
        let mut attributes = changes(&before, &self.spec);
        self.previous = Some(before);
        let was = self.status.take();
        self.status = rollback.then(|| UpdateStatus {
            state: UpdateState::RollbackStarted,
            started: Some(at),
            completed: None,
            message: "manually requested rollback".to_owned(),
        });
        // The policies may be others although the tasks are the same.
        let version = template(ground, &self.spec, config).interpreted.version;
        self.live.submit(Request {
            version,
            template: u64::try_from(index).unwrap_or_default(),
            same,
            rollback,
        });
        self.changed(ground, at);
        self.serve(ground);
        if rollback {
            attributes["updatestate.new"] = json!(UpdateState::RollbackStarted.as_str());
            if let Some(was) = was.filter(|was| was.state != UpdateState::RollbackStarted) {
                attributes["updatestate.old"] = json!(was.state.as_str());
            }
        }
        ground.tell(at, "service", "update", &self.id, attributes);
    }

    /// An image is there from now on, or is gone.
    pub(super) fn has_image(&mut self, name: &str, there: bool) {
        for (index, template) in self.templates.iter_mut().enumerate() {
            let image = template.task["ContainerSpec"]["Image"].as_str().unwrap_or_default();
            if full(image) == name {
                template.interpreted.has_image(there);
                self.live.has_image(u64::try_from(index).unwrap_or(u64::MAX), there);
            }
        }
    }

    /// Removes the service: its tasks stop.
    pub(super) fn remove(&mut self, ground: &mut Ground, at: Offset) {
        self.removed = true;
        self.live.remove();
        self.reap(ground, at);
        let attributes = json!({ "name": self.name() });
        ground.tell(at, "service", "remove", &self.id, attributes);
    }

    /// Something about it has changed.
    pub(super) fn changed(&mut self, ground: &mut Ground, at: Offset) {
        self.version = ground.next_index();
        self.updated = at;
    }

    /// The template of a spec, by its index. A change of nothing but the placement that the node meets
    /// replaces no task (swarmkit `manager/orchestrator/task.go`: `IsTaskDirty`).
    fn template(
        &mut self,
        ground: &mut Ground,
        spec: &Value,
        config: &dyn Fn(&str) -> Option<String>,
    ) -> usize {
        let (task, endpoint) = (&spec["TaskTemplate"], &spec["EndpointSpec"]);
        let known = |template: &Template| template.task == *task && template.endpoint == *endpoint;
        if let Some(index) = self.templates.iter().rposition(known) {
            return index;
        }
        let new = template(ground, spec, config);
        let without = |task: &Value| {
            let mut task = task.clone();
            if let Some(task) = task.as_object_mut() {
                task.remove("Placement");
            }
            task
        };
        if task["Placement"] != self.spec["TaskTemplate"]["Placement"]
            && new.interpreted.version.spec.fits(&ground.base().nodes[0])
        {
            let alike = |template: &Template| {
                without(&template.task) == without(task) && template.endpoint == *endpoint
            };
            if let Some(index) = self.templates.iter().rposition(alike) {
                return index;
            }
        }
        self.templates.push(new);
        self.templates.len() - 1
    }

    /// Tells the network who this is.
    fn serve(&mut self, ground: &mut Ground) {
        let body = self.body();
        let dnsrr = body.endpoint_mode() == ResolutionMode::Dnsrr;
        let networks: Vec<String> = body.networks().into_iter().map(str::to_owned).collect();
        if dnsrr || networks.is_empty() {
            if let Some(vip) = self.vip.take() {
                ground.addresses.give_back(vip);
            }
        } else if self.vip.is_none() {
            self.vip = Some(ground.addresses.take(&mut ground.ids));
        }
        let attached = self.spec["TaskTemplate"]["Networks"].as_array().into_iter().flatten();
        let aliases =
            attached.flat_map(|network| network["Aliases"].as_array().into_iter().flatten());
        let mut names: Vec<String> =
            aliases.filter_map(|alias| alias.as_str().map(str::to_owned)).collect();
        names.push(self.name().to_owned());
        let taken: Vec<u16> = self.chosen.iter().map(|(_, port)| *port).collect();
        let mut published = Vec::new();
        for port in body.published_ports() {
            let chosen = self.chosen.iter().find(|(target, _)| *target == port.target);
            let number = port.published.or_else(|| chosen.map(|(_, port)| *port));
            let free = |candidate: &u16| {
                !taken.contains(candidate) && ground.traffic.publisher(*candidate).is_none()
            };
            let Some(number) = number.or_else(|| (FIRST_PORT..=32_767).find(free)) else {
                continue;
            };
            if port.published.is_none() && chosen.is_none() {
                self.chosen.push((port.target, number));
            }
            published.push(Published {
                port: number,
                target: port.target,
                host: port.mode == PublishMode::Host,
            });
        }
        ground.traffic.serve(&self.id, names, networks, self.vip, published);
    }

    /// Gives back what the service had, once nothing of it is left.
    pub(super) fn forget(&mut self, ground: &mut Ground) {
        ground.traffic.forget(&self.id);
        if let Some(vip) = self.vip.take() {
            ground.addresses.give_back(vip);
        }
    }

    /// When something happens to it next.
    pub(super) fn next_at(&mut self) -> Option<Offset> {
        let cue = self.cues.peek().map(|Reverse((at, ..))| *at);
        [self.live.next_at(), cue].into_iter().flatten().min()
    }

    /// Whether Swarm wants a task to run.
    pub(super) fn is_wanted(&self, task: usize) -> bool {
        let now = self.live.task(u32::try_from(task).unwrap_or(u32::MAX));
        now.is_some_and(|now| now.desired <= TaskState::Running)
    }

    /// Replicas that Swarm counts as running, and those that it wants.
    pub(super) fn counts(&self) -> (u64, u64) {
        let tasks = || (0..).zip(&self.tasks).filter(|(_, task)| !task.gone);
        let running = tasks().filter(|(_, task)| task.state == TaskState::Running).count() as u64;
        let wanted =
            |id: u32| self.live.task(id).is_some_and(|task| task.desired == TaskState::Running);
        let on_nodes = || tasks().filter(|(id, _)| wanted(*id)).count() as u64;
        (running, self.body().replicas().unwrap_or_else(on_nodes))
    }

    /// What an engine says of the service.
    pub(super) fn json(&self, ground: &Ground) -> Value {
        let time = |at: Offset| ground.time.text(at);
        let mut service = json!({
            "ID": self.id,
            "Version": Ground::version(self.version),
            "CreatedAt": time(self.created),
            "UpdatedAt": time(self.updated),
            "Spec": self.spec,
            "Endpoint": self.endpoint(),
        });
        if let Some(previous) = &self.previous {
            service["PreviousSpec"] = previous.clone();
        }
        if let Some(status) = &self.status {
            let mut update = json!({"State": status.state.as_str(), "Message": status.message});
            if let Some(started) = status.started {
                update["StartedAt"] = time(started);
            }
            if let Some(completed) = status.completed {
                update["CompletedAt"] = time(completed);
            }
            service["UpdateStatus"] = update;
        }
        service
    }

    fn endpoint(&self) -> Value {
        let mut endpoint = json!({ "Spec": self.spec["EndpointSpec"] });
        let ports = self.spec["EndpointSpec"]["Ports"].as_array();
        if let Some(ports) = ports.filter(|ports| !ports.is_empty()) {
            let mut ports = ports.clone();
            for port in &mut ports {
                let target = port["TargetPort"].as_u64();
                let chosen =
                    self.chosen.iter().find(|(known, _)| Some(u64::from(*known)) == target);
                if port["PublishedPort"].as_u64().unwrap_or(0) == 0
                    && let Some((_, number)) = chosen
                {
                    port["PublishedPort"] = json!(number);
                }
            }
            endpoint["Ports"] = json!(ports);
        }
        if let Some(vip) = self.vip {
            let networks = self.spec["TaskTemplate"]["Networks"].as_array().into_iter().flatten();
            let address = format!("{vip}/8");
            endpoint["VirtualIPs"] = networks
                .map(|network| json!({"NetworkID": network["Target"], "Addr": address}))
                .collect();
        }
        endpoint
    }

    /// What an engine says of one of its tasks.
    pub(super) fn task_json(&self, index: usize, ground: &Ground) -> Value {
        let task = &self.tasks[index];
        let now = self.live.task(u32::try_from(index).unwrap_or(u32::MAX));
        let time = |at: Offset| ground.time.text(at);
        let spec = &self.templates[task.template].task;
        let desired = now.map_or(TaskState::Shutdown, |now| now.desired);
        let mut json = json!({
            "ID": task.id,
            "Version": Ground::version(task.version),
            "CreatedAt": time(task.created),
            "UpdatedAt": time(task.updated),
            "Labels": {},
            "Spec": spec,
            "ServiceID": self.id,
            "Status": task.status(time),
            "DesiredState": desired.to_string(),
        });
        let node = task.assigned.then(|| ground.node.id.clone());
        if self.body().replicas().is_some() {
            json["Slot"] = json!(task.slot);
        }
        if let Some(node) = node {
            json["NodeID"] = json!(node);
        }
        if let Some(address) = task.address {
            let networks = spec["Networks"].as_array().into_iter().flatten();
            let attached = networks.map(|network| {
                json!({
                    "Network": {"ID": network["Target"], "Spec": {"Name": network["Target"]}},
                    "Addresses": [format!("{address}/8")],
                })
            });
            json["NetworksAttachments"] = attached.collect();
        }
        json
    }
}

/// A template of a spec, with what is known of its image now.
fn template(
    ground: &mut Ground,
    spec: &Value,
    config: &dyn Fn(&str) -> Option<String>,
) -> Template {
    let body = ServiceBody::new(spec.clone());
    let runs = ground.images.can_run(body.image());
    let image = ground.images.find(body.image()).map(|(_, image)| image.config.clone());
    let known = Known { image: image.as_ref().filter(|_| runs), config };
    Template {
        task: spec["TaskTemplate"].clone(),
        endpoint: spec["EndpointSpec"].clone(),
        interpreted: interpret(&body, &known),
    }
}
