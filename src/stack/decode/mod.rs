//! From checked values to the model, as the client's decoder does it: mostly without looking
//! back, and with a few refusals of its own.

mod cluster_spec;
mod deploy;
mod fields;
mod file_object;
mod network;
mod pairs;
mod scalars;
mod service;
mod service_parts;
mod volume;

use std::collections::BTreeMap;

use super::fault::Fault;
use super::model::{Config, Extras};
use super::node::{Mapping, Node};
use super::source_env::SourceEnv;
use super::warning::Warnings;

/// All ports of the stack together may not be more: one short text can stand for 65,536.
const MOST_PORTS: usize = 200_000;

/// What decoding needs besides the values.
pub(crate) struct Decoder<'a> {
    pub(crate) env: &'a SourceEnv<'a>,
    pub(crate) warnings: &'a mut Warnings,
    /// The number after `3.` of the file's version.
    pub(crate) minor: u8,
    /// How many ports were expanded so far.
    pub(crate) ports: usize,
}

impl Decoder<'_> {
    /// Decodes one file that has passed the schema check.
    ///
    /// # Errors
    /// What the client's decoder refuses, missing `env_file`s, contradictions.
    pub(crate) fn config(&mut self, top: &Node, version: String) -> Result<Config, Fault> {
        let mut config = Config { version, ..Config::default() };
        let empty = Mapping::default();
        let section = |key: &str| top.get(key).and_then(Node::as_map).unwrap_or(&empty);
        for entry in &section("services").entries {
            let service = self.service(entry)?;
            config.services.insert(service.name.clone(), service);
        }
        for entry in &section("networks").entries {
            config.networks.insert(entry.key.to_string(), self.network(entry)?);
        }
        for entry in &section("volumes").entries {
            config.volumes.insert(entry.key.to_string(), self.volume(entry)?);
        }
        for entry in &section("secrets").entries {
            let secret = self.file_object(entry, "secret")?;
            config.secrets.insert(entry.key.to_string(), secret);
        }
        for entry in &section("configs").entries {
            let object = self.file_object(entry, "config")?;
            config.configs.insert(entry.key.to_string(), object);
        }
        config.extras = extras(top.as_map());
        Ok(config)
    }
}

/// The keys that begin with `x-`.
fn extras(map: Option<&Mapping>) -> Extras {
    map.into_iter()
        .flat_map(|map| &map.entries)
        .filter(|entry| entry.key.starts_with("x-"))
        .map(|entry| (entry.key.to_string(), entry.node.clone()))
        .collect::<BTreeMap<_, _>>()
}
