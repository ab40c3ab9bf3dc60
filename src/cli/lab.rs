//! `rollproof lab`: a private swarm by hand.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::console::Console;
use super::dry_run::{DryRunArgs, nothing_done};
use super::output::put;
use crate::error::{Error, Result};
use crate::lab::{
    DownReport, EngineSource, Lab, LabOptions, LabStatus, LabTrace, NodeStatus, lab_traces,
};
use crate::site::{EngineChoice, LabUse, remove_lab, remove_simulation};
use crate::wording::counted;

/// `rollproof lab …`.
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    #[command(subcommand)]
    pub(super) command: LabCommand,
}

/// Manage a private swarm.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Make the private swarm of this folder, or say that it is running
    Up(LabUp),
    /// Show the private swarm of this folder
    Status,
    /// List the private swarms of this machine, whatever folder they belong to
    Ls,
    /// Print the line that points the docker CLI at the private swarm: `eval "$(rollproof lab env)"`
    Env,
    /// Remove the private swarm of this folder with everything in it
    Down(DryRunArgs),
}

/// Arguments of `rollproof lab up`.
#[derive(Debug, Args)]
pub struct LabUp {
    /// Number of nodes, the first of which is the manager
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=i64::from(LabOptions::MOST_NODES)))]
    nodes: u8,
    /// The engine's program, if not the `dockerd` in PATH
    #[arg(long, value_name = "PATH", conflicts_with = "lab_root")]
    dockerd: Option<PathBuf>,
    /// How long the start may take
    #[arg(long, value_name = "DURATION", default_value = "1m", value_parser = humantime::parse_duration)]
    timeout: Duration,

    #[command(flatten)]
    dry_run: DryRunArgs,
}

/// Runs one of the commands.
///
/// # Errors
/// Those of [`Lab`]; when there is no lab to show; when something of a lab could not be removed.
pub(super) async fn run(command: LabCommand, console: &Console) -> Result<u8> {
    let (state, json) = (console.state.path(), console.global.json);
    if console.global.engine == EngineChoice::Simulated {
        return simulated(&command, console).await;
    }
    match command {
        LabCommand::Up(args) => {
            let options = LabOptions {
                state: state.to_owned(),
                nodes: args.nodes,
                engine: args.dockerd.map_or_else(|| console.lab_engine(), EngineSource::Program),
                start_deadline: args.timeout,
                for_one_run: false,
            };
            if args.dry_run.dry_run {
                return foresee_up(&options, console).await;
            }
            let mut progress = |step: &str| anstream::eprintln!("{step}");
            let lab = tokio::select! {
                lab = Lab::up(&options, &mut progress) => lab?,
                () = console.interrupt.cancelled() => {
                    return Err(Error::interrupted("stopped; the half-made private swarm is removed"));
                }
            };
            show(&lab.status().await?, json)?;
        }
        LabCommand::Status => show(&running(state).await?.status().await?, json)?,
        LabCommand::Ls => list(&lab_traces(state)?, json)?,
        LabCommand::Env => {
            put(&format!("export DOCKER_HOST={}\n", running(state).await?.docker_host()))?;
        }
        LabCommand::Down(args) if args.dry_run => foresee_down(console)?,
        LabCommand::Down(_) => show_down(&remove_lab(&console.state).await?, json)?,
    }
    Ok(0)
}

/// The same for a simulated engine.
async fn simulated(command: &LabCommand, console: &Console) -> Result<u8> {
    let state = &console.state;
    let running = async || {
        let site = console.open_site(LabUse::Running).await?;
        Ok::<_, Error>((site.address(), site.speed(), site.published_host))
    };
    let show = |(address, speed, host): (String, f64, String)| {
        if console.global.json {
            let status = json!({"docker_host": address, "speed": speed, "published_host": host});
            return put(&to_json(&status)?);
        }
        put(&format!(
            "simulated engine, {speed} times as fast as real, ports open at {host}\n\n\
             export DOCKER_HOST={address}\n"
        ))
    };
    match command {
        LabCommand::Up(args) if args.dry_run.dry_run => {
            put(&format!("would use {}\n", console.foresee_site(LabUse::Start).await?))?;
            nothing_done(console);
        }
        LabCommand::Up(_) => {
            console.open_site(LabUse::Start).await?;
            show(running().await?)?;
        }
        LabCommand::Status | LabCommand::Ls => show(running().await?)?,
        LabCommand::Env => put(&format!("export DOCKER_HOST={}\n", running().await?.0))?,
        LabCommand::Down(args) if args.dry_run => {
            let there = console.foresee_site(LabUse::Running).await.is_ok();
            let what =
                if there { "would end the simulated engine" } else { "no simulated engine runs" };
            put(&format!("{what}\n"))?;
            nothing_done(console);
        }
        LabCommand::Down(_) => {
            let ended = remove_simulation(state)?;
            if console.global.json {
                put(&to_json(&json!({ "ended": ended }))?)?;
            } else {
                let what =
                    if ended { "ended the simulated engine" } else { "no simulated engine runs" };
                put(&format!("{what}\n"))?;
            }
        }
    }
    Ok(0)
}

