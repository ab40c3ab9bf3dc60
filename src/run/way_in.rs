//! The way that users' requests take to the service under test, where the stack leaves a choice or a
//! proxy needs to be told.

use hyper::Uri;

use super::deployment::Deployment;
use super::load::Load;
use super::spec::RunSpec;
use super::subject::{Arrival, Subject};
use super::target::inside_url;
use crate::engine::published_url;
use crate::error::{Error, Result};
use crate::probe::{Resolve, StreamPlan};
use crate::record::{Purpose, Route};
use crate::site::Site;
use crate::stack::ServiceBody;
use crate::wording::list;

impl RunSpec {
    /// The versions of the stack that the run deploys.
    pub(super) fn deployments(&self) -> Vec<&Deployment> {
        let first = match &self.subject.arrival {
            Arrival::Deploy(deployment) => Some(&**deployment),
            Arrival::Present | Arrival::Watched => None,
        };
        first.into_iter().chain(&self.next).collect()
    }

    /// Sees to it that requests reach the service under test. Returns what a reader must know.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub(super) async fn find_way_in(&mut self, site: &Site) -> Result<Vec<String>> {
        let stand_ins = self.stand_in_images(site).await?;
        let mut notes = Vec::new();
        if !stand_ins.is_empty() {
            let verb = if stand_ins.len() == 1 { "is a stand-in" } else { "are stand-ins" };
            let what = if stand_ins.len() == 1 { "this program" } else { "these programs" };
            notes.push(format!(
                "{} {verb} (--stand-in-images): this is about the stack's settings, and says nothing \
                 of {what}",
                list(&stand_ins)
            ));
        }
        let subject = &self.subject;
        let entry = subject.entry_body().filter(|entry| entry.name() != subject.target.service);
        if let Some(entry) =
            entry.filter(|entry| stand_ins.iter().any(|name| name == entry.image()))
        {
            notes.push(format!(
                "{} is asked inside its network only: {} publishes the port that users ask, and its \
                 stand-in passes nothing on",
                subject.target.service,
                entry.name()
            ));
            self.subject.ask_inside();
        } else if entry.is_some() {
            notes.extend(self.load.ask_as_routed(&mut self.subject)?);
        }
        Ok(notes)
    }

    /// The images of both versions that are stand-ins.
    async fn stand_in_images(&self, site: &Site) -> Result<Vec<String>> {
        let of_next = self.next.iter().flat_map(|next| &next.prepared.requests.services);
        let mut found: Vec<String> = Vec::new();
        for image in self.subject.services.iter().chain(of_next).map(ServiceBody::image) {
            let known = found.iter().any(|known| known == image);
            if !known && site.manager.image(image).await?.is_some_and(|image| image.is_stand_in()) {
                found.push(image.to_owned());
            }
        }
        found.sort();
        Ok(found)
    }
}

impl Subject {
    /// Asks the service by its name inside its network alone.
    fn ask_inside(&mut self) {
        let url: Option<Uri> = self.target.url.parse().ok();
        let path = url.as_ref().and_then(Uri::path_and_query).map_or("/", |path| path.as_str());
        self.target.url = inside_url(&self.target.service, path);
        self.target.port = None;
        self.target.inside = true;
    }
}

impl Load {
    /// Asks for the host and the path that labels tell a proxy of the stack to send to the service,
    /// unless the user names them. Returns what was done.
    ///
    /// # Errors
    /// When the address to ask is none.
    fn ask_as_routed(&mut self, subject: &mut Subject) -> Result<Option<String>> {
        let asked = &mut self.asking.asked;
        let target = &mut subject.target;
        // A URL of the user's has a name of its own.
        let (Some(port), Some(route)) = (target.port, subject.body.routes().into_iter().next())
        else {
            return Ok(None);
        };
        let users = StreamPlan::new("users", &target.url, 1.0)?;
        if users.scheme() == "tcp" {
            return Ok(None);
        }
        let given = asked.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host"));
        let host = route.host.filter(|_| !given);
        let path = route.path.filter(|_| target.path.is_none() && asked.paths.is_empty());
        if host.is_none() && path.is_none() {
            return Ok(None);
        }
        if path.is_some() && subject.body.strips_paths() {
            target.inside_path = Some("/".to_owned());
        }
        // The proxy sends other paths to other services, which would answer well.
        if let Some(path) = path.as_deref().filter(|_| !self.named.contains(&"proxy-slow")) {
            let prefix = path.trim_end_matches('/');
            self.asking.slow_path.insert_str(0, prefix);
        }
        let path = path.unwrap_or_else(|| users.path());
        let (scheme, address) = (users.scheme(), users.host_name());
        let what = match host {
            // A proxy chooses its certificate by the name in the handshake; Caddy refuses without one.
            Some(host) if matches!(scheme, "https" | "wss") => {
                target.url = match port {
                    443 => format!("{scheme}://{host}{path}"),
                    _ => published_url(scheme, &host, port, &path),
                };
                asked.headers.push(("Host".to_owned(), host.clone()));
                asked.resolve.push(Resolve { host, port: Some(port), to: None });
                target.url.clone()
            }
            host => {
                target.url = published_url(scheme, &address, port, &path);
                let header = host.map(|host| {
                    asked.headers.push(("Host".to_owned(), host.clone()));
                    format!("`Host: {host}`")
                });
                let path = (path != "/").then(|| format!("path {path}"));
                list(&header.into_iter().chain(path).collect::<Vec<_>>())
            }
        };
        Ok(Some(format!("asked as {what}, as the label {} says", route.label)))
    }

    /// Leaves those streams that ask inside the network, where nothing else can be asked. `known` says
    /// that the reader knows why.
    ///
    /// # Errors
    /// A usage error if none is left that shows what users get, or one is insisted on.
    pub(super) fn keep_inside(&mut self, known: bool, notes: &mut Vec<String>) -> Result<()> {
        let published: Vec<&str> = self
            .streams
            .iter()
            .filter(|kind| kind.route == Route::Published)
            .map(|kind| kind.name)
            .collect();
        let users = self
            .streams
            .iter()
            .any(|kind| kind.purpose == Purpose::Users && kind.route == Route::Overlay);
        if !users || self.insist && !published.is_empty() {
            let error = Error::usage("the stack publishes no fixed TCP port to ask")
                .hint("name the address its users ask with --url http://host:port/path");
            return Err(if users {
                error.hint(format!("without {}, it is asked inside its network", list(&published)))
            } else {
                error.hint(
                    "--streams overlay-fresh,overlay-keepalive asks the service inside its network, \
                     with --service-port if its port is not known",
                )
            });
        }
        if !published.is_empty() && !known {
            notes.push(
                "the stack publishes no port: the service is asked inside its network only"
                    .to_owned(),
            );
        }
        self.streams.retain(|kind| kind.route != Route::Published);
        Ok(())
    }
}
