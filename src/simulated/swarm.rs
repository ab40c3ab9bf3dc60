//! The simulated swarm: its objects, and the thread of events that moves them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use super::ground::Ground;
use super::replica::Deed;
use super::service::Service;
use super::virtual_time::VirtualTime;
use crate::Offset;

/// A network.
pub(super) struct Network {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: Offset,
    pub(super) body: Value,
}

/// A config or a secret.
pub(super) struct Object {
    pub(super) id: String,
    /// `configs` or `secrets`.
    pub(super) kind: &'static str,
    pub(super) version: u64,
    pub(super) created: Offset,
    pub(super) updated: Offset,
    pub(super) spec: Value,
}

/// Everything in the swarm.
pub(super) struct Swarm {
    pub(super) ground: Ground,
    pub(super) networks: Vec<Network>,
    pub(super) objects: Vec<Object>,
    pub(super) services: Vec<Service>,
}

/// The swarm, for everybody who asks or moves it.
pub(super) struct Shared {
    swarm: Mutex<Swarm>,
    woken: Notify,
}

impl Shared {
    pub(super) fn new(ground: Ground) -> Arc<Self> {
        let mut swarm =
            Swarm { ground, networks: Vec::new(), objects: Vec::new(), services: Vec::new() };
        swarm.add_networks();
        Arc::new(Self { swarm: Mutex::new(swarm), woken: Notify::new() })
    }