async fn foresee_up(options: &LabOptions, console: &Console) -> Result<u8> {
    Lab::check(options)?;
    let state = options.state.display();
    let there = Lab::find(&options.state).await?;
    let nodes = there.as_ref().map_or(usize::from(options.nodes), |lab| lab.nodes().len());
    let nodes = counted(nodes as u64, "node");
    if console.global.json {
        let starts = there.is_none();
        put(&to_json(&json!({"dry_run": true, "starts": starts, "nodes": options.nodes}))?)?;
    } else if there.is_some() {
        put(&format!("the private swarm of {state} is running already, with {nodes}\n"))?;
    } else {
        put(&format!("would start a private swarm of {nodes} for {state}\n"))?;
    }
    nothing_done(console);
    Ok(0)
}

fn foresee_down(console: &Console) -> Result<()> {
    let mine = lab_traces(console.state.path())?.into_iter().find(|lab| lab.mine);
    if console.global.json {
        put(&to_json(&json!({"dry_run": true, "removes": mine}))?)?;
    } else if let Some(lab) = &mine {
        put(&format!("would remove the private swarm {}", trace_line(lab)))?;
    } else {
        put("no private swarm is there\n")?;
    }
    nothing_done(console);
    Ok(())
}

async fn running(state: &Path) -> Result<Lab> {
    Lab::find(state).await?.ok_or_else(|| {
        Error::environment("no private swarm is running for this folder")
            .hint("`rollproof lab up` makes one")
    })
}

fn show(status: &LabStatus, json: bool) -> Result<()> {
    if json {
        return put(&to_json(status)?);
    }
    let nodes: Vec<String> = status.nodes.iter().map(node_lines).collect();
    let root = status.root.as_ref();
    let root = root.map(|root| format!("  engines from {}\n", root.display()));
    put(&format!(
        "private swarm {} since {:.0}, network {}, host {}\n{}{}\n\nexport DOCKER_HOST={}\n",
        status.id,
        status.since,
        status.subnet,
        status.host_address,
        root.unwrap_or_default(),
        nodes.join("\n"),
        status.docker_host
    ))
}

fn list(labs: &[LabTrace], json: bool) -> Result<()> {
    if json {
        return put(&to_json(&labs)?);
    }
    if labs.is_empty() {
        return put("no private swarm is on this machine\n");
    }
    put(&labs.iter().map(trace_line).collect::<String>())
}

/// `05fb86b9  3 nodes  running since 2026-11-21T01:14:09Z  /shop/.rollproof (this folder)`.
fn trace_line(lab: &LabTrace) -> String {
    let since = lab.since.map(|since| format!(" since {since:.0}")).unwrap_or_default();
    let standing = match (lab.running, lab.nodes) {
        (0, 0) => "never complete, or left over".to_owned(),
        (0, _) => "left over, no engine is running".to_owned(),
        (running, nodes) if running < nodes => format!("{running} of {nodes} running{since}"),
        _ => format!("running{since}"),
    };
    let folder = match &lab.state {
        None => "folder unknown".to_owned(),
        Some(state) if lab.mine => format!("{} (this folder)", state.display()),
        Some(state) if lab.folder_is_gone() => format!("{} (gone)", state.display()),
        Some(state) => state.display().to_string(),
    };
    format!("{}  {}  {standing}  {folder}\n", lab.id, counted(lab.nodes as u64, "node"))
}

fn node_lines(node: &NodeStatus) -> String {
    format!(
        "  {}  {}  engine {} ({}), process {}, {} MB on disk\n      log {}",
        node.name,
        node.address,
        node.engine_version,
        node.storage_driver,
        node.pid.map_or_else(|| "unknown".into(), |pid| pid.to_string()),
        node.disk_bytes.div_ceil(1_000_000),
        node.log.display(),
    )
}

fn show_down(report: &DownReport, json: bool) -> Result<()> {
    if json {
        put(&to_json(report)?)?;
    } else if report.removed.is_empty() && report.left.is_empty() {
        put("no private swarm was there\n")?;
    } else {
        let lines: Vec<String> =
            report.removed.iter().map(|line| format!("removed {line}")).collect();
        put(&(lines.join("\n") + "\n"))?;
    }
    if report.left.is_empty() {
        return Ok(());
    }
    let error = Error::environment("something of the private swarm could not be removed");
    Err(report.left.iter().fold(error, |error, line| error.hint(format!("still there: {line}"))))
}

fn to_json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Error::environment("cannot write JSON").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_on_one_line() {
        let lab = LabTrace {
            id: "05fb86b9".into(),
            state: Some("/".into()),
            mine: true,
            things: 9,
            since: "2026-11-21T01:14:09.5Z".parse().ok(),
            nodes: 3,
            running: 3,
        };
        let line = |lab: &LabTrace| trace_line(lab).trim_end().to_owned();
        assert_eq!(
            line(&lab),
            "05fb86b9  3 nodes  running since 2026-11-21T01:14:09Z  / (this folder)"
        );
        let killed = LabTrace { running: 0, mine: false, state: Some("/no/such".into()), ..lab };
        assert_eq!(
            line(&killed),
            "05fb86b9  3 nodes  left over, no engine is running  /no/such (gone)"
        );
    }
}
