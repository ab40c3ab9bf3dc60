//! A stack that was read and checked.

use std::collections::BTreeMap;

use super::convert;
use super::diagnostic::{Mark, SourceText};
use super::fault::Faults;
use super::model::Config;
use super::requests::Requests;
use super::service_body::ServiceBody;
use super::warning::Warning;
use super::yaml_out;
use crate::{Place, Result};

/// A stack, read from its files, checked and merged.
#[derive(Debug, Clone)]
pub struct Stack {
    pub(super) config: Config,
    pub(super) texts: Vec<SourceText>,
    pub(super) warnings: Vec<Warning>,
    pub(super) contents: convert::Contents,
}

impl Stack {
    /// What the user should know, although the stack is accepted.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The merged and interpolated stack as YAML, like `docker stack config`.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        yaml_out::write(&self.config)
    }

    /// Where the files set what decides how a service is updated. The keys are `deploy`,
    /// `replicas`, `endpoint_mode`, `stop_grace_period`, `update_config`, `update_config.order` and
    /// so on, the same for `rollback_config`, and `healthcheck`, `healthcheck.interval` and so on.
    /// `service` is where the service begins, in the first file that has it.
    ///
    /// A setting that is not set has no place, and an unknown service has none at all. If several
    /// files set the same key, the place is in the last file whose value counts.
    #[must_use]
    pub fn setting_places(&self, service_key: &str) -> BTreeMap<String, Place> {
        let Some(service) = self.config.services.get(service_key) else { return BTreeMap::new() };
        std::iter::once(("service", service.mark))
            .chain(service.settings.iter())
            .filter_map(|(name, mark)| {
                Some((name.to_owned(), SourceText::find(&self.texts, mark)?))
            })
            .collect()
    }

    /// Where the files set one setting or key of a service: a name as in
    /// [`Stack::setting_places`], or one of the service's own keys, such as `image`. Absent if they
    /// do not set it.
    #[must_use]
    pub fn place(&self, service_key: &str, name: &str) -> Option<Place> {
        let mark = self.mark(service_key, name)?;
        SourceText::find(&self.texts, mark)
    }

    /// Whether the files set that.
    #[must_use]
    pub fn sets(&self, service_key: &str, name: &str) -> bool {
        self.mark(service_key, name).is_some()
    }

    fn mark(&self, service_key: &str, name: &str) -> Option<Mark> {
        let service = self.config.services.get(service_key)?;
        if name == "service" {
            return Some(service.mark);
        }
        service.settings.get(name).or_else(|| service.marks.get(name).copied())
    }

    /// The files' names and texts, in the order of reading.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts.iter().map(|source| (source.name.as_str(), source.text.as_str()))
    }

    /// The text of one of the stack's configs, if it is the stack's own, could be read and is text.
    #[must_use]
    pub fn config_text(&self, config_key: &str) -> Option<&str> {
        let config = self.config.configs.get(config_key)?;
        let content = self.contents.get(&config.file)?.as_ref().ok()?;
        std::str::from_utf8(content).ok()
    }

    /// The services of [`Stack::requests`] alone, in the order of their keys. The files of secrets
    /// and configs need not be there.
    ///
    /// # Errors
    /// As [`Stack::requests`].
    pub fn services(&self, namespace: &str) -> Result<Vec<ServiceBody>> {
        convert::services(&self.config, namespace).map_err(|faults| faults.into_error(&self.texts))
    }

    /// The requests that deploy the stack under a name. The ids of secrets and configs are still
    /// empty.
    ///
    /// # Errors
    /// What `docker stack deploy` refuses after loading: missing or malformed images,
    /// undefined networks, volumes, secrets and configs, contradictions in a service.
    pub fn requests(&self, namespace: &str) -> Result<Requests> {
        self.convert(namespace).map_err(|faults| faults.into_error(&self.texts))
    }

    fn convert(&self, namespace: &str) -> Result<Requests, Faults> {
        let config = &self.config;
        let mut faults = Faults::default();
        let services = faults.take(convert::services(config, namespace)).unwrap_or_default();
        let objects = |objects| convert::file_objects(objects, &self.contents, namespace);
        let secrets = faults.take(objects(&config.secrets)).unwrap_or_default();
        let configs = faults.take(objects(&config.configs)).unwrap_or_default();
        faults.or(())?;
        let places = services.iter().zip(config.services.values()).filter_map(|(body, service)| {
            Some((body.name().to_owned(), SourceText::find(&self.texts, service.mark)?))
        });
        let service_places = places.collect();
        Ok(Requests {
            networks: convert::networks(config, namespace),
            external_networks: convert::external_networks(config),
            secrets,
            configs,
            services,
            service_places,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::stack::{Sources, load};

    #[test]
    fn requests_know_where_each_service_is_written() {
        let text = "services:\n  app: {image: a}\n  app2:\n    image: a\n";
        let sources = Sources {
            files: vec!["-".to_owned()],
            cwd: "/".into(),
            stdin: Some(text.into()),
            ..Sources::default()
        };
        let stack = load(&sources).unwrap();
        let requests = stack.requests("s").unwrap();
        let lines: Vec<(&str, usize)> = requests
            .service_places
            .iter()
            .map(|(name, place)| (name.as_str(), place.line))
            .collect();
        assert_eq!(lines, [("s_app", 2), ("s_app2", 3)]);
        assert_eq!(
            stack.setting_places("app2").get("service"),
            requests.service_places.get("s_app2")
        );
    }
}
