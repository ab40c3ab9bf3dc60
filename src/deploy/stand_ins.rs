//! External networks, secrets and configs that an engine lacks, and stand-ins for them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::owner::OwnerMark;
use super::placement::labels_for;
use crate::engine::{Engine, STACK_LABEL, StackObjectKind};
use crate::error::{Error, Result};
use crate::stack::Requests;
use crate::wording::list;

/// What stands in a config that nobody gave a content.
const CONFIG: &[u8] = b"stand-in made by rollproof\n";
/// How many random bytes a secret has that nobody gave a value.
const RANDOM: usize = 24;

/// What stand-ins are made of: the values of secrets, by name. Every other secret gets a random one.
#[derive(Clone, Default)]
pub struct StandIns {
    /// The values of secrets.
    pub secrets: BTreeMap<String, Vec<u8>>,
}

impl fmt::Debug for StandIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The values are secrets.
        f.debug_struct("StandIns").field("secrets", &self.secrets.keys()).finish()
    }
}

/// An external network, secret or config that an engine lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// What it is.
    pub kind: StackObjectKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

impl Missing {
    /// The command that makes it.
    pub(super) fn command(&self) -> String {
        match self.kind {
            StackObjectKind::Network => {
                format!("docker network create -d overlay {}", self.name)
            }
            kind => format!("docker {} create {} FILE", kind.as_str(), self.name),
        }
    }
}

/// The external networks, secrets and configs that a stack refers to and an engine lacks.
///
/// # Errors
/// When the engine does not answer.
pub async fn missing(engine: &Engine, requests: &Requests) -> Result<Vec<Missing>> {
    let mut found = Vec::new();
    for name in &requests.external_networks {
        // These are local to each node, and docker does not inspect them either.
        let local = matches!(name.as_str(), "host" | "bridge" | "none");
        if !local && engine.network(name).await?.is_none() {
            found.push(Missing { kind: StackObjectKind::Network, name: name.clone() });
        }
    }
    let (secrets, configs) = requests.referenced();
    let defined = |bodies: &[Value], name: &str| bodies.iter().any(|body| body["Name"] == name);
    for (kind, names, bodies) in [
        (StackObjectKind::Secret, secrets, &requests.secrets),
        (StackObjectKind::Config, configs, &requests.configs),
    ] {
        let external: Vec<String> =
            names.into_iter().filter(|name| !defined(bodies, name)).collect();
        if external.is_empty() {
            continue;
        }
        let existing = engine.objects(kind, None).await?;
        let lacks = |name: &String| existing.iter().all(|object| object.name != *name);
        found.extend(external.into_iter().filter(lacks).map(|name| Missing { kind, name }));
    }
    Ok(found)
}

/// Makes stand-ins for what is missing. They carry the stack's label and its marks, so that they are
/// removed with it. `tell` receives each step.
///
/// # Errors
/// When the engine refuses one, or there is no random value to be had.
pub async fn stand_in(
    engine: &Engine,
    stack: &str,
    missing: &[Missing],
    stand_ins: &StandIns,
    mark: &OwnerMark,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<()> {
    for Missing { kind, name } in missing {
        let given = stand_ins.secrets.get(name);
        let mut body = match kind {
            StackObjectKind::Network => {
                json!({"Name": name, "Driver": "overlay", "Attachable": true})
            }
            StackObjectKind::Config => json!({"Name": name, "Data": STANDARD.encode(CONFIG)}),
            StackObjectKind::Secret => {
                let value = given.map_or_else(random, |value| Ok(value.clone()))?;
                json!({"Name": name, "Data": STANDARD.encode(value)})
            }
        };
        body["Labels"] = json!({STACK_LABEL: stack});
        mark.on_object(&mut body);
        let with = match (kind, given) {
            (StackObjectKind::Secret, None) => " with a random value",
            _ => "",
        };
        tell(&format!("Creating a stand-in for the external {} {name}{with}", kind.as_str()));
        engine.create_object(*kind, &body).await?;
    }
    Ok(())
}

/// Gives nodes the labels that constraints of the stack ask for, where no node fulfils them. They stay
/// with the private engine.
///
/// # Errors
/// When the engine does not answer or refuses one.
pub async fn label_nodes(
    engine: &Engine,
    requests: &Requests,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<()> {
    let nodes = engine.nodes().await?;
    for (id, labels) in labels_for(&nodes, &requests.services) {
        let node = nodes.iter().find(|node| node.id == id).map_or("", |node| &node.hostname);
        let words: Vec<String> =
            labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        tell(&format!("Labelling node {node} with {}", list(&words)));
        engine.label_node(&id, &labels).await?;
    }
    Ok(())
}

/// A random value that text files and URLs can hold.
fn random() -> Result<Vec<u8>> {
    let mut bytes = [0; RANDOM];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(
        |error| Error::environment("cannot make a random value for a secret").caused_by(error),
    )?;
    Ok(hex::encode(bytes).into_bytes())
}
