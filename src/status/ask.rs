//! Asking one target.

use std::time::Duration;

use super::WatchedStack;
use super::board::Answer;
use crate::engine::published_url;
use crate::error::{Error, Result};
use crate::swarm::{PortProtocol, TaskState};

/// A page that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the user calls it.
    pub name: String,
    /// Its address.
    pub url: String,
}

/// A client that follows nothing, repeats nothing and keeps nothing.
pub(super) fn client(timeout: Duration) -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| Error::environment("cannot make an HTTP client").caused_by(error))
}

/// What a page answers.
pub(super) async fn page(client: &reqwest::Client, url: &str) -> Answer {
    match client.get(url).send().await {
        Ok(response) => Answer::Status(response.status().as_u16()),
        Err(error) if error.is_timeout() => Answer::None("no answer in time".to_owned()),
        Err(error) => Answer::None(innermost(&error)),
    }
}

/// The services of a stack: those with a published port as pages, the others as the engine sees
/// them.
pub(super) async fn services(stack: &WatchedStack) -> Result<(Vec<Target>, Vec<(String, Answer)>)> {
    let services = stack.engine.stack_services(&stack.name).await?;
    let (mut pages, mut inside) = (Vec::new(), Vec::new());
    for service in &services {
        let name = service.name().to_owned();
        let ports = service.spec.published_ports();
        let port = ports
            .iter()
            .find(|port| port.protocol == PortProtocol::Tcp)
            .and_then(|port| port.published);
        match port {
            Some(port) => {
                let url = published_url("http", &stack.published_host, port, "/");
                pages.push(Target { name, url });
            }
            None => inside.push(name),
        }
    }
    let mut states = Vec::new();
    for (service, tasks) in stack.engine.services_with_tasks(&inside).await? {
        let runs = |desired, state| desired == TaskState::Running && state == TaskState::Running;
        let running = tasks.iter().filter(|task| runs(task.desired, task.state)).count();
        // A global service wants as many tasks as the engine has made for it.
        let wanted = service.spec.replicas().unwrap_or_else(|| {
            tasks.iter().filter(|task| task.desired == TaskState::Running).count() as u64
        });
        states.push((
            service.name().to_owned(),
            Answer::Replicas { running: running as u64, wanted },
        ));
    }
    Ok((pages, states))
}

/// What really went wrong: the outer errors repeat the address.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