    /// The swarm as it is now.
    pub(super) fn now(&self) -> MutexGuard<'_, Swarm> {
        let mut swarm = self.swarm.lock().unwrap_or_else(PoisonError::into_inner);
        swarm.advance();
        swarm
    }

    /// Something was asked that may have to happen soon.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Moves the swarm until it is dropped.
    pub(super) async fn run(self: Arc<Self>, mut deeds: UnboundedReceiver<(String, Deed)>) {
        loop {
            let next = {
                let mut swarm = self.now();
                swarm.next_at().map(|at| swarm.ground.time.instant(at))
            };
            let wait = async {
                match next {
                    Some(at) => sleep_until(Instant::from_std(at)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = wait => {}
                () = self.woken.notified() => {}
                deed = deeds.recv() => match deed {
                    Some((task, deed)) => self.now().deed(&task, deed),
                    None => return,
                },
            }
        }
    }
}

impl Swarm {
    /// The networks that every swarm has.
    fn add_networks(&mut self) {
        for (name, driver, scope) in [
            ("bridge", "bridge", "local"),
            ("host", "host", "local"),
            ("none", "null", "local"),
            ("ingress", "overlay", "swarm"),
        ] {
            let body = json!({
                "Driver": driver, "Scope": scope, "Labels": {}, "Ingress": name == "ingress",
            });
            let id = self.ground.ids.swarm();
            let created = Offset::ZERO;
            self.networks.push(Network { id, name: name.to_owned(), created, body });
        }
    }

    /// Plays everything up to now.
    fn advance(&mut self) {
        let now = self.ground.time.now();
        for service in &mut self.services {
            service.advance(&mut self.ground, now);
        }
        let (ground, over) = (&mut self.ground, |service: &Service| {
            service.removed && service.tasks.iter().all(|task| task.gone)
        });
        self.services.retain_mut(|service| {
            let over = over(service);
            if over {
                service.forget(ground);
            }
            !over
        });
    }

    /// When something happens next; absent if nothing does by itself.
    fn next_at(&mut self) -> Option<Offset> {
        self.services.iter_mut().filter_map(Service::next_at).min()
    }

    /// What a replica did of itself.
    fn deed(&mut self, task: &str, deed: Deed) {
        let Some((service, index)) = self.task(task) else { return };
        let id = u32::try_from(index).unwrap_or(u32::MAX);
        match deed {
            Deed::Exit(code) => self.exit(service, index, code),
            Deed::Sick => {
                let service = &mut self.services[service];
                let template = &service.templates[service.tasks[index].template];
                if let Some(check) = &template.interpreted.version.spec.health {
                    // The next check comes half an interval later, on average.
                    let tries = f64::from(u32::try_from(check.retries).unwrap_or(3)) - 0.5;
                    let after = Offset::from_secs_f64(tries.max(0.5) * check.interval);
                    service.live.sicken(id, after);
                }
            }
        }
    }

    /// An image is there from now on, or is gone.
    pub(super) fn has_image(&mut self, name: &str, there: bool) {
        for service in &mut self.services {
            service.has_image(name, there);
        }
    }

    /// The process of a task ends by itself.
    pub(super) fn exit(&mut self, service: usize, task: usize, code: i32) {
        self.services[service].live.exit(u32::try_from(task).unwrap_or(u32::MAX), code);
        self.advance();
    }

    /// A service that is there, by its name or the beginning of its id.
    pub(super) fn service(&self, id: &str) -> Option<usize> {
        let present = |service: &Service| !service.removed;
        let mut exact = self.services.iter();
        exact
            .position(|service| present(service) && (service.id == id || service.name() == id))
            .or_else(|| {
                self.services
                    .iter()
                    .position(|service| present(service) && service.id.starts_with(id))
            })
    }

    /// A task by the beginning of its id: its service and its index there.
    pub(super) fn task(&self, id: &str) -> Option<(usize, usize)> {
        self.services.iter().enumerate().find_map(|(service, of)| {
            let found =
                |task: &super::task_record::TaskRecord| !task.gone && task.id.starts_with(id);
            of.tasks.iter().position(found).map(|task| (service, task))
        })
    }

    /// A network by its name or the beginning of its id.
    pub(super) fn network(&self, id: &str) -> Option<usize> {
        let all = || self.networks.iter();
        all()
            .position(|network| network.id == id || network.name == id)
            .or_else(|| all().position(|network| network.id.starts_with(id)))
    }

    /// A config or secret by its name or the beginning of its id.
    pub(super) fn object(&self, kind: &str, id: &str) -> Option<usize> {
        let all = || self.objects.iter();
        all()
            .position(|object| object.kind == kind && (object.id == id || object.name() == id))
            .or_else(|| all().position(|object| object.kind == kind && object.id.starts_with(id)))
    }

    /// Creates a service from a spec that was checked, and returns its id.
    pub(super) fn create(&mut self, spec: Value) -> String {
        let at = self.ground.time.now();
        let config = contents(&self.objects);
        let service = Service::create(&mut self.ground, spec, &config, at);
        let id = service.id.clone();
        self.services.push(service);
        id
    }

    /// Gives a service another spec, which was checked.
    pub(super) fn update(&mut self, service: usize, spec: Value, rollback: bool) {
        self.advance();
        let at = self.ground.time.now();
        let config = contents(&self.objects);
        self.services[service].update(&mut self.ground, spec, rollback, &config, at);
    }

    /// Removes a service.
    pub(super) fn remove(&mut self, service: usize) {
        let at = self.ground.time.now();
        self.services[service].remove(&mut self.ground, at);
    }
}

/// The content of a config by its id, in base64.
fn contents(objects: &[Object]) -> impl Fn(&str) -> Option<String> {
    move |id| {
        let config = objects.iter().find(|object| object.kind == "configs" && object.id == id)?;
        config.spec["Data"].as_str().map(str::to_owned)
    }
}

impl Network {
    /// `swarm` or `local`.
    pub(super) fn scope(&self) -> &str {
        self.body["Scope"].as_str().filter(|scope| !scope.is_empty()).unwrap_or("swarm")
    }

    pub(super) fn is_predefined(&self) -> bool {
        matches!(self.name.as_str(), "bridge" | "host" | "none" | "ingress")
    }

    /// What an engine says of it.
    pub(super) fn json(&self, time: &VirtualTime) -> Value {
        json!({
            "Name": self.name,
            "Id": self.id,
            "Created": time.text(self.created),
            "Scope": self.scope(),
            "Driver": self.body["Driver"],
            "EnableIPv6": false,
            "IPAM": {"Driver": "default", "Options": null, "Config": []},
            "Internal": self.body["Internal"].as_bool().unwrap_or(false),
            "Attachable": self.body["Attachable"].as_bool().unwrap_or(false),
            "Ingress": self.body["Ingress"].as_bool().unwrap_or(false),
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": false,
            "Containers": null,
            "Options": self.body["Options"],
            "Labels": self.body["Labels"],
        })
    }
}

impl Object {
    pub(super) fn name(&self) -> &str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    /// What an engine says of it: nothing of what stands in a secret.
    pub(super) fn json(&self, time: &VirtualTime) -> Value {
        let mut spec = self.spec.clone();
        if self.kind == "secrets"
            && let Some(spec) = spec.as_object_mut()
        {
            spec.remove("Data");
        }
        json!({
            "ID": self.id,
            "Version": Ground::version(self.version),
            "CreatedAt": time.text(self.created),
            "UpdatedAt": time.text(self.updated),
            "Spec": spec,
        })
    }
}
