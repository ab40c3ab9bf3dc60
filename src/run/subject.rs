//! The stack and the service under test.

use std::collections::BTreeMap;
use std::path::Path;

use super::deployment::Deployment;
use super::target::{Target, TargetWish, find_target};
use crate::companion::asked_port;
use crate::deploy::{Whose, places_in, refuse_unless_ours};
use crate::engine::{ImageView, STACK_LABEL, ServiceView};
use crate::error::{Error, Result};
use crate::probe::StreamPlan;
use crate::record::{EntryFacts, StackFacts};
use crate::site::Site;
use crate::stack::{PublishedPort, ServiceBody};
use crate::swarm::PublishMode;

/// The stack and the service under test.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The stack's name; empty for a service without a stack.
    pub stack: String,
    /// The stack files, if they are known.
    pub files: Vec<String>,
    /// Every service of the stack.
    pub services: Vec<ServiceBody>,
    /// The service under test and its address.
    pub target: Target,
    /// The service under test before its first change.
    pub body: ServiceBody,
    /// Where the files set what, as [`StackFacts::places`] has it.
    pub places: BTreeMap<String, String>,
    /// What a reader of the verdict must know.
    pub caveats: Vec<String>,
    /// How the stack comes to be there.
    pub arrival: Arrival,
}

/// How the stack under test comes to be there.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// The run deploys it.
    Deploy(Box<Deployment>),
    /// It is there, and the run changes it.
    Present,
    /// It is there, and the run changes nothing at all.
    Watched,
}

impl Subject {
    /// A stack that the run deploys itself.
    ///
    /// # Errors
    /// When the service under test or its address cannot be chosen.
    pub fn to_deploy(site: &Site, deployment: Deployment, wish: &TargetWish) -> Result<Self> {
        let stack = deployment.options.stack.clone();
        let prepared = &deployment.prepared;
        let services = prepared.requests.services.clone();
        let target = find_target(&services, &stack, wish, &site.published_host)?;
        Ok(Self {
            body: own_body(&services, &target)?,
            files: prepared.files.clone(),
            places: prepared.places(&stack, &target.service),
            caveats: prepared.caveats.clone(),
            arrival: Arrival::Deploy(Box::new(deployment)),
            stack,
            services,
            target,
        })
    }

    /// A stack that is on the engine. Its services are taken as they run, whatever changed them
    /// since they were deployed.
    ///
    /// # Errors
    /// When the stack is not there, the service under test or its address cannot be chosen, or
    /// the service was not deployed by rollproof and may not be taken over.
    pub async fn present(
        site: &Site,
        stack: &str,
        files: &[String],
        wish: &TargetWish,
        adopt: bool,
    ) -> Result<Self> {
        let found = site.manager.stack_services(stack).await?;
        if found.is_empty() {
            return Err(Error::usage(format!(
                "stack `{stack}` does not exist on the {}",
                site.reason
            ))
            .hint("deploy it with `rollproof deploy`"));
        }
        // Services beside the stack carry its name too.
        let services: Vec<ServiceBody> = found
            .iter()
            .map(|service| service.spec.clone())
            .filter(|body| !crate::deploy::is_companion(body.name()))
            .collect();
        let target = find_target(&services, stack, wish, &site.published_host)?;
        if let Some(service) = found.iter().find(|service| service.name() == target.service) {
            let whose = Whose::service(&site.owner, service);
            refuse_unless_ours(&format!("service {}", target.service), whose, adopt)?;
        }
        let body = own_body(&services, &target)?;
        Ok(Self {
            stack: stack.to_owned(),
            files: files.to_vec(),
            places: places_in(files, stack, &body),
            body,
            services,
            target,
            caveats: Vec::new(),
            arrival: Arrival::Present,
        })
    }

    /// A service that somebody is going to update from elsewhere.
    ///
    /// # Errors
    /// When there is no such service, or its address cannot be chosen.
    pub async fn watched(site: &Site, service: &str, wish: TargetWish) -> Result<Self> {
        let body = watched_service(site, service).await?;
        let stack = body.label(STACK_LABEL).unwrap_or_default().to_owned();
        let services = if stack.is_empty() {
            vec![body.clone()]
        } else {
            let services = site.manager.stack_services(&stack).await?;
            services.into_iter().map(|service| service.spec).collect()
        };
        let wish = TargetWish { service: Some(body.name().to_owned()), ..wish };
        let target = find_target(&services, &stack, &wish, &site.published_host)?;
        Ok(Self {
            stack,
            files: Vec::new(),
            services,
            target,
            body,
            places: BTreeMap::new(),
            caveats: Vec::new(),
            arrival: Arrival::Watched,
        })
    }

