//! Makes one swarm of a lab's engines.

use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::Instant;

use super::lab_node::LabNode;
use crate::engine::Engine;
use crate::error::{Error, Result};

/// Makes the first engine the manager and the others its workers, and waits until the manager
/// counts all of them as ready.
pub(super) async fn form_swarm(
    nodes: &[LabNode],
    engines: &[Engine],
    deadline: Instant,
) -> Result<()> {
    let (Some((first, workers)), Some((manager, engines))) =
        (nodes.split_first(), engines.split_first())
    else {
        return Ok(());
    };
    let address = first.address.to_string();
    let forming = async {
        manager.init_swarm(&address).await?;
        if workers.is_empty() {
            return Ok(());
        }
        let token = manager.join_tokens().await?.worker;
        let joins = workers.iter().zip(engines).map(|(node, engine)| {
            let (manager, token) = (&address, &token);
            async move { engine.join_swarm(manager, &node.address.to_string(), token).await }
        });
        try_join_all(joins).await.map(drop)
    };
    match tokio::time::timeout_at(deadline, forming).await {
        Ok(formed) => formed?,
        Err(_) => return Err(Error::environment("the lab's engines do not form a swarm in time")),
    }
    loop {
        let ready = manager.nodes().await?.iter().filter(|node| node.state == "ready").count();
        if ready == nodes.len() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::environment(format!(
                "only {ready} of the lab's {} nodes are ready in time",
                nodes.len()
            )));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
