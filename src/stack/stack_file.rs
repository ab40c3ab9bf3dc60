//! A stack, read and checked.

use super::convert;
use super::diagnostic::Fault;
use super::diagnostic::SourceText;
use super::diagnostic::Warning;
use super::model::Config;
use super::requests::Requests;
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
    /// What the user should know although the stack is accepted.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The merged and interpolated stack as YAML, like `docker stack config`.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        yaml_out::write(&self.config)
    }

    /// Keys of the services, sorted.
    pub fn service_keys(&self) -> impl Iterator<Item = &str> {
        self.config.services.keys().map(String::as_str)
    }

    /// Where a service is written (the first file that has it).
    #[must_use]
    pub fn service_place(&self, key: &str) -> Option<Place> {
        let service = self.config.services.get(key)?;
        SourceText::find(&self.texts, service.mark)
    }

    /// Where a key of a service is written (`deploy`, `healthcheck`, …); of several files, the
    /// last one.
    #[must_use]
    pub fn service_key_place(&self, service: &str, key: &str) -> Option<Place> {
        let mark = self.config.services.get(service)?.marks.get(key)?;
        SourceText::find(&self.texts, *mark)
    }

    /// The requests that deploying the stack under a name sends. Ids of secrets and configs are
    /// still empty.
    ///
    /// # Errors
    /// What `docker stack deploy` refuses after loading: images that are missing or malformed,
    /// undefined networks, volumes, secrets and configs, contradictions in a service.
    pub fn requests(&self, namespace: &str) -> Result<Requests> {
        self.convert(namespace).map_err(|fault| fault.into_error(&self.texts))
    }

    fn convert(&self, namespace: &str) -> Result<Requests, Fault> {
        for service in self.config.services.values() {
            super::image_name::check_service(service)?;
        }
        let config = &self.config;
        Ok(Requests {
            networks: convert::networks(config, namespace),
            external_networks: convert::external_networks(config),
            secrets: convert::file_objects(&config.secrets, &self.contents, namespace)?,
            configs: convert::file_objects(&config.configs, &self.contents, namespace)?,
            services: convert::services(config, namespace)?,
        })
    }
}
