//! What runs of this program left on an engine.

use super::{Engine, RUN_LABEL, STACK_LABEL};
use crate::error::Result;

/// A stack this program deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// The stack's name.
    pub stack: String,
    /// The run that deployed it.
    pub run: String,
    /// Its services.
    pub services: Vec<String>,
}

impl Engine {
    /// The stacks on this engine that this program deployed.
    ///
    /// # Errors
    /// When the engine does not answer or is no manager.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>> {
        let mut found: Vec<Leftover> = Vec::new();
        for service in self.services_by_label(RUN_LABEL).await? {
            let run = service.label(RUN_LABEL).unwrap_or_default().to_owned();
            let Some(stack) = service.label(STACK_LABEL) else { continue };
            match found.iter_mut().find(|leftover| leftover.stack == stack) {
                Some(leftover) => leftover.services.push(service.name().to_owned()),
                None => found.push(Leftover {
                    stack: stack.to_owned(),
                    run,
                    services: vec![service.name().to_owned()],
                }),
            }
        }
        Ok(found)
    }

    /// The ids of a stack's containers on this node, ended ones included.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stack_containers(&self, stack: &str) -> Result<Vec<String>> {
        let label = format!("{STACK_LABEL}={stack}");
        self.containers_by_label(&label).await.map_err(|error| {
            error.into_error(format!("cannot list the containers of stack {stack}"))
        })
    }
}
