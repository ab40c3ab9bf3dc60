//! The engine that the docker CLI would use.

use std::net::{Ipv4Addr, TcpListener};

use super::finding::Finding;
use crate::engine::{Engine, EngineInfo, SwarmRole, resolve_host};

/// The port that the example publishes.
const EXAMPLE_PORT: u16 = 8080;

/// What was found of the engine.
pub(super) struct EngineExamined {
    pub findings: Vec<Finding>,
    /// Whether it is a swarm manager that can be used.
    pub usable: bool,
    /// Whether it runs on this machine.
    pub local: bool,
}

/// Looks at the engine at `host`, or at the one that the environment means.
pub(super) async fn examine(host: Option<&str>) -> EngineExamined {
    const NAME: &str = "docker engine";
    const COSTS: &str = "updates are tested on a private engine, not on yours";
    let choice = match resolve_host(host, &|key| std::env::var(key).ok()) {
        Ok(choice) => choice,
        Err(error) => {
            let finding = Finding::missing(NAME, error.to_string());
            let finding = finding.costs(COSTS).remedy(error.hints().join("; "));
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
                .costs(COSTS)
                .remedy("to use your own: start it, or name another with --host or DOCKER_HOST");
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
    let costs = "this engine is not used; a private one is";
    match info.role {
        SwarmRole::Manager => Finding::ok(NAME, format!("yes, of {} node(s)", info.nodes)),
        SwarmRole::None if info.live_restore => Finding::warning(
            NAME,
            "no, and live-restore is on, which excludes swarm",
        )
        .costs(costs)
        .remedy("to use it: turn `live-restore` off in its daemon.json, then `docker swarm init`"),
        SwarmRole::None => Finding::warning(NAME, "no, the engine is in no swarm")
            .costs(costs)
            .remedy("to use it: `docker swarm init`, or --init-swarm for the time of a run"),
        SwarmRole::Worker => {
            Finding::warning(NAME, "no, the engine is a worker, or its swarm has no leader")
                .costs(costs)
                .remedy("to use the swarm: name a manager with --host or DOCKER_HOST")
        }
        SwarmRole::Unusable => {
            Finding::warning(NAME, format!("no, the engine's swarm is `{}`", info.swarm_state))
                .costs(costs)
                .remedy("see `docker info`; a locked swarm needs `docker swarm unlock`")
        }
    }
}

/// Stacks that a run which was killed left on the engine, or that are deployed on purpose.
async fn leftovers(engine: &Engine) -> Option<Finding> {
    let stacks = engine.leftovers().await.ok()?;
    let names: Vec<&str> = stacks.iter().map(|leftover| leftover.stack.as_str()).collect();
    (!names.is_empty()).then(|| {
        Finding::warning("deployed stacks", format!("made by this program: {}", names.join(", ")))
            .costs("nothing if they are wanted; if a killed run left them, they take up room")
            .remedy("`rollproof down` removes them")
    })
}

fn example_port() -> Finding {
    const NAME: &str = "port of the example";
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, EXAMPLE_PORT)) {
        Ok(_) => Finding::ok(NAME, format!("{EXAMPLE_PORT} is free")),
        Err(error) => Finding::warning(NAME, format!("{EXAMPLE_PORT}: {error}"))
            .costs("the example cannot be deployed on this engine")
            .remedy(format!("end what listens on port {EXAMPLE_PORT}, or use --engine lab")),
    }
}