    /// The subject's facts for the record, `body` being what the service is now. The image's
    /// health check counts.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn facts(&self, site: &Site, body: &ServiceBody) -> Result<StackFacts> {
        let replicas = body.replicas().unwrap_or(site.info.nodes);
        let facts = self.facts_of(site, body, replicas, self.places.clone()).await?;
        let image = site.manager.image(body.image()).await?;
        Ok(StackFacts { own_url: self.own_url(body, image.as_ref()), ..facts })
    }

    /// The same for any service of the stack, with so many replicas and these places of its settings.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn facts_of(
        &self,
        site: &Site,
        body: &ServiceBody,
        replicas: u64,
        places: BTreeMap<String, String>,
    ) -> Result<StackFacts> {
        let image = site.manager.image(body.image()).await?;
        let of_image = image.as_ref().and_then(|image| image.healthcheck.as_ref());
        Ok(StackFacts {
            name: self.stack.clone(),
            files: self.files.iter().map(|file| shown_path(file)).collect(),
            service: body.name().to_owned(),
            replicas,
            update_config: body.update_policy(),
            rollback_config: body.rollback_policy(),
            healthcheck: body.effective_healthcheck(of_image),
            healthcheck_off: body.turns_health_check_off(),
            places,
            entry: self.entry(),
            own_url: None,
            polling: body.proxy_polling(&self.services),
            ports_moved: self.has_moved(body.name()),
            stand_in: image.as_ref().is_some_and(ImageView::is_stand_in),
        }
        .at_speed(site.speed()))
    }

    /// Where a task answers what users ask, seen from inside its container.
    fn own_url(&self, body: &ServiceBody, image: Option<&ImageView>) -> Option<String> {
        let port = asked_port(body, image)?;
        let url: hyper::Uri = self.target.url.parse().ok()?;
        let path = self.target.inside_path.as_deref().unwrap_or(url.path());
        Some(format!("http://localhost:{port}{path}"))
    }

    /// The service that publishes the port which users ask.
    fn entry(&self) -> Option<EntryFacts> {
        let (body, port) = self.find_entry()?;
        Some(EntryFacts {
            service: body.name().to_owned(),
            replicas: body.replicas(),
            host_port: port.mode == PublishMode::Host,
            moved: self.has_moved(body.name()),
            order: body.update_policy().order,
        })
    }

    /// Whether this run opens the ports of a service on its tasks' nodes instead of in the mesh.
    fn has_moved(&self, service: &str) -> bool {
        match &self.arrival {
            Arrival::Deploy(deployment) => deployment.prepared.moved_ports.contains(service),
            Arrival::Present | Arrival::Watched => false,
        }
    }

    /// The same, as it runs.
    pub(super) fn entry_body(&self) -> Option<&ServiceBody> {
        self.find_entry().map(|(body, _)| body)
    }

    fn find_entry(&self) -> Option<(&ServiceBody, PublishedPort)> {
        if self.target.inside {
            return None;
        }
        let of_url = || Some(StreamPlan::new("users", &self.target.url, 1.0).ok()?.port());
        let asked = self.target.port.or_else(of_url);
        let mut entries = self.services.iter().filter_map(|body| {
            let mut ports = body.published_ports().into_iter();
            let port = ports.find(|port| port.published.is_some() && port.published == asked)?;
            Some((body, port))
        });
        entries.next()
    }

    /// Whether the service under test publishes the port that users ask itself.
    pub(super) fn is_asked_itself(&self) -> bool {
        self.entry().is_some_and(|entry| entry.service == self.target.service)
    }

    /// The names of the stack's services.
    #[must_use]
    pub fn service_names(&self) -> Vec<String> {
        self.services.iter().map(|body| body.name().to_owned()).collect()
    }
}

/// The body of the service under test.
///
/// # Errors
/// When it is not among the services.
pub fn own_body(services: &[ServiceBody], target: &Target) -> Result<ServiceBody> {
    let found = services.iter().find(|body| body.name() == target.service);
    found.cloned().ok_or_else(|| Error::usage("the service under test is not in the stack"))
}

async fn watched_service(site: &Site, name: &str) -> Result<ServiceBody> {
    if let Some(found) = site.manager.service(name).await? {
        return Ok(found.spec);
    }
    let all = site.manager.services().await?;
    let mut names: Vec<&str> = all.iter().map(ServiceView::name).collect();
    names.sort_unstable();
    let error = Error::usage(format!("there is no service `{name}` on the {}", site.reason));
    let similar =
        names.iter().find(|known| known.split_once('_').is_some_and(|part| part.1 == name));
    Err(match (similar, names.is_empty()) {
        (Some(similar), _) => error.hint(format!("did you mean `{similar}`?")),
        (None, true) => error.hint("no service runs there; --host names another engine"),
        (None, false) => error.hint(format!("its services are: {}", names.join(", "))),
    })
}

/// A file as the user would name it: relative to the current folder where it lies below it.
fn shown_path(file: &str) -> String {
    let relative = std::env::current_dir().ok().and_then(|cwd| {
        Path::new(file).strip_prefix(cwd).ok().map(|path| path.display().to_string())
    });
    relative.unwrap_or_else(|| file.to_owned())
}
