//! A running private swarm.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::description::{DownReport, LabNode, LabOptions, LabRecord, LabStatus, NodeStatus};
use super::engine_source::EngineSource;
use super::engines::{NodeStart, form_swarm};
use super::lock::LabLock;
use super::names::LabNames;
use super::network;
use super::programs::Programs;
use super::teardown::tear_down;
use super::traces::{Leftovers, lab_processes};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::wording::counted;

/// How long to wait for a running engine before the lab counts as dead.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long `down` waits while another command makes or removes the same lab.
const DOWN_WAITS: Duration = Duration::from_secs(120);

const HOW_TO_REMOVE: &str = "`rollproof lab down` removes it and everything that is deployed in it";

/// A running private swarm. It keeps running when this value is dropped or this process ends.
#[derive(Debug, Clone)]
pub struct Lab {
    names: LabNames,
    record: LabRecord,
    nodes: Vec<LabNode>,
}

impl Lab {
    /// Starts the lab, or finds the running one. Remains of a killed lab are removed first. A
    /// start that fails or is cancelled leaves nothing behind. `progress` gets one line per step.
    ///
    /// # Errors
    /// When the user is not root; when `dockerd` or another program is missing; when the running
    /// lab has too few nodes; when an engine does not start in time, with the end of its log.
    pub async fn up(options: &LabOptions, progress: &mut (dyn FnMut(&str) + Send)) -> Result<Self> {
        let (engine, programs) = Self::parts(options)?;
        let names = LabNames::of(&options.state)?;
        let deadline = Instant::now() + options.start_deadline;
        let _lock = LabLock::of_lab(&names, deadline).await?;

        if let Some(mut lab) = Self::answering(&names).await? {
            lab.fits(&engine)?;
            if lab.nodes.len() >= usize::from(options.nodes) {
                if lab.record.for_one_run && !options.for_one_run {
                    lab.record.for_one_run = false;
                    lab.record.write(&names)?;
                }
                return Ok(lab);
            }
            return Err(Error::environment(format!(
                "the running lab has {}, but {} are requested",
                counted(lab.nodes.len() as u64, "node"),
                options.nodes
            ))
            .hint(HOW_TO_REMOVE));
        }
        if !Leftovers::look(&names, &BTreeSet::new()).is_empty() {
            progress("removing the remains of a lab that was killed");
            into_result(&tear_down(&names))?;
        }
        let undo = Undo { names: Some(names.clone()) };
        let lab = Self::make(&programs, &engine, &names, options, deadline, progress).await?;
        undo.not_needed();
        Ok(lab)
    }

    /// Whether this machine could start such a lab. Nothing is started.
    ///
    /// # Errors
    /// As [`Lab::up`] before it starts anything.
    pub fn check(options: &LabOptions) -> Result<()> {
        Self::parts(options).map(|_| ())
    }

    fn parts(options: &LabOptions) -> Result<(EngineSource, Programs)> {
        if !(1..=LabOptions::MOST_NODES).contains(&options.nodes) {
            let most = LabOptions::MOST_NODES;
            return Err(Error::usage(format!(
                "a lab has 1 to {most} nodes, not {}",
                options.nodes
            )));
        }
        let engine = options.engine.checked()?;
        require_root("start a private engine")?;
        Ok((engine, Programs::find()?))
    }

    async fn make(
        programs: &Programs,
        engine: &EngineSource,
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
        progress("creating the network of the private swarm");
        let networks = LabLock::of_networks(deadline).await?;
        let (subnet, nodes) = network::make(programs, names, options.nodes).await?;
        drop(networks);

        progress(&format!("starting {}", counted(nodes.len() as u64, "private engine")));
        let starts: Vec<NodeStart<'_>> = nodes
            .iter()
            .map(|node| NodeStart::spawn(programs, engine, names, node))
            .collect::<Result<_>>()?;
        let mut engines = Vec::new();
        for start in starts {
            engines.push(start.answering(deadline).await?);
        }
        if let Some(first) = engines.first()
            && first.info().await?.storage == "vfs"
        {
            progress(&format!(
                "the file system of {} does not support overlays: every container gets a full copy of its image",
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
            root: engine.root().map(Path::to_path_buf),
            for_one_run: options.for_one_run,
        };
        record.write(names)?;
        Ok(Self { names: names.clone(), record, nodes })
    }

    /// Whether the lab's engines are those of this root folder, if one is wanted.
    fn fits(&self, engine: &EngineSource) -> Result<()> {
        if engine.root().is_none() || engine.root() == self.record.root.as_deref() {
            return Ok(());
        }
        let of = self
            .record
            .root
            .as_ref()
            .map_or_else(|| "this system".to_owned(), |root| format!("{}", root.display()));
        Err(Error::environment(format!("the running lab has the engine of {of}"))
            .hint(HOW_TO_REMOVE))
    }

    /// The lab of a state folder, if it is running and all its engines answer.
    ///
    /// # Errors
    /// When this user may not read its files or use its engines.
    pub async fn find(state: &Path) -> Result<Option<Self>> {
        Self::answering(&LabNames::of(state)?).await
    }

    async fn answering(names: &LabNames) -> Result<Option<Self>> {
        if !names.record().exists() {
            return Ok(None);
        }
        require_root("use the running private engine")?;
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

    /// The root folder of its engines, if they have one of their own.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.record.root.as_deref()
    }

    /// Removes everything that belongs to the lab of a state folder, then checks what is left.
    ///
    /// # Errors
    /// When there is a lab and the user is not root, or when another command holds the lab's lock.
    /// Anything that could not be removed is listed in the report and is not an error here.
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
            .map_err(|error| Error::environment("removing the lab failed").caused_by(error))
    }

    /// The state of the lab and its nodes.
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
            root: self.record.root.clone(),
            subnet: self.record.subnet.to_string(),
            host_address: self.host_route_address(),
            docker_host: self.docker_host(),
            nodes,
        })
    }

    /// The value of `DOCKER_HOST` that points the docker CLI at the manager.
    #[must_use]
    pub fn docker_host(&self) -> String {
        let socket = self.nodes.first().map(|node| node.socket.display().to_string());
        format!("unix://{}", socket.unwrap_or_default())
    }

    /// Whether the lab is for one run and will be removed after it.
    #[must_use]
    pub fn is_for_one_run(&self) -> bool {
        self.record.for_one_run
    }

    /// The nodes; the first is the manager.
    #[must_use]
    pub fn nodes(&self) -> &[LabNode] {
        &self.nodes
    }

    /// The host's address in the lab's network, where containers can reach the host.
    #[must_use]
    pub fn host_route_address(&self) -> IpAddr {
        network::host_address(self.record.subnet).into()
    }
}

/// Removes an incomplete lab when its start fails or is cancelled.
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
                tracing::warn!(%left, "cannot undo a failed start completely");
            }
        }
    }
}

fn require_root(purpose: &str) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    Err(Error::environment(format!("only root can {purpose}"))
        .hint("use `sudo`, or use an existing swarm manager with --engine host"))
}

fn into_result(report: &DownReport) -> Result<()> {
    if report.left.is_empty() {
        return Ok(());
    }
    Err(Error::environment("cannot remove the remains of a killed lab")
        .caused_by(report.left.join("; ")))
}

/// The disk space that a folder uses, as far as it can be read.
fn disk_use(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| {
        let Ok(meta) = entry.path().symlink_metadata() else { return 0 };
        let below = if meta.is_dir() { disk_use(&entry.path()) } else { 0 };
        meta.blocks() * 512 + below
    };
    entries.flatten().map(size).sum()
}
