//! A private swarm that is up.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::down_report::DownReport;
use super::lab_lock::LabLock;
use super::lab_names::LabNames;
use super::lab_node::LabNode;
use super::lab_options::LabOptions;
use super::lab_record::LabRecord;
use super::lab_status::{LabStatus, NodeStatus};
use super::leftovers::Leftovers;
use super::network;
use super::node_start::NodeStart;
use super::processes::lab_processes;
use super::programs::Programs;
use super::swarm::form_swarm;
use super::teardown::tear_down;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// How long a running engine may take to answer before the lab counts as dead.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long `down` waits for another command that is making or removing the same lab.
const DOWN_WAITS: Duration = Duration::from_secs(120);

/// A private swarm that is up. It stays up when this value, or this process, goes away.
#[derive(Debug, Clone)]
pub struct Lab {
    names: LabNames,
    record: LabRecord,
    nodes: Vec<LabNode>,
}

impl Lab {
    /// Makes the lab, or finds the one that is running. What a killed one left is removed
    /// first. A start that fails, or is dropped, leaves nothing behind.
    ///
    /// # Errors
    /// Without root rights, `dockerd` or another program; when the running lab has fewer nodes
    /// than asked; when an engine does not start in time, with the end of its log.
    pub async fn up(options: &LabOptions, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Self> {
        if !(1..=LabOptions::MOST_NODES).contains(&options.nodes) {
            let most = LabOptions::MOST_NODES;
            return Err(Error::usage(format!(
                "a lab has 1 to {most} nodes, not {}",
                options.nodes
            )));
        }
        require_root("make a private engine")?;
        let programs = Programs::find(options.dockerd.as_deref())?;
        let names = LabNames::of(&options.state)?;
        let deadline = Instant::now() + options.start_deadline;
        let _lock = LabLock::of_lab(&names, deadline).await?;

        if let Some(mut lab) = Self::answering(&names).await? {
            if lab.nodes.len() >= usize::from(options.nodes) {
                if lab.record.for_one_run && !options.for_one_run {
                    lab.record.for_one_run = false;
                    lab.record.write(&names)?;
                }
                return Ok(lab);
            }
            return Err(Error::environment(format!(
                "the running lab has {} of the {} nodes that are asked for",
                lab.nodes.len(),
                options.nodes
            ))
            .hint("`rollproof lab down` removes it, with everything that is deployed in it"));
        }
        if !Leftovers::look(&names, &BTreeSet::new()).is_empty() {
            progress("removing what is left of a lab that was killed");
            into_result(&tear_down(&names))?;
        }
        let undo = Undo { names: Some(names.clone()) };
        let lab = Self::make(&programs, &names, options, deadline, progress).await?;
        undo.not_needed();
        Ok(lab)
    }

    async fn make(
        programs: &Programs,
        names: &LabNames,
        options: &LabOptions,
        deadline: Instant,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self> {
        for folder in [names.runtime(), names.data()] {
            fs::create_dir_all(&folder).map_err(|error| {
                Error::environment(format!("cannot create {}", folder.display())).caused_by(error)
            })?;
        }
        progress("making the network of the private swarm");
        let networks = LabLock::of_networks(deadline).await?;
        let (subnet, nodes) = network::make(programs, names, options.nodes).await?;
        drop(networks);

        progress(&format!("starting {}", engines(nodes.len())));
        let starts: Vec<NodeStart<'_>> = nodes
            .iter()
            .map(|node| NodeStart::spawn(programs, names, node))
            .collect::<Result<_>>()?;
        let mut engines = Vec::new();
        for start in starts {
            engines.push(start.answering(deadline).await?);
        }
        if let Some(engine) = engines.first()
            && engine.info().await?.storage == "vfs"
        {
            progress(&format!(
                "the file system of {} has no overlays: every container gets a full copy of its image",
                names.data().display()
            ));
        }
        progress("forming the swarm");
        form_swarm(&nodes, &engines, deadline).await?;

        let addresses = nodes
            .iter()
            .zip(1..)
            .map(|(node, number)| (node.name.clone(), network::node_address(subnet, number)));
        let record = LabRecord {
            state: names.state().to_owned(),
            since: Timestamp::now(),
            subnet,
            nodes: addresses.collect(),
            for_one_run: options.for_one_run,
        };
        record.write(names)?;
        Ok(Self { names: names.clone(), record, nodes })
    }

    /// The lab of a state folder, if it is running and all its engines answer.
    ///
    /// # Errors
    /// When its files may not be read, or its engines not be asked, by this user.
    pub async fn find(state: &Path) -> Result<Option<Self>> {
        Self::answering(&LabNames::of(state)?).await
    }

    async fn answering(names: &LabNames) -> Result<Option<Self>> {
        if !names.record().exists() {
            return Ok(None);
        }
        require_root("use the private engine that is running")?;
        let Some(record) = LabRecord::read(names)? else { return Ok(None) };
        let node = |(name, address): &(String, _)| LabNode::new(names, name.clone(), *address);
        let nodes: Vec<LabNode> = record.nodes.iter().map(node).collect();
        for node in &nodes {
            let answer = tokio::time::timeout(ANSWERS_WITHIN, Engine::connect(node.host())).await;
            if !matches!(answer, Ok(Ok(_))) {
                return Ok(None);
            }
        }
        Ok(Some(Self { names: names.clone(), record, nodes }))
    }

    /// Removes everything of the state folder's lab, whatever is left of it, and looks again.
    ///
    /// # Errors
    /// Without root rights if there is a lab, or when another command keeps hold of it. That
    /// something is left is no error here: the report says it.
    pub async fn down(state: &Path) -> Result<DownReport> {
        let names = LabNames::of(state)?;
        if !nix::unistd::geteuid().is_root() && Leftovers::look(&names, &BTreeSet::new()).is_empty()
        {
            return Ok(DownReport::default());
        }
        require_root("remove a private engine")?;
        let _lock = LabLock::of_lab(&names, Instant::now() + DOWN_WAITS).await?;
        tokio::task::spawn_blocking(move || tear_down(&names))
            .await
            .map_err(|error| Error::environment("the removal of the lab failed").caused_by(error))
    }

    /// What the lab is doing.
    ///
    /// # Errors
    /// When an engine does not answer.
    pub async fn status(&self) -> Result<LabStatus> {
        let processes = lab_processes(&self.names, &BTreeSet::new());
        let mut nodes = Vec::new();
        for node in &self.nodes {
            let info = Engine::connect(node.host()).await?.info().await?;
            let engine = processes.iter().find(|process| {
                process.name == "dockerd" && process.node.as_ref() == Some(&node.name)
            });
            nodes.push(NodeStatus {
                name: node.name.clone(),
                address: node.address,
                socket: node.socket.clone(),
                namespace: node.namespace.clone(),
                pid: engine.map(|process| process.pid),
                engine_version: info.version,
                storage_driver: info.storage,
                disk_bytes: disk_use(&self.names.node_data(&node.name)),
                log: self.names.node_log(&node.name),
            });
        }
        Ok(LabStatus {
            id: self.names.id().to_owned(),
            state: self.names.state().to_owned(),
            since: self.record.since,
            subnet: self.record.subnet.to_string(),
            host_address: self.host_route_address(),
            docker_host: self.docker_host(),
            nodes,
        })
    }

    /// What `DOCKER_HOST` has to be for the docker CLI to talk to the manager.
    #[must_use]
    pub fn docker_host(&self) -> String {
        let socket = self.nodes.first().map(|node| node.socket.display().to_string());
        format!("unix://{}", socket.unwrap_or_default())
    }

    /// Whether it was made for one run, and nobody has asked for it since but such runs.
    #[must_use]
    pub fn is_for_one_run(&self) -> bool {
        self.record.for_one_run
    }

    /// The nodes; the first is the manager.
    #[must_use]
    pub fn nodes(&self) -> &[LabNode] {
        &self.nodes
    }

    /// The host's address in the lab's network: where containers reach the host.
    #[must_use]
    pub fn host_route_address(&self) -> IpAddr {
        network::host_address(self.record.subnet).into()
    }
}

/// Removes a half-made lab when its making fails or is given up.
struct Undo {
    names: Option<LabNames>,
}

impl Undo {
    fn not_needed(mut self) {
        self.names = None;
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        if let Some(names) = &self.names {
            for left in tear_down(names).left {
                tracing::warn!(%left, "not removed after a failed start");
            }
        }
    }
}

fn engines(count: usize) -> String {
    if count == 1 { "a private engine".into() } else { format!("{count} private engines") }
}

fn require_root(purpose: &str) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::environment(format!("only root can {purpose}"))
        .hint("use `sudo`, or an engine that runs already and is a swarm manager: --engine host"))
}

fn into_result(report: &DownReport) -> Result<()> {
    if report.left.is_empty() {
        return Ok(());
    }
    Err(Error::environment("a killed lab cannot be removed").caused_by(report.left.join("; ")))
}

/// The disk space below a folder, as far as it can be read.
fn disk_use(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| {
        let Ok(meta) = entry.path().symlink_metadata() else { return 0 };
        let below = if meta.is_dir() { disk_use(&entry.path()) } else { 0 };
        meta.blocks() * 512 + below
    };
    entries.flatten().map(size).sum()
}
