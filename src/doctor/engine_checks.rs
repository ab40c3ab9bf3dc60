//! Checks the engine that the docker CLI would use.

use std::net::{Ipv4Addr, TcpListener};

use super::finding::Finding;
use crate::engine::{Engine, EngineInfo, SwarmRole, resolve_host};
use crate::wording::counted;

/// The port that the example publishes.
const EXAMPLE_PORT: u16 = 8080;

/// What was found out about the engine.
pub(super) struct EngineExamined {
    pub findings: Vec<Finding>,
    /// Whether it is a usable swarm manager.
    pub usable: bool,
    /// Whether it runs on this machine.
    pub local: bool,
}

/// Checks the engine at `host`, or the one that the environment selects.
pub(super) async fn examine(host: Option<&str>) -> EngineExamined {
    const NAME: &str = "docker engine";
    const EFFECT: &str = "updates are tested on a private engine instead of this one";
    let choice = match resolve_host(host, &|key| std::env::var(key).ok()) {
        Ok(choice) => choice,
        Err(error) => {
            let finding = Finding::missing(NAME, error.to_string());
            let finding = finding.effect(EFFECT).fix(error.hints().join("; "));
            return EngineExamined { findings: vec![finding], usable: false, local: true };
        }
    };
    let local = choice.host.is_local();
    let asked = async {
        let engine = Engine::connect(choice.host.clone()).await?;
        let info = engine.info().await?;
        Ok::<_, crate::Error>((engine, info))
    };
    let (engine, info) = match asked.await {
        Ok(answer) => answer,
        Err(error) => {
            let finding = Finding::warning(NAME, format!("{error} ({})", choice.source))
                .effect(EFFECT)
                .fix("to use your own engine: start it, or choose another with --host or DOCKER_HOST");
            return EngineExamined { findings: vec![finding], usable: false, local };
        }
    };
    let found = format!("version {} at {} ({})", info.version, choice.host, choice.source);
    let mut findings = vec![Finding::ok(NAME, found), role(&info)];
    let usable = info.role == SwarmRole::Manager;
    if usable {
        let stacks = leftovers(&engine).await;
        let deployed = stacks.is_some();
        findings.extend(stacks);
        if local && !deployed {
            findings.push(example_port());
        }
    }
    EngineExamined { findings, usable, local }
}

fn role(info: &EngineInfo) -> Finding {
    const NAME: &str = "swarm manager";
    let effect = "a private engine is used instead of this one";
    match info.role {
        SwarmRole::Manager => Finding::ok(NAME, format!("yes, of {}", counted(info.nodes, "node"))),
        SwarmRole::None if info.live_restore => Finding::warning(
            NAME,
            "no, and live-restore is on, which does not work with a swarm",
        )
        .effect(effect)
        .fix("to use it: disable `live-restore` in its daemon.json, then run `docker swarm init`"),
        SwarmRole::None => Finding::warning(NAME, "no, the engine is not part of a swarm")
            .effect(effect)
            .fix("to use it: run `docker swarm init`, or pass --init-swarm for a swarm that lasts one run"),
        SwarmRole::Worker => {
            Finding::warning(NAME, "no, the engine is a worker, or its swarm has no leader")
                .effect(effect)
                .fix("to use the swarm: choose a manager with --host or DOCKER_HOST")
        }
        SwarmRole::Unusable => {
            Finding::warning(NAME, format!("no, the state of the engine's swarm is `{}`", info.swarm_state))
                .effect(effect)
                .fix("see `docker info`; unlock a locked swarm with `docker swarm unlock`")
        }
    }
}

/// Stacks of rollproof on the engine, deployed on purpose or left by a killed run.
async fn leftovers(engine: &Engine) -> Option<Finding> {
    let stacks = engine.leftovers().await.ok()?;
    let names: Vec<&str> = stacks.iter().map(|leftover| leftover.stack.as_str()).collect();
    (!names.is_empty()).then(|| {
        Finding::warning("deployed stacks", format!("deployed by rollproof: {}", names.join(", ")))
            .effect("they use resources; a killed run may have left them")
            .fix("`rollproof down` removes them")
    })
}

fn example_port() -> Finding {
    const NAME: &str = "port of the example";
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, EXAMPLE_PORT)) {
        Ok(_) => Finding::ok(NAME, format!("{EXAMPLE_PORT} is free")),
        Err(error) => Finding::warning(NAME, format!("{EXAMPLE_PORT}: {error}"))
            .effect("the example cannot be deployed on this engine")
            .fix(format!("stop what listens on port {EXAMPLE_PORT}, or use --engine lab")),
    }
}
